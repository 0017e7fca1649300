/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpsec/window.h - the replay list of RFC 3711, section 3.3.2, and the index it rests on.
 *
 * Plain data: no allocation. Only packets that have proven themselves are added.
 */
#ifndef RTPSEC_WINDOW_H
#define RTPSEC_WINDOW_H

#include "mediaferry/bytes.h"

enum { RTPSEC_WINDOW_BITS = 1024 };

struct rtpsec_window {
    bool started;  /* `highest` means something */
    uint16_t size; /* how far back it reaches; a multiple of 64, RTPSEC_WINDOW_BITS at most */
    uint64_t highest;
    uint64_t seen[RTPSEC_WINDOW_BITS / 64]; /* a ring: the bit of an index is index % size */
};

enum rtpsec_freshness { RTPSEC_FRESH, RTPSEC_SEEN, RTPSEC_BEYOND };

enum rtpsec_freshness rtpsec_window_check(const struct rtpsec_window *w, uint64_t index);

/* Adds an index that is RTPSEC_FRESH. */
void rtpsec_window_add(struct rtpsec_window *w, uint64_t index);

/* Begins at `highest` with all before it seen. */
void rtpsec_window_restore(struct rtpsec_window *w, uint64_t highest);

/* The packet index that a sequence number most likely stands for (RFC 3711, section 3.3.1). */
uint64_t rtpsec_window_estimate(const struct rtpsec_window *w, uint16_t seq);

#endif
