/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram.h - how often each size of number came: memory that does not grow, whatever is added.
 *
 * Numbers share a slot with those that differ by less than 1/64, so a percentile is exact to 1.6 %.
 * Those of 2^40 and more count as 2^40 - 1. Plain data: all zeros is an empty one.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include "mediaferry/bytes.h"

enum { HISTOGRAM_BITS = 40, HISTOGRAM_FINE = 64, HISTOGRAM_OCTAVES = HISTOGRAM_BITS - 6 };
enum { HISTOGRAM_SLOTS = (HISTOGRAM_OCTAVES + 1) * HISTOGRAM_FINE };

struct histogram {
    uint64_t count;
    uint64_t max; /* exact, unless it was cut */
    uint64_t slots[HISTOGRAM_SLOTS];
};

void histogram_add(struct histogram *h, uint64_t value);

/* Adds all that `other` has. */
void histogram_merge(struct histogram *h, const struct histogram *other);

/* A number that `per_mille` of all do not exceed (500: the median; 1000: the largest), 0 when there
 * are none. */
uint64_t histogram_at(const struct histogram *h, unsigned per_mille);

#endif
