/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ng/server.h - the control protocol: a datagram in, a command carried out, a reply out.
 *
 *     datagram -> cookie | document -> cache of cookies -> decode -> command -> encode -> reply
 *
 * Knows no transport: a listener hands over datagrams with an `ng_source` that tells how to reply.
 * Runs on the control thread only; commands that wait for a worker reply later.
 */
#ifndef NG_SERVER_H
#define NG_SERVER_H

#include "ng/counters.h"
#include "ng/elsewhere.h"
#include "ng/source.h"

struct ng_server;
struct sessions;

/* The largest UDP payload over IPv4. */
enum { NG_MAX_REPLY = 65507 };

/* Where query and delete tell of each SSRC: for the whole call, in each section, both or nowhere.
 */
enum ng_ssrc_reporting {
    NG_SSRC_FULL, /* both */
    NG_SSRC_GLOBAL,
    NG_SSRC_INLINE,
    NG_SSRC_NONE,
};

struct ng_server_config {
    struct sessions *sessions; /* borrowed */
    uint64_t (*now_us)(void);  /* monotonic */
    int64_t (*wall_us)(void);  /* since 1970 */
    size_t cache_bytes;        /* for replies kept by cookie; 0: 64 MiB */
    uint16_t port_min;         /* of the media ports, for statistics */
    uint16_t port_max;
    enum ng_ssrc_reporting ssrc_reporting;
    /* Calls of other nodes; borrowed. NULL: there are none, what is not here is unknown. */
    const struct ng_elsewhere *elsewhere;
    uv_loop_t *loop; /* for what is forwarded; needed with `elsewhere` only */
};

/* Returns a new server, or NULL when out of memory. */
struct ng_server *ng_server_new(const struct ng_server_config *config);

/* Forgets what is still waiting for a worker or another node, without replies; cancels what it has
 * asked `elsewhere`, which must still be there. Called when the sessions are closed, so that none
 * of it will be told any more. With a loop some memory is freed from there. Accepts NULL. */
void ng_server_free(struct ng_server *server);

/* Forgets the commands that are held for other nodes, without replies: those who sent them will ask
 * again, whoever listens then. For when the listeners are paused and commands must not come. */
void ng_server_drop_held(struct ng_server *server);

/* Handles one datagram, which is borrowed for the call. */
void ng_server_receive(
    struct ng_server *server, struct bytes datagram, const struct ng_source *source);

const struct ng_counters *ng_server_counters(const struct ng_server *server);

#endif
