/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/command.h - a command as it goes over the wire, shared by those that still need it: the
 * connection that sends it, and who may have to send it once more. One thread only.
 */
#ifndef REDIS_COMMAND_H
#define REDIS_COMMAND_H

#include "mediaferry/bytes.h"

struct redis_block {
    unsigned refs;
    size_t len;
    uint8_t data[];
};

/* With one reference; what it holds is the caller's to fill in. NULL when out of memory. */
NODISCARD struct redis_block *redis_block_new(size_t len);

struct redis_block *redis_block_ref(struct redis_block *block);

/* Accepts NULL. */
void redis_block_unref(struct redis_block *block);

enum { REDIS_COMMAND_MAX_WORDS = 64 };

/* Whether they are at least one, not too many, and of at most `max` bytes together. */
bool redis_words_fit(const struct text *words, size_t count, size_t max);

/* An array of words of any bytes (RESP2), so that no data is ever part of a format. NULL when out
 * of memory. */
NODISCARD struct redis_block *redis_command_new(const struct text *words, size_t count);

#endif
