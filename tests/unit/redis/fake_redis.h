/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_redis.h - a server that speaks RESP as its script wants, on the loop of the test.
 */
#ifndef FAKE_REDIS_H
#define FAKE_REDIS_H

#include <uv.h>

#include "redis/reply.h"

struct fake_redis;

/* Called for each command; answers with fake_redis_say(), or does not. */
typedef void fake_script(struct fake_redis *fake, const struct redis_reply *command);

struct fake_redis {
    uv_loop_t *loop;
    uv_tcp_t listener;
    fake_script *script;
    void *owner; /* the script's */
    uint16_t port;
    bool is_listening;
    struct fake_client *client; /* the connection that came last */
    unsigned connections;       /* that came */
    unsigned commands;
};

/* Listens on 127.0.0.1; port 0: any. */
void fake_redis_start(struct fake_redis *fake, uv_loop_t *loop, uint16_t port, fake_script *script);

/* To the connection that came last. */
void fake_redis_say(struct fake_redis *fake, const void *data, size_t len);
void fake_redis_say_text(struct fake_redis *fake, const char *text);

/* Ends the connection that came last. */
void fake_redis_hang_up(struct fake_redis *fake);

/* Ends everything; runs the loop until it is closed. */
void fake_redis_stop(struct fake_redis *fake);

/* Whether the command's words are these. */
bool command_is(const struct redis_reply *command, size_t count, const struct text *words);

/* Answers as a friendly server: OK to AUTH and SELECT, PONG, subscriptions. True when it did. */
bool fake_redis_greet(struct fake_redis *fake, const struct redis_reply *command);

/* Runs the loop until `*done` is at least `wanted`, for five seconds at most. */
bool run_until(uv_loop_t *loop, const unsigned *done, unsigned wanted);
void run_for(uv_loop_t *loop, unsigned ms);

#endif
