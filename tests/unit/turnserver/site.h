/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turnserver/site.h - a whole TURN server on loopback with real workers and a control thread, which
 * is the test itself, but without a daemon. Users: those of turn/world.h, and carol ("cheshire"),
 * who is in the database.
 */
#ifndef TURNSERVER_SITE_H
#define TURNSERVER_SITE_H

#include "turnserver/state.h"
#include "wire.h"

enum { SITE_WORKERS = 4, SITE_LOOKUPS = 4096, SITE_PORT = 3478, SITE_ROWS = 64 };

/* What the database does. */
enum site_database {
    SITE_ANSWERS,   /* at once */
    SITE_HESITATES, /* when site_answer() is called */
};

/* An allocation as the operator is told of it. */
struct site_row {
    uint64_t id;
    unsigned worker;
    struct address client, relayed;
    char user[32];
    uint64_t client_packets;
};

struct site {
    unsigned worker_count; /* to be set before site_start(), as are the next */
    uint64_t user_quota, max_connections_per_ip;
    uint32_t idle_timeout_s; /* 0: 60 */
    struct tls_context *tls; /* a reference, or NULL */
    uint8_t relays[2]; /* the last bytes of their addresses, 1 being the door's; 0, 0: one other */

    struct address door;   /* where clients come to */
    struct address client; /* where they come from; the port is 0 */
    uv_loop_t loop;
    struct mailbox control;
    struct own_sockets *own;
    struct user_cache *cache;
    struct turnserver *server;
    struct worker *workers[SITE_WORKERS];
    unsigned started;

    enum site_database database;
    struct turnserver_lookup *lookups[SITE_LOOKUPS]; /* not answered yet */
    size_t lookup_count;

    struct site_row rows[SITE_ROWS]; /* by site_list() */
    size_t row_count;
    size_t killed;    /* by site_kill() */
    size_t inquiries; /* not answered yet */
};

/* All workers, or the first `count` of them; site_start_worker() starts one more. */
void site_start(struct site *s);
void site_start_some(struct site *s, unsigned count);
void site_start_worker(struct site *s);

/* Stops the workers while clients go on, answers what is open, checks that nothing is left. */
void site_stop(struct site *s);

/* The two halves. In between the control thread has not seen yet what the workers posted. */
void site_stop_workers(struct site *s);
void site_stop_control(struct site *s);

/* The control thread does what waits for it. */
void site_run(struct site *s);
/* Until `is_done`; fails after some seconds. */
void site_run_until(struct site *s, bool (*is_done)(struct site *s));

/* New settings for all workers: with this quota, and peers of `denied` (a range, may be NULL)
 * denied. */
void site_apply(struct site *s, uint64_t user_quota, const char *denied);

/* Answers all look-ups: carol is found, others are not. */
void site_answer(struct site *s);

/* Fills `rows`. */
void site_list(struct site *s, const char *user, size_t limit);
/* The same in two steps; the answer comes with site_run(). */
void site_ask_list(struct site *s, const char *user, size_t limit);
void site_ask_kill(struct site *s, uint64_t id, const char *user);
/* Returns how many were ended. */
size_t site_kill(struct site *s, uint64_t id, const char *user);

/* The row of a client's allocation, or NULL; of the list read last. */
const struct site_row *site_row_of(const struct site *s, const struct wire *w);

/* Sends a request that the control thread is needed for, and waits for its answer. */
unsigned site_ask(struct site *s, struct wire *w, enum stun_method method, const char *line);

/* The worker that has the client's allocation. */
unsigned site_worker_of(struct site *s, const struct wire *w);

/* Delivers a datagram of the client, of traffic class `tos`, to a worker, as if the kernel had
 * chosen that one. */
void site_inject(
    struct site *s, unsigned worker, const struct wire *from, struct bytes datagram, uint8_t tos);

struct turnserver_totals site_totals(struct site *s);

/* Starts a client; fails when it gets no nonce. */
void site_client(struct site *s, struct wire *w, enum turn_transport transport, const char *user);

#endif
