/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/record.h - a saved allocation as bytes.
 *
 * A record is one dictionary of bencode; its names stand in docs/store.md. Reading takes nothing on
 * trust: a record that breaks a rule is refused whole, and the reason tells which.
 */
#ifndef TURN_RECORD_H
#define TURN_RECORD_H

#include "bencode/fields.h"
#include "bencode/record_buffer.h"
#include "turn/saved.h"

enum {
    TURN_RECORD_VERSION = 1,
    TURN_RECORD_MAX_SIZE = 8 << 20,
    TURN_RECORD_MAX_MEMORY = 128 << 20, /* of its tree */
};

/* Returns the record, which lies in `buffer` until the next one; empty when memory is short or the
 * record too large. */
struct bytes turn_record_write(struct record_buffer *buffer, const struct turn_saved *saved);

/* Whether the bytes begin as a record of an allocation does, and one of a call does not. */
bool turn_record_is_one(struct bytes bytes);

enum turn_record_status {
    TURN_RECORD_OK,
    TURN_RECORD_MALFORMED,
    TURN_RECORD_OTHER_VERSION, /* a later one, which this reader cannot know */
};

/* Reads it into `out`, to be released with turn_saved_done() in any case; nothing of it borrows the
 * bytes. With anything but TURN_RECORD_OK `why` is filled, and only the id of `out` means
 * something. */
NODISCARD enum turn_record_status turn_record_read(
    struct bytes bytes, struct turn_saved *out, char why[FIELDS_WHY_SIZE]);

#endif
