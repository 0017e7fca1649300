/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/service.h - what the daemon does, from the first socket to the last: sessions, media
 * workers, the TURN server and the ng listeners, wired together on the control thread's loop.
 */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include <uv.h>

#include "base/str.h"
#include "daemon/config.h"

struct service;

struct service_owner {
    void *owner; /* borrowed */
    /* After service_leave(): there is nothing left to wait for, the service is to be stopped. */
    void (*drained)(void *owner);
};

/*
 * Opens everything that `config` asks for, and logs what listens where; borrows `config` and
 * `host`, the addresses of the machine, for the life time. Returns 0 and a new service in `out`, or
 * a negative errno or UV_E code with a sentence in `why`; then what was opened closes while the
 * loop runs on.
 */
NODISCARD int service_start(struct service **out, uv_loop_t *loop,
    const struct daemon_config *config, const struct host_addresses *host,
    const struct service_owner *owner, struct str *why);

/* Takes over what may change while it runs from `config`, which is borrowed together with `host`
 * from now on instead of the former ones. With an error, a sentence in `why`, nothing changes. */
NODISCARD int service_reload(struct service *service, const struct daemon_config *config,
    const struct host_addresses *host, struct str *why);

/* Takes no new calls or allocations and tells drained() once, at once or later: see
 * operation_leave(). */
void service_leave(struct service *service);

/* Ends all calls and closes; frees itself from the loop, which ends when nothing is left open. */
void service_stop(struct service *service);

#endif
