/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/link.h - a stream of bytes to a host and port: name look-up, connection, TLS, reading,
 * writing.
 *
 * All that knows of sockets. Tries each address of the host in turn. Has no time limits: who opened
 * it closes it. One loop's thread only. The process must ignore SIGPIPE.
 */
#ifndef REDIS_LINK_H
#define REDIS_LINK_H

#include <uv.h>

#include "redis/command.h"
#include "redis/tls.h"

struct redis_link;

struct redis_link_events {
    void (*connected)(void *owner);
    void (*received)(void *owner, struct bytes data); /* borrowed for the call */
    /* Could not connect, or lost; `why` says it in words. The link is then to be closed. Never
     * called from within redis_link_write(). */
    void (*failed)(void *owner, const char *why);
    void *owner; /* borrowed */
};

/* Starts. `tls`, of which a reference is taken, may be NULL: plain. Returns 0 and a new link in
 * `out`, or a negative errno or UV_E code. */
NODISCARD int redis_link_open(uv_loop_t *loop, const char *host, uint16_t port,
    struct redis_tls *tls, const struct redis_link_events *events, struct redis_link **out);

/* After `connected`: sends the block, of which a reference is taken. Returns 0 or a negative errno
 * or UV_E code, and then some of it may be under way. */
NODISCARD int redis_link_write(struct redis_link *link, struct redis_block *block);

/* Bytes that the kernel has not taken yet. */
size_t redis_link_unsent(const struct redis_link *link);

/* No event comes any more; the memory is freed from the loop. From within an event too. Accepts
 * NULL. */
void redis_link_close(struct redis_link *link);

#endif
