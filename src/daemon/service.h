/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/service.h - what the daemon does, from the first socket to the last: sessions, media
 * workers and the ng listeners, wired together on the control thread's loop.
 */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include <uv.h>

#include "base/str.h"
#include "daemon/config.h"

struct service;

/*
 * Opens everything that `config`, which is borrowed for the life time, asks for, and logs what
 * listens where. Returns 0 and a new service in `out`, or a negative errno or UV_E code with a
 * sentence in `why`; then what was opened closes while the loop runs on.
 */
NODISCARD int service_start(
    struct service **out, uv_loop_t *loop, const struct daemon_config *config, struct str *why);

/* Ends all calls and closes; frees itself from the loop, which ends when nothing is left open. */
void service_stop(struct service *service);

#endif
