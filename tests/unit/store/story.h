/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.h - what nodes ask of a store and what they are told, a line each: run against a store in
 * memory and against a real Redis.
 *
 *     A put call x 1 10.0.0.1 hello => done A 1 1
 *
 * First the node that asks. Words, with "-" for an empty one and "," for a space:
 *
 *     put|free KIND ID EPOCH PLACES RECORD    => RESULT OWNER EPOCH SERIAL
 *     remove KIND ID WRITER EPOCH             => RESULT OWNER EPOCH SERIAL
 *     take KIND ID PLACES OWNER EPOCH SERIAL  => RESULT EPOCH TAKES
 *     get|look KIND ID                        => RESULT OWNER EPOCH SERIAL TAKES PLACES RECORD
 *     list NODE                               => RESULT KIND:ID@PLACES ..., sorted
 *     unlist NODE KIND ID                     =>
 *     lease NAME INSTANCE MS INFO             => RESULT
 *     unlease NAME INSTANCE MS                => RESULT
 *     nodes                                   => RESULT NAME/INSTANCE/INFO/RECORDS ... released
 *     forget NAME                             =>
 *     wait MS                                 =>
 */
#ifndef TEST_STORY_H
#define TEST_STORY_H

#include "base/str.h"
#include "store/store.h"

enum { STORY_NODES = 3 };

struct story {
    const char *name;
    const char *lines;
};

extern const struct story stories[];
extern const size_t story_count;

struct stage {
    struct store *nodes[STORY_NODES]; /* A, B, C */
    /* Until `*answers` is not 0; then what runs in the background of `node` is to be over too. */
    void (*settle)(struct stage *stage, struct store *node, const unsigned *answers);
    void (*wait)(struct stage *stage, uint64_t ms);
    void *owner;

    /* The last answer. */
    unsigned answers;
    struct str answer;
    struct str parts[32];
    size_t part_count;
};

/* Asks, and returns the answer in words; borrowed until the next line. */
const char *stage_ask(struct stage *stage, const char *line);
/* Fails the test when a line is answered otherwise. */
void stage_play(struct stage *stage, const struct story *story);
void stage_done(struct stage *stage);

#endif
