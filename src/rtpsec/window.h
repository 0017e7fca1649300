/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpsec/window.h - the replay list of RFC 3711, section 3.3.2, and the index it rests on.
 *
 * No allocation: the bits are memory of the owner. Only packets that have proven themselves are
 * added.
 */
#ifndef RTPSEC_WINDOW_H
#define RTPSEC_WINDOW_H

#include "mediaferry/bytes.h"

struct rtpsec_window {
    uint64_t *seen; /* a ring: the bit of an index is index % size; borrowed */
    uint64_t highest;
    uint16_t size; /* how far back it reaches: a power of 2, 64 at least */
    bool started;  /* `highest` means something */
    bool unsure;   /* what lies between it and the next index may have been seen elsewhere */
};

enum rtpsec_freshness { RTPSEC_FRESH, RTPSEC_SEEN, RTPSEC_BEYOND };

/* Begins with no packet. `seen` has `size` bits. */
void rtpsec_window_init(struct rtpsec_window *w, uint64_t *seen, uint16_t size);

enum rtpsec_freshness rtpsec_window_check(const struct rtpsec_window *w, uint64_t index);

/* Adds an index that is RTPSEC_FRESH. */
void rtpsec_window_add(struct rtpsec_window *w, uint64_t index);

/* Begins at `highest` with all before it seen. */
void rtpsec_window_restore(struct rtpsec_window *w, uint64_t highest);

/* All between `highest` and the next index that is added behind it counts as seen too. */
void rtpsec_window_doubt(struct rtpsec_window *w);

/* The packet index that a sequence number most likely stands for (RFC 3711, section 3.3.1). */
uint64_t rtpsec_window_estimate(const struct rtpsec_window *w, uint16_t seq);

#endif
