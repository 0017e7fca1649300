/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/tcp_listener.h - a listening TCP socket on a loop.
 *
 * Accepts a bounded number of connections a turn. When descriptors or memory run out it rests for a
 * moment, and the connections wait in the kernel. IPv6 sockets carry IPv6 only.
 */
#ifndef NET_TCP_LISTENER_H
#define NET_TCP_LISTENER_H

#include <uv.h>

#include "base/metrics.h"
#include "mediaferry/address.h"

enum { TCP_LISTENER_PER_TURN = 16, TCP_LISTENER_REST_MS = 100 };

struct tcp_listener;

struct tcp_listener_config {
    struct address bind; /* port 0: the kernel chooses */
    bool share_port;     /* SO_REUSEPORT and SO_REUSEADDR: one socket a worker, or relayed TCP */
    bool free_bind;      /* the address may come to this machine later */
    int backlog;         /* 0: the system's limit */
    /* Takes `fd`, non-blocking. May close or pause the listener. */
    void (*on_connection)(
        void *owner, int fd, const struct address *remote, const struct address *local);
    void *owner; /* borrowed */
};

/* Written by the thread of the loop, read by any. */
struct tcp_listener_counters {
    struct counter accepted;
    struct counter rests; /* times that descriptors or memory had run out */
};

/* Returns 0 and a new listener in `out`, or a negative errno or UV_E code. */
NODISCARD int tcp_listener_open(
    uv_loop_t *loop, const struct tcp_listener_config *config, struct tcp_listener **out);

/* What it is bound to. */
const struct address *tcp_listener_address(const struct tcp_listener *l);

const struct tcp_listener_counters *tcp_listener_counters(const struct tcp_listener *l);

/* While it is paused, connections wait in the kernel. */
void tcp_listener_pause(struct tcp_listener *l);
void tcp_listener_resume(struct tcp_listener *l);

/* Accepts no more; the memory is freed from the loop. Accepts NULL. */
void tcp_listener_close(struct tcp_listener *l);

#endif
