/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/channel.h - the client's end of TLS between blocks of memory: no socket, no clock.
 *
 *     bytes received --> redis_channel_feed() --> redis_channel_read() --> plain bytes
 *     plain bytes --> redis_channel_write() --> redis_channel_output() --> bytes to send
 *
 * Reading and writing may both make output.
 */
#ifndef REDIS_CHANNEL_H
#define REDIS_CHANNEL_H

#include "redis/command.h"
#include "redis/tls.h"

struct redis_channel;

enum redis_channel_step {
    REDIS_CHANNEL_WAITS,  /* for more from the other side */
    REDIS_CHANNEL_OPENED, /* the handshake is over: told once */
    REDIS_CHANNEL_READ,   /* there are plain bytes */
    REDIS_CHANNEL_ENDED,  /* failed or closed: redis_channel_why() */
};

enum { REDIS_CHANNEL_PART = 256 << 10 }; /* the most that is written at once */

/* Its first output is there at once, after one redis_channel_read(). NULL when out of memory. */
NODISCARD struct redis_channel *redis_channel_new(struct redis_tls *tls, const char *host);

/* Accepts NULL. */
void redis_channel_free(struct redis_channel *channel);

/* False when out of memory. */
NODISCARD bool redis_channel_feed(struct redis_channel *channel, struct bytes received);

/* To be called until it waits or has ended. */
enum redis_channel_step redis_channel_read(
    struct redis_channel *channel, uint8_t *to, size_t capacity, size_t *len);

/* At most REDIS_CHANNEL_PART bytes; after OPENED. False: it has ended. */
NODISCARD bool redis_channel_write(struct redis_channel *channel, struct bytes plain);

/* Takes what is to be sent; `*out` is NULL when that is nothing. False when out of memory. */
NODISCARD bool redis_channel_output(struct redis_channel *channel, struct redis_block **out);

/* A constant string. */
const char *redis_channel_why(const struct redis_channel *channel);

#endif
