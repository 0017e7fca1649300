/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/packet_back_end.h - what the workers receive and send with (option packet-io), chosen once
 * for all of them.
 */
#ifndef DAEMON_PACKET_BACK_END_H
#define DAEMON_PACKET_BACK_END_H

#include <uv.h>

#include "base/str.h"
#include "daemon/config.h"

struct xdp;

/* All zeros is one that was not opened. */
struct packet_back_end {
    packet_io_maker *make; /* for worker_config */
    const char *name;      /* "epoll", "io_uring" or "xdp" */
    struct xdp *xdp;       /* NULL: not in use */
};

/* Chooses, and says in the log what and why. One that was asked for by name and does not work is no
 * reason to serve no calls. On the control thread, whose loop it may use. */
void packet_back_end_open(struct packet_back_end *b, uv_loop_t *loop,
    const struct daemon_config *config, const struct host_addresses *host);

/* What the maker is given for worker number `worker`. */
void *packet_back_end_context(const struct packet_back_end *b, size_t worker);

/* Adds its part of /metrics, which it has with XDP only. */
void packet_back_end_metrics(const struct packet_back_end *b, struct str *out);

/* When the workers have ended. */
void packet_back_end_close(struct packet_back_end *b);

#endif
