/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/xdp_service.h - packets by AF_XDP (xdp/xdp.h) as the daemon has them: on which interfaces,
 * what is said of them in the log and counted.
 *
 * In a build without it (meson option xdp) opening fails.
 */
#ifndef DAEMON_XDP_SERVICE_H
#define DAEMON_XDP_SERVICE_H

#include <uv.h>

#include "base/str.h"
#include "daemon/config.h"

struct xdp;

#ifdef HAVE_XDP

/* Returns a new one, which the log tells of; or NULL, with sentences in `why`. */
NODISCARD struct xdp *xdp_service_open(uv_loop_t *loop, const struct daemon_config *config,
    const struct host_addresses *host, struct str *why);

void xdp_service_close(struct xdp *xdp);

packet_io_maker *xdp_service_maker(void);
void *xdp_service_context(struct xdp *xdp, size_t worker);

/* Adds its part of /metrics. */
void xdp_service_metrics(const struct xdp *xdp, struct str *out);

#else

NODISCARD static inline struct xdp *xdp_service_open(uv_loop_t *loop,
    const struct daemon_config *config, const struct host_addresses *host, struct str *why)
{
    (void)loop, (void)config, (void)host;
    str_add_string(why, "built without AF_XDP");
    return NULL;
}

static inline void xdp_service_close(struct xdp *xdp)
{
    (void)xdp;
}

static inline packet_io_maker *xdp_service_maker(void)
{
    return NULL;
}

static inline void *xdp_service_context(struct xdp *xdp, size_t worker)
{
    (void)xdp, (void)worker;
    return NULL;
}

static inline void xdp_service_metrics(const struct xdp *xdp, struct str *out)
{
    (void)xdp, (void)out;
}

#endif

#endif
