/* SPDX-License-Identifier: Apache-2.0 */
/* router_world.h - a router in a loop of the test's own, and what came of it. */
#ifndef ROUTER_WORLD_H
#define ROUTER_WORLD_H

#include "fake_redis.h"
#include "redis/router.h"

struct world {
    uv_loop_t loop;
    struct redis_router_config config; /* to be changed before world_open() */
    struct redis_router *router;
    int log;

    unsigned ready, lost; /* told by on_ready */
    unsigned answered;    /* with a reply */
    unsigned unanswered;
    unsigned done;  /* both */
    char last[256]; /* text of the last reply, or its number */
    size_t last_len;
    enum redis_kind last_kind;
};

/* The timeouts of it are short. */
void world_start(struct world *w);

/* Closes the router and lets the loop end; everything else must be closed already. */
void world_stop(struct world *w);

/* Of a target as in an option. */
void world_open(struct world *w, const char *target);
void world_close_router(struct world *w);

/* Words of a sentence, separated by '|', the second of which is the key. Returns what
 * redis_router_send() does. */
int world_send(struct world *w, const char *words);
int world_send_words(struct world *w, struct text key, const struct text *words, size_t count);

/* Sends, asserts that it was taken and answered, and returns the text of the answer; "(lost)" when
 * there was none. */
const char *world_ask(struct world *w, const char *words);

/* Asks until the answer starts with the word, for ten seconds at most. */
bool world_comes_to_say(struct world *w, const char *words, const char *wanted);

unsigned world_log_lines(const struct world *w, const char *word);

#endif
