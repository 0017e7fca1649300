/* SPDX-License-Identifier: Apache-2.0 */
/* turnserver/path_key.h - a path as the key of a map: transport, client and server. */
#ifndef TURNSERVER_PATH_KEY_H
#define TURNSERVER_PATH_KEY_H

#include "turn/turn.h"

enum { PATH_KEY_SIZE = 1 + 2 * (1 + 2 + 16) };

static inline uint8_t *path_key_add(uint8_t *at, const struct address *a)
{
    *at++ = (uint8_t)a->family;
    *at++ = (uint8_t)(a->port >> 8);
    *at++ = (uint8_t)a->port;
    memcpy(at, a->ip, sizeof(a->ip));
    return at + sizeof(a->ip);
}

/* Writes the key into `out` and returns it. */
static inline struct bytes path_key(const struct turn_path *path, uint8_t out[PATH_KEY_SIZE])
{
    out[0] = (uint8_t)path->transport;
    path_key_add(path_key_add(out + 1, &path->client), &path->server);
    return bytes_of(out, PATH_KEY_SIZE);
}

#endif
