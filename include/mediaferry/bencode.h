/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mediaferry/bencode.h - bencoding, read into and written from the trees of ng.h.
 *
 * Keys come in any order and are kept in it; of duplicate keys all are kept and the getters find
 * the first. Leading zeros are tolerated. Depth, length and memory are bounded.
 */
#ifndef MEDIAFERRY_BENCODE_H
#define MEDIAFERRY_BENCODE_H

#include "mediaferry/ng.h"

enum {
    BENCODE_MAX_DEPTH = 32,   /* lists and dictionaries around a value */
    BENCODE_MAX_SIZE = 65535, /* bytes of a whole value, and of any string */
};

enum bencode_status {
    BENCODE_OK,
    BENCODE_TRUNCATED,  /* more bytes are needed */
    BENCODE_BAD_TOKEN,  /* a value must start with a digit, i, l or d */
    BENCODE_BAD_INT,    /* not a decimal of 64 bits between i and e */
    BENCODE_BAD_LENGTH, /* a string's length is no number or beyond the maximum */
    BENCODE_BAD_KEY,    /* a key is no string, or has no value */
    BENCODE_TOO_DEEP,
    BENCODE_TOO_LONG, /* the value is longer than BENCODE_MAX_SIZE, or than was asked for */
    BENCODE_TRAILING, /* bytes other than white space follow the value */
    BENCODE_NO_MEMORY,
};

const char *bencode_status_text(enum bencode_status status);

/*
 * Reads one whole value. The strings of the tree borrow `input`, which must outlive it. `*out` is
 * written only on BENCODE_OK; `*offset` (may be NULL) tells where reading ended.
 */
NODISCARD enum bencode_status bencode_parse(
    struct bytes input, struct ng_arena *arena, struct ng_value **out, size_t *offset);

/* The same for a value of up to `max` bytes: one that comes in no message. */
NODISCARD enum bencode_status bencode_parse_up_to(
    struct bytes input, size_t max, struct ng_arena *arena, struct ng_value **out, size_t *offset);

/*
 * Measures the value at the start of a stream: BENCODE_OK and its length, BENCODE_TRUNCATED when
 * more must arrive, else the stream is beyond repair.
 */
NODISCARD enum bencode_status bencode_measure(struct bytes stream, size_t *len);

/* Writes a tree; NG_NULL becomes an empty string. Too deep a tree fails the writer. */
void bencode_write(struct writer *w, const struct ng_value *value);

#endif
