/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/operation.h - what operators see and do: the HTTP port with its unix socket, numbers,
 * calls, draining, and the end of the process that it may lead to. Runs on the control thread.
 */
#ifndef DAEMON_OPERATION_H
#define DAEMON_OPERATION_H

#include <uv.h>

#include "base/str.h"
#include "daemon/config.h"

struct operation;
struct sessions;
struct turn_service;
struct ng_counters;
struct packet_back_end;
struct fleet_service;

/* All borrowed for the life time. */
struct operation_config {
    uv_loop_t *loop;
    const struct daemon_config *config;
    struct sessions *sessions;
    struct turn_service *turn;
    const struct ng_counters *ng;
    const struct packet_back_end *packets;
    struct fleet_service *fleet; /* NULL: nothing is shared */
    /* The process is to end: told once, when nothing is left or waited for any more, from the loop
     * or from within operation_leave(). */
    void (*drained)(void *owner);
    void *owner;
};

/* Opens what the configuration asks for, after all workers were added to the sessions. Returns 0
 * and a new one in `out`, or a negative errno or UV_E code with a sentence in `why`. */
NODISCARD int operation_open(
    struct operation **out, const struct operation_config *config, struct str *why);

/* Takes over what may change while it runs from the configuration, which has changed in place.
 * Same errors: then nothing changes. */
NODISCARD int operation_reload(struct operation *o, struct str *why);

/* A signal asks for the end: no new work from now on, and drained() when there is none left, after
 * `drain-timeout` at the latest, or at once when asked a second time. */
void operation_leave(struct operation *o);

/* Nobody is answered any more, and drained() comes no more: before what it borrows is closed.
 * Accepts NULL. */
void operation_close(struct operation *o);

/* After the sessions are closed; the memory is freed from the loop. Accepts NULL. */
void operation_free(struct operation *o);

#endif
