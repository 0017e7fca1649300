/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turnserver/watch.h - allocations that somebody on the control thread wants to hear of, as workers
 * tell of them. The table is that thread's, and has only what was told of.
 */
#ifndef TURNSERVER_WATCH_H
#define TURNSERVER_WATCH_H

#include <stdatomic.h>

#include "base/map.h"
#include "turnserver/turnserver.h"

struct turn_worker;

/* An allocation that was told of. */
struct watched {
    struct message dropping; /* to its worker and back: dropping must not want memory */
    struct turnserver *server;
    struct map_node by_id;
    struct u64_node by_handle;
    bool is_dropped; /* nothing more is told of it */
    char id[TURN_ID_SIZE];
};

struct watch {
    atomic_bool is_on; /* read by workers */
    struct turnserver_watcher watcher;
    struct map by_id, by_handle;
};

void watch_init(struct watch *watch);
void watch_done(struct watch *watch);

/* --- in a worker; as in struct turn_host --- */

bool watch_changed(void *owner, uint64_t id, const char *name);
void watch_over(void *owner, uint64_t id, const char *name);

/* --- in the control thread --- */

static inline uint64_t watched_handle(const struct watched *watched)
{
    return watched->by_handle.key;
}

/* NULL when nothing was told of it. */
struct watched *watch_find(const struct watch *watch, uint64_t handle);
struct watched *watch_find_id(const struct watch *watch, const char *id);

/* Returns it, a new one if need be; NULL without memory. */
struct watched *watch_add(struct turnserver *server, uint64_t handle, const char *id);

/* Accepts NULL. */
void watch_remove(struct watch *watch, struct watched *watched);

#endif
