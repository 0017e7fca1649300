/* SPDX-License-Identifier: Apache-2.0 */
/* bencode/record_buffer.h - memory that records are written in, one after the other. There are keys
 * in them: it is wiped. */
#ifndef BENCODE_RECORD_BUFFER_H
#define BENCODE_RECORD_BUFFER_H

#include "mediaferry/ng.h"

/* All zeros is valid. */
struct record_buffer {
    uint8_t *data;
    size_t capacity;
};

/* Returns the tree as bencode, which lies in `buffer` until the next one; empty when memory is
 * short, or it is longer than `max` bytes, a power of two. */
struct bytes record_buffer_write(
    struct record_buffer *buffer, const struct ng_value *tree, size_t max);

/* Wipes and frees. */
void record_buffer_done(struct record_buffer *buffer);

#endif
