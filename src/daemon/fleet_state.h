/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/fleet_state.h - what the files of daemon/fleet_service.h share. */
#ifndef DAEMON_FLEET_STATE_H
#define DAEMON_FLEET_STATE_H

#include "base/list.h"
#include "daemon/fleet_service.h"
#include "fleet/fleet.h"
#include "net/host_addresses.h"
#include "ng/elsewhere.h"
#include "store/redis_store.h"

struct fleet_service {
    struct fleet_service_config own;
    struct seal *seal;         /* NULL: records are not sealed */
    struct redis_store *redis; /* NULL once closed */
    struct store *store;       /* the same */
    struct fleet *fleet;
    struct ng_elsewhere elsewhere;
    struct host_addresses host; /* of this moment */
    uint64_t host_read_ms;
    uint64_t expect_until_ms; /* what is on addresses that have come may follow them */
    struct list searches;     /* of fleet_finding.c */
    uv_timer_t tick;          /* each FLEET_TICK_MS */
    uv_timer_t soon;          /* something is due before that */
    unsigned open_handles;
};

uint64_t fleet_now_ms(const struct fleet_service *s);
/* Whether this machine has the address now. */
bool fleet_is_here(void *owner, const struct address *ip);

/* fleet_holders.c: calls and allocations, as the fleet sees them. */
struct fleet_holder fleet_holder_of_calls(struct fleet_service *s);
struct fleet_holder fleet_holder_of_allocations(struct fleet_service *s);
void fleet_watch(struct fleet_service *s);

/* fleet_finding.c: what ng asks; nobody is told any more after forgetting. */
struct ng_elsewhere fleet_elsewhere(struct fleet_service *s);
void fleet_forget_searches(struct fleet_service *s);

/* fleet_log.c */
void fleet_log_event(void *owner, const struct fleet_event *event);
void fleet_log_trouble(void *owner, struct text why);

#endif
