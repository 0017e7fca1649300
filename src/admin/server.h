/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin/server.h - the HTTP port for operators, web backends and Prometheus.
 *
 * HTTP/1.1 on the control thread's loop. Over TCP, everything but /healthz and /readyz needs
 * `Authorization: Bearer TOKEN`; over the unix socket, root or the process's own user is enough.
 * Bounded: connections, header and body sizes, the time for each
 * request. The paths are in docs/admin.md, the daemon's side in admin/api.h.
 */
#ifndef ADMIN_SERVER_H
#define ADMIN_SERVER_H

#include <uv.h>

#include "admin/api.h"
#include "base/metrics.h"
#include "net/listen_address.h"

enum {
    ADMIN_MAX_CONNECTIONS = 64,
    ADMIN_DEFAULT_DEADLINE_MS = 5000,
};

struct admin_counters {
    struct counter answered;     /* 2xx */
    struct counter unauthorized; /* 401 */
    struct counter throttled;    /* 429 */
    struct counter rejected;     /* other 4xx */
    struct counter failed;       /* 5xx */
    struct counter connections;  /* gauge */
};

struct admin_config {
    const struct listen_addresses *listen; /* copied */
    const char *local;                     /* path of a unix socket; NULL: none */
    const struct text *tokens;             /* any of them will do; only their hashes are kept */
    size_t token_count;                    /* 1 to 8, each of 16 to 256 characters; 0 will do
                                              when it does not listen on TCP */
    unsigned deadline_ms;                  /* for the daemon's answer, then 504; 0: the default */
    struct admin_api api;
};

/* Returns 0 and a new server in `out`, or a negative errno or UV_E code with a sentence in `why`.
 */
NODISCARD int admin_open(
    uv_loop_t *loop, const struct admin_config *config, struct admin **out, struct str *why);

/* Other tokens from now on. Returns 0, or -EINVAL with a sentence in `why`: the old ones stay. */
NODISCARD int admin_set_tokens(
    struct admin *admin, const struct text *tokens, size_t count, struct str *why);

/* What it is bound to: `index` below admin_address_count(). */
size_t admin_address_count(const struct admin *admin);
const struct address *admin_address(const struct admin *admin, size_t index);

const struct admin_counters *admin_counters(const struct admin *admin);

/* Open requests are dropped: answers still to come are given with `admin` NULL. The memory is freed
 * from the loop. Not from within a call of the api. Accepts NULL. */
void admin_close(struct admin *admin);

#endif
