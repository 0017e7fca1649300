/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/metrics.h - counters with one writer, read by any thread.
 *
 * The writer is the thread that owns the structure; readers see each counter whole, but two
 * counters not of the same instant. Costs the writer a plain load and store.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

struct counter {
    _Atomic uint64_t value;
};

static inline uint64_t counter_get(const struct counter *c)
{
    return atomic_load_explicit(&c->value, memory_order_relaxed);
}

/* For gauges; by the owner only. */
static inline void counter_set(struct counter *c, uint64_t value)
{
    atomic_store_explicit(&c->value, value, memory_order_relaxed);
}

static inline void counter_add(struct counter *c, uint64_t n)
{
    counter_set(c, counter_get(c) + n);
}

static inline void counter_subtract(struct counter *c, uint64_t n)
{
    counter_set(c, counter_get(c) - n);
}

#endif
