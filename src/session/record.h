/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/record.h - a whole call as bytes: its dialog, its media, its certificate, its times.
 *
 * A record is one bencode dictionary; its names stand in docs/store.md. There are keys in it: wipe
 * what holds one. Reading takes nothing on trust: a record that breaks a rule is refused whole, and
 * the reason tells which.
 */
#ifndef SESSION_RECORD_H
#define SESSION_RECORD_H

#include "bencode/record_buffer.h"
#include "call/record.h"
#include "relay/resume.h"

enum {
    RECORD_VERSION = 1,
    RECORD_MAX_SIZE = 8 << 20,
    RECORD_MAX_MEMORY = 64 << 20, /* of its tree */
};

/* Beside dialog and media. Times are unix microseconds. */
struct record_head {
    int64_t saved_us;
    int64_t ends_us;         /* deleted, and ending then; 0: not deleted */
    uint16_t webrtc_port;    /* the shared port that the call uses; 0: none */
    struct text certificate; /* PEM, with the private key */
};

/* Returns the record, which lies in `buffer` until the next one; empty when memory is short or the
 * record too large. `media` NULL: the worker has nothing to tell. */
struct bytes record_write(struct record_buffer *buffer, const struct record_head *head,
    const struct call *call, const struct relay_resume *media);

enum record_status {
    RECORD_OK,
    RECORD_MALFORMED,
    RECORD_OTHER_VERSION, /* a later one, which this reader cannot know */
};

/* A record that is being read; what it holds borrows the bytes it was opened on. */
struct record {
    struct ng_arena arena;
    const struct ng_value *tree;
    struct text id;
    int64_t created_us, signalled_us;
    struct record_head head;
    bool has_media;
};

/* Reads all but dialog and media. With anything but RECORD_OK `why` is filled, and there may be an
 * id all the same. To be closed in any case. */
NODISCARD enum record_status record_open(
    struct record *record, struct bytes bytes, struct call_record_why *why);

/* Returns the media as a new resume, NULL when it is refused, with the reason in `why`. */
NODISCARD struct relay_resume *record_media(
    const struct record *record, struct call_record_why *why);

/* Wipes what was read. */
void record_close(struct record *record);

#endif
