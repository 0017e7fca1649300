/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/link.h - a stream of bytes to a host and port: name look-up, connection, reading, writing.
 *
 * All that knows of sockets, so that another transport can take its place. Tries each address of
 * the host in turn. Has no time limits: who opened it closes it. One loop's thread only.
 */
#ifndef REDIS_LINK_H
#define REDIS_LINK_H

#include <uv.h>

#include "mediaferry/bytes.h"

struct redis_link;

struct redis_link_events {
    void (*connected)(void *owner);
    void (*received)(void *owner, struct bytes data); /* borrowed for the call */
    /* Could not connect (a negative UV_E code), or lost (UV_EOF: closed by the other side). The
     * link is then to be closed. Never called from within redis_link_write(). */
    void (*failed)(void *owner, int error);
    void *owner; /* borrowed */
};

/* Starts. Returns 0 and a new link in `out`, or a negative errno or UV_E code. */
NODISCARD int redis_link_open(uv_loop_t *loop, const char *host, uint16_t port,
    const struct redis_link_events *events, struct redis_link **out);

/* Queues a copy of `data`, after `connected`. Returns 0 or a negative errno or UV_E code. */
NODISCARD int redis_link_write(struct redis_link *link, struct bytes data);

/* No event comes any more; the memory is freed from the loop. From within an event too. Accepts
 * NULL. */
void redis_link_close(struct redis_link *link);

#endif
