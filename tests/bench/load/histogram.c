/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

/* Below 64 each number has a slot; above, each octave has 64. */
static size_t slot_of(uint64_t value)
{
    if (value < HISTOGRAM_FINE)
        return (size_t)value;
    unsigned octave = 63u - (unsigned)__builtin_clzll(value) - 6;
    return (size_t)(octave * HISTOGRAM_FINE + (value >> octave));
}

/* The largest number of a slot. */
static uint64_t end_of_slot(size_t slot)
{
    if (slot < 2 * HISTOGRAM_FINE)
        return slot;
    unsigned octave = (unsigned)(slot / HISTOGRAM_FINE) - 1;
    uint64_t first = (uint64_t)(slot - octave * HISTOGRAM_FINE) << octave;
    return first + ((UINT64_C(1) << octave) - 1);
}

void histogram_add(struct histogram *h, uint64_t value)
{
    uint64_t largest = (UINT64_C(1) << HISTOGRAM_BITS) - 1;
    if (value > largest)
        value = largest;
    h->slots[slot_of(value)]++;
    h->count++;
    if (value > h->max)
        h->max = value;
}

void histogram_merge(struct histogram *h, const struct histogram *other)
{
    for (size_t i = 0; i < HISTOGRAM_SLOTS; i++)
        h->slots[i] += other->slots[i];
    h->count += other->count;
    if (other->max > h->max)
        h->max = other->max;
}

uint64_t histogram_at(const struct histogram *h, unsigned per_mille)
{
    uint64_t rank = (h->count * per_mille + 999) / 1000, passed = 0;
    if (rank == 0)
        rank = 1;
    for (size_t i = 0; i < HISTOGRAM_SLOTS; i++) {
        passed += h->slots[i];
        if (passed >= rank)
            return end_of_slot(i) < h->max ? end_of_slot(i) : h->max;
    }
    return h->max;
}
