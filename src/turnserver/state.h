/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turnserver/state.h - the TURN server as its own files see it: what the workers share, and what
 * each has alone.
 *
 * `struct turnserver` is written by the control thread before the workers start; what changes later
 * has locks of its own. `struct turn_worker` is touched by its thread only, save the counters.
 */
#ifndef TURNSERVER_STATE_H
#define TURNSERVER_STATE_H

#include <pthread.h>

#include "base/log.h"
#include "base/map.h"
#include "base/token_bucket.h"
#include "net/stream_hub.h"
#include "turnserver/callers.h"
#include "turnserver/directory.h"
#include "turnserver/quotas.h"
#include "turnserver/relay_ports.h"
#include "turnserver/turnserver.h"
#include "turnserver/watch.h"

struct dtls_server;
struct tcp_listener;
struct turn_worker;

struct turnserver {
    struct turnserver_config config;
    struct relay_ports *ports;
    struct quotas *quotas;
    struct directory *directory;
    struct callers *callers;
    struct source_limit *sources, *bindings; /* replies without proof, and to Binding */
    struct source_limit *beginners;          /* DTLS handshakes */
    struct former_tickets *former_tickets;
    atomic_uint_least64_t expects_until_ms; /* allocations; the workers' clock */

    /* Workers post to each other, and start and stop at different moments. */
    pthread_rwlock_t running_lock;
    struct turn_worker **running; /* by index; NULL: not yet, or no more */
    atomic_uint *handed;          /* by index: datagrams of others that wait for the worker */

    /* The control thread's. */
    struct turn_worker **all;
    size_t worker_count;
    struct watch watch;
    struct turnserver_records records;
    uint64_t restored_count; /* makes handles */
};

/* A UDP socket that clients send to. */
struct door {
    struct turn_worker *worker;
    struct packet_socket *socket;
    struct map proxied; /* struct proxied, by the proxy's transport address */
};

struct turn_worker {
    struct turnserver *server;
    struct worker *worker;
    struct worker_module *module;
    unsigned index;

    struct turn_server *core;             /* NULL once stopped */
    struct turnserver_settings *settings; /* reference owned */
    struct turnserver_counters counters;

    struct door *doors;
    size_t door_count;
    struct tcp_listener **listeners;
    size_t listener_count;

    struct stream_hub *hub;
    struct dtls_server *dtls; /* NULL: none */
    struct map links;         /* struct link, by id */
    struct map dtls_by_path;  /* struct dtls_client */
    struct list handshakes;   /* of DTLS: struct dtls_client, the oldest first */
    uint64_t handshake_count;
    struct token_bucket handshake_time; /* microseconds */
    uint64_t links_made;
    struct list half_open; /* struct stream_client, the oldest first */
    uint64_t half_open_count;

    unsigned lookups;           /* waiting for the control thread */
    struct log_limit log_limit; /* lines about refused requests */
};

/* What a path's `link` is when it is no socket; the first member of the client. */
struct link {
    struct u64_node by_id;
    struct turn_worker *worker;
    struct turn_path path;
    bool is_busy;    /* in use up the stack: freed when that is over */
    bool is_doomed;  /* closed meanwhile */
    bool is_counted; /* among the callers */
};

/* Gives the link an id and puts it into the worker's map. */
void link_add(struct turn_worker *w, struct link *link);
void link_remove(struct link *link);

/* The link of a path, if it still exists. */
struct link *link_find(const struct turn_worker *w, uint64_t id);

/* Of a handle, which is the id of an allocation: perhaps there is none of that number. */
static inline unsigned worker_of_handle(uint64_t handle)
{
    return (unsigned)(handle >> 48);
}

/* Unix microseconds. */
int64_t turn_wall_clock_us(void);

/* Posts to a worker; false, with the message still the caller's, when it does not run. */
NODISCARD bool post_to_worker(struct turnserver *server, unsigned index, struct message *message);

#endif
