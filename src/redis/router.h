/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/router.h - one thing to send commands to, whatever is behind it: one server, the master
 * that Sentinels know, or a Cluster.
 *
 *     SINGLE     one redis/client.h.
 *     SENTINEL   all Sentinels are asked for the master, over and over; most answers count. A
 *                connection is good only if ROLE says so. It is dropped when the Sentinels name
 *                another master, or when it answers READONLY.
 *     CLUSTER    one connection to each master, found by CLUSTER SLOTS and by what MOVED and ASK
 *                say. A command is kept until its answer, so that it can follow them.
 *
 * What cannot be sent now is refused at once. Nothing blocks; each command taken is called back
 * once: in time, or with NULL when the connection was lost or silent too long. Used and called back
 * in the loop's thread only.
 */
#ifndef REDIS_ROUTER_H
#define REDIS_ROUTER_H

#include "redis/client.h"
#include "redis/target.h"
#include "redis/tls.h"

struct redis_router;

enum {
    REDIS_ROUTER_BACK_OFF_MS = 1000,
    REDIS_ROUTER_CONNECT_MS = 1000,
    REDIS_ROUTER_MAX_COMMAND = (8 << 20) + (64 << 10),
    REDIS_ROUTER_MAX_STRING = REDIS_ROUTER_MAX_COMMAND,
    REDIS_ROUTER_MAX_REPLY = 16 << 20,
    REDIS_ROUTER_MAX_UNSENT = 32 << 20,
    REDIS_ROUTER_MAX_PENDING = 4096,
};

struct redis_router_config {
    const struct redis_target *target; /* copied */
    const struct redis_tls_files *tls; /* for a target that uses TLS; may be NULL; copied */
    const char *name;                  /* in the log: a literal */
    unsigned command_timeout_ms;       /* 0: REDIS_DEFAULT_COMMAND_TIMEOUT_MS */
    unsigned connect_timeout_ms;       /* 0: REDIS_ROUTER_CONNECT_MS */
    unsigned back_off_ms;              /* the longest between two attempts; 0: the above */
    unsigned idle_ms;                  /* 0: REDIS_DEFAULT_IDLE_MS */
    /* Of each connection; `unsent` also of all commands kept for a Cluster. 0 of each: the above.
     */
    struct redis_limits limits;

    /* redis_router_is_ready() is another now. Never called from within a function of the router.
     * May be NULL. */
    void (*on_ready)(void *owner, bool is_ready);
    void *owner; /* borrowed */
};

/* Starts to connect. Returns 0 and a new router in `out`; else a negative errno or UV_E code with a
 * sentence in `why`: files of TLS that cannot be used, or memory. */
NODISCARD int redis_router_open(uv_loop_t *loop, const struct redis_router_config *config,
    struct redis_router **out, struct str *why);

/*
 * Sends one command, at most REDIS_COMMAND_MAX_WORDS words, of any bytes. `key`: the one key that
 * it uses (or one of those with the same hash tag), which decides where it goes; empty: any server
 * will do. The words are copied. Returns 0, or -ENOTCONN (who has the key is not reachable),
 * -EAGAIN (too many, or too large, are under way), -E2BIG, -ENOMEM; the callback is then not
 * called. It is never called from within.
 *
 * NULL as the reply: whether it was carried out is not known. Of the errors that Redis answers the
 * callback gets all but those that the router follows; what a Cluster without a majority answers
 * (CLUSTERDOWN, after some attempts) comes as NULL.
 */
NODISCARD int redis_router_send(struct redis_router *router, struct text key,
    const struct text *words, size_t count, struct redis_callback callback);

/* Whether any command can be sent: there is a connection to a master; of a Cluster, to the master
 * of each slot. When it is not, commands for keys of a part that is well are still taken. */
bool redis_router_is_ready(const struct redis_router *router);

/* Milliseconds that the oldest command has been waiting for its answer; 0: none waits. */
uint64_t redis_router_oldest_ms(const struct redis_router *router);

/* The sum of all connections that carry commands; borrowed, to be read in any thread. */
const struct redis_counters *redis_router_counters(const struct redis_router *router);

/* Where commands go, for people: "10.0.0.5:6379", or the number of masters; empty when nowhere. */
void redis_router_write_where(const struct redis_router *router, struct str *out);

/* Commands under way are called back with NULL, on_ready is not; the memory is freed from the loop.
 * Not from within a callback of the router. Accepts NULL. */
void redis_router_close(struct redis_router *router);

#endif
