/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/turn_service.h - the STUN/TURN server with all it needs on the control thread: settings,
 * certificates that are read again when their files change, users in Redis, and what the HTTP port
 * tells of it.
 */
#ifndef DAEMON_TURN_SERVICE_H
#define DAEMON_TURN_SERVICE_H

#include <uv.h>

#include "admin/api.h"
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

/* Logs what listens where and opens Redis; the workers run. Same errors. */
NODISCARD int turn_service_start(struct turn_service *s, struct str *why);

/* A new configuration, which is borrowed from now on, as is `host`. With an error, told in `why`,
 * the former one stays in force. */
NODISCARD int turn_service_reload(struct turn_service *s, const struct daemon_config *config,
    const struct host_addresses *host, struct str *why);

/* Borrowed: for those who share its allocations. */
struct turnserver *turn_service_server(struct turn_service *s);

/* From now on every new allocation is refused, or sent to one of the servers named; those that
 * there are go on. False, and nothing is changed: one of the names is no address, or there are too
 * many. */
NODISCARD bool turn_service_drain(
    struct turn_service *s, const struct text *alternates, size_t alternate_count);
void turn_service_undrain(struct turn_service *s);
bool turn_service_is_draining(const struct turn_service *s);

void turn_service_totals(const struct turn_service *s, struct turnserver_totals *out);

/* How many there are. */
uint64_t turn_service_allocations(const struct turn_service *s);

/* Its part of /metrics. */
void turn_service_metrics(const struct turn_service *s, struct str *out);

/* What the HTTP port may ask about TURN, and who gets the answers: NULL, as before this is called,
 * when nobody wants them any more. */
void turn_service_api(struct turn_service *s, struct admin_turn_api *out);
void turn_service_answer_to(struct turn_service *s, struct admin *admin);

/* Before the workers stop: no more answers to the outside. Accepts NULL. */
void turn_service_close(struct turn_service *s);

/* After the workers have stopped and the control mailbox is closed; the memory is freed from the
 * loop. Accepts NULL. */
void turn_service_free(struct turn_service *s);

#endif
