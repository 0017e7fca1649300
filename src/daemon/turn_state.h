/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/turn_state.h - the TURN side of the control thread, as its own files see it. */
#ifndef DAEMON_TURN_STATE_H
#define DAEMON_TURN_STATE_H

#include "daemon/turn_revoked.h"
#include "daemon/turn_service.h"
#include "daemon/turn_settings.h"
#include "base/list.h"
#include "net/host_addresses.h"
#include "redis/turn_users.h"

struct turn_service {
    struct turn_service_config own;
    struct turn_circumstances circumstances;
    struct host_addresses host; /* as they are since the last change, when there was one */
    struct turn_revoked revoked;
    struct turnserver *server;
    struct turnserver_settings *settings; /* in force; a reference */
    struct tls_context *tls;              /* a reference; NULL: none */
    struct redis_turn *redis;             /* NULL: none, or closed */
    struct list redis_hosts;              /* names of Redis that are being looked up */
    struct admin *admin;                  /* who gets answers; borrowed. NULL: nobody */
    struct str certificate_problem;       /* told last: once is enough */
    uv_timer_t housekeeping;
};

/* Makes settings from what is known now and gives them to the workers. Same errors as
 * turn_settings_make(). */
NODISCARD int turn_service_apply(struct turn_service *s, struct str *why);

/* The same, logging an error. */
void turn_service_refresh(struct turn_service *s, const char *cause);

/* turn_redis.c */
NODISCARD int turn_redis_open(struct turn_service *s, struct str *why);
void turn_redis_close(struct turn_service *s);
void turn_redis_lookup(void *owner, struct turnserver_lookup *lookup);

#endif
