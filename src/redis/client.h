/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/client.h - one connection to Redis on a libuv loop, which never blocks it.
 *
 *                    connected                 AUTH, SELECT, SUBSCRIBE answered
 *     CONNECTING ------------------> GREETING ---------------------------------> READY
 *        ^   |                          |                                          |
 *        |   +-- timeout, refused ------+------------ lost, silent too long -------+
 *        |                                                  |
 *        +--------- back-off, 0.1 to 10 s, with jitter --- WAITING
 *
 * Commands are arrays of words, so no data is ever part of a format. They are taken in READY only
 * and so many at a time as its limits say: what cannot be sent now is refused at once, nothing is
 * kept for later. When the oldest command is not answered within `command_timeout_ms`, the
 * connection is given up. An idle connection is probed with PING. One log line for each change
 * between reachable and not. Used and called back in the loop's thread only.
 */
#ifndef REDIS_CLIENT_H
#define REDIS_CLIENT_H

#include <uv.h>

#include "base/metrics.h"
#include "redis/command.h"
#include "redis/endpoint.h"
#include "redis/reply.h"
#include "redis/tls.h"

enum {
    REDIS_DEFAULT_COMMAND_TIMEOUT_MS = 3000,
    REDIS_DEFAULT_MAX_PENDING = 1024,
    REDIS_DEFAULT_IDLE_MS = 10000,
    REDIS_DEFAULT_BACK_OFF_MS = 10000,
    REDIS_DEFAULT_MAX_COMMAND = 64 << 10,
    REDIS_DEFAULT_MAX_UNSENT = 4 << 20,
};

struct redis_client;

struct redis_counters {
    struct counter connects;   /* times READY was reached */
    struct counter failures;   /* connections refused, lost or given up */
    struct counter commands;   /* sent */
    struct counter errors;     /* answered by an error */
    struct counter timeouts;   /* connections given up for silence */
    struct counter refused;    /* commands not taken: away, or too much under way */
    struct counter messages;   /* of subscriptions */
    struct counter redirected; /* sent once more, elsewhere or later: of a Cluster */
    struct counter is_ready;   /* gauge: connections that are READY */
};

/* Of one connection. 0 of each: a default for small values. */
struct redis_limits {
    size_t command;   /* bytes of all words of one; REDIS_DEFAULT_MAX_COMMAND */
    size_t unsent;    /* bytes that the kernel has not taken yet; REDIS_DEFAULT_MAX_UNSENT */
    size_t string;    /* bytes of one in a reply; REDIS_MAX_STRING */
    size_t reply;     /* bytes of memory of one; REDIS_MAX_REPLY */
    unsigned pending; /* commands not answered yet; REDIS_DEFAULT_MAX_PENDING */
};

struct redis_client_config {
    const struct redis_endpoint *endpoint; /* copied */
    const char *name;                      /* in the log; borrowed */
    unsigned command_timeout_ms;           /* 0: the default */
    unsigned idle_ms;                      /* nothing heard for so long: PING. 0: the default */
    unsigned back_off_ms;                  /* the longest; 0: the default */
    struct redis_limits limits;
    struct redis_tls *tls; /* takes a reference; NULL: plain */
    bool needs_master;     /* READY only if ROLE says so */
    /* Shared with other clients, to be the sum of all; NULL: its own. Lives as long as it. */
    struct redis_counters *counters;

    /* With channels, which are copied, it is a subscriber and takes no commands. READY is reached
     * when all are subscribed to. */
    const struct text *channels;
    size_t channel_count;
    void (*on_message)(void *owner, struct text channel, struct text payload);

    /* READY was reached, or left; may be NULL. */
    void (*on_ready)(void *owner, bool is_ready);
    /* A command was answered by an error, just before it is called back; may be NULL. */
    void (*on_error)(void *owner, struct text error);
    void *owner; /* borrowed */
};

/* Called once for each command taken. `reply` is borrowed for the call; NULL: the connection was
 * lost, or closed, before the answer. */
struct redis_callback {
    void (*done)(void *owner, const struct redis_reply *reply);
    void *owner; /* borrowed */
};

/* Starts to connect. Returns 0 and a new client in `out`, or a negative errno or UV_E code. */
NODISCARD int redis_client_open(
    uv_loop_t *loop, const struct redis_client_config *config, struct redis_client **out);

/* Returns 0, or -ENOTCONN, -EAGAIN (too much under way), -E2BIG, -ENOMEM; the callback is then not
 * called. It is never called from within. */
NODISCARD int redis_client_send(struct redis_client *client, const struct text *words, size_t count,
    struct redis_callback callback);

/* The same for a command that is there already, of which a reference is taken. Its size is not
 * looked at. */
NODISCARD int redis_client_send_block(
    struct redis_client *client, struct redis_block *command, struct redis_callback callback);

bool redis_client_is_ready(const struct redis_client *client);
const struct redis_endpoint *redis_client_endpoint(const struct redis_client *client);
const struct redis_counters *redis_client_counters(const struct redis_client *client);

/* Milliseconds that the oldest command has been waiting for its answer; 0: none waits. */
uint64_t redis_client_oldest_ms(const struct redis_client *client);

/* Gives up the connection as if it were lost, and goes on with the next attempt. Harmless when
 * there is none. */
void redis_client_drop(struct redis_client *client, struct text why);

/* Pending commands are called back with NULL, on_ready is not; the memory is freed from the loop.
 * From within a callback too. Accepts NULL. */
void redis_client_close(struct redis_client *client);

#endif
