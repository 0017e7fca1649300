/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/fleet_service.h - this node among those that share a Redis (fleet/fleet.h), on the control
 * thread's loop: store, timers, what it carries, what it logs.
 *
 * With `redis` empty there is none of it: every function accepts NULL then.
 */
#ifndef DAEMON_FLEET_SERVICE_H
#define DAEMON_FLEET_SERVICE_H

#include <jansson.h>
#include <uv.h>

#include "base/str.h"
#include "daemon/config.h"

struct fleet_service;
struct ng_elsewhere;
struct sessions;
struct turnserver;

/* All borrowed for the life time. */
struct fleet_service_config {
    uv_loop_t *loop;
    const struct daemon_config *config;
    struct sessions *sessions;
    struct turnserver *turnserver;
};

/* Begins to connect, and to watch what the node carries; before anything is restored. Returns 0
 * and a new service in `out`, NULL when nothing is shared; or a negative errno or UV_E code with a
 * sentence in `why`. */
NODISCARD int fleet_service_open(
    struct fleet_service **out, const struct fleet_service_config *config, struct str *why);

/* What the ng server asks. NULL without a fleet. */
const struct ng_elsewhere *fleet_service_elsewhere(struct fleet_service *s);

/* Reads the keys that seal records again. Returns 0, or a negative errno with a sentence in `why`:
 * the former ones stay. */
NODISCARD int fleet_service_reload(struct fleet_service *s, struct str *why);

/* How old a file of a restart may be, in seconds, so that nobody has taken what is in it; at most
 * `max_age_s`. */
int64_t fleet_service_restart_age_s(const struct fleet_service *s, int64_t max_age_s);

/* A call came back from the file of a restart. */
void fleet_service_returned_call(struct fleet_service *s, uint64_t handle, struct text call_id);
void fleet_service_returned_allocation(struct fleet_service *s, uint64_t handle, struct text id);

/* While it is so, nothing is taken from other nodes. */
void fleet_service_hold(struct fleet_service *s, bool holds);

/* The process ends. `done` is called once, from within or later.
 * leave: everything goes to whoever has its addresses.
 * step_aside: another process of this node follows at once, and has what is carried. */
void fleet_service_leave(struct fleet_service *s, void (*done)(void *owner), void *owner);
void fleet_service_step_aside(struct fleet_service *s, void (*done)(void *owner), void *owner);

/* Its part of /metrics and of /status; NULL without a fleet. */
void fleet_service_metrics(const struct fleet_service *s, struct str *out);
json_t *fleet_service_status(const struct fleet_service *s);

/* Nothing is shared any more; before sessions and TURN are closed. */
void fleet_service_close(struct fleet_service *s);
/* After the ng server is gone; the memory is freed from the loop. */
void fleet_service_free(struct fleet_service *s);

#endif
