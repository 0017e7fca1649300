/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/address_ranges.h - sets of IP addresses of both families, for lists of peers.
 *
 * Filled from text or by ranges, sealed once, then only asked: a sealed set is immutable and may be
 * shared by threads. Addresses count as they are written; spellings are the business of
 * net/address_class.h. Ports play no part.
 */
#ifndef NET_ADDRESS_RANGES_H
#define NET_ADDRESS_RANGES_H

#include "mediaferry/address.h"

/* Both ends belong to it and are of one family. */
struct address_range {
    struct address first;
    struct address last;
};

/* All zeros is the empty set, sealed. */
struct address_ranges {
    struct address_range *list;
    size_t count;
    size_t capacity;
    bool unsealed;
};

void address_ranges_done(struct address_ranges *set);

/* Reads "ADDRESS", "ADDRESS/LENGTH" or "ADDRESS-ADDRESS", with blanks around. Returns NULL, or what
 * is wrong in words that go behind the text, like "is no IP address"; `out` is then untouched. */
NODISCARD const char *address_range_parse(struct text text, struct address_range *out);

/* 0 or -ENOMEM, and then nothing is added. */
NODISCARD int address_ranges_add(struct address_ranges *set, const struct address_range *range);
NODISCARD int address_ranges_add_all(struct address_ranges *set, const struct address_ranges *more);

/* Sorts and merges. Needed after the last add, before the first question. */
void address_ranges_seal(struct address_ranges *set);

/* By binary search. */
bool address_ranges_contain(const struct address_ranges *set, const struct address *ip);

#endif
