/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/turn_service.h - the STUN/TURN server with all it needs on the control thread: settings,
 * certificates that are read again when their files change, users in Redis, the HTTP port.
 */
#ifndef DAEMON_TURN_SERVICE_H
#define DAEMON_TURN_SERVICE_H

#include <uv.h>

#include "daemon/config.h"
#include "turnserver/turnserver.h"

struct own_sockets;
struct turn_service;

/* Borrowed for the life time of the service. */
struct turn_service_config {
    uv_loop_t *loop;
    struct mailbox *control;
    const struct own_sockets *own_sockets;
    const struct daemon_config *config;
    const struct host_addresses *host;
};

/* Returns 0 and a new service without sockets in `out`, or a negative errno or UV_E code with a
 * sentence in `why`. */
NODISCARD int turn_service_new(
    struct turn_service **out, const struct turn_service_config *config, struct str *why);

/* Opens the sockets of a worker that is not started yet. Same errors. */
NODISCARD int turn_service_add_worker(
    struct turn_service *s, struct worker *worker, struct str *why);

/* Logs what listens where and opens Redis and the HTTP port; the workers run. Same errors. */
NODISCARD int turn_service_start(struct turn_service *s, struct str *why);

/* A new configuration, which is borrowed from now on, as is `host`. With an error, told in `why`,
 * the former one stays in force. */
NODISCARD int turn_service_reload(struct turn_service *s, const struct daemon_config *config,
    const struct host_addresses *host, struct str *why);

/* While it is so, every new allocation is refused; those that there are go on. */
void turn_service_drain(struct turn_service *s, bool draining);

/* How many there are. */
uint64_t turn_service_allocations(const struct turn_service *s);

/* Before the workers stop: no more answers to the outside. Accepts NULL. */
void turn_service_close(struct turn_service *s);

/* After the workers have stopped and the control mailbox is closed; the memory is freed from the
 * loop. Accepts NULL. */
void turn_service_free(struct turn_service *s);

#endif
