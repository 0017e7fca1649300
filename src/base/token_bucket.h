/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/token_bucket.h - limits of a rate: so many units a second, so many at once.
 *
 * Whole numbers only: a millisecond brings `per_second` thousandths of a unit, so no rate drifts,
 * however low it is or often it is asked. The clock is passed in. The rate is kept beside the
 * buckets, so that many share it and it can change at any time.
 */
#ifndef BASE_TOKEN_BUCKET_H
#define BASE_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct token_rate {
    uint64_t per_second; /* 0: no limit */
    uint64_t burst;      /* units; below 2^53 */
};

/* All zeros is a full one. */
struct token_bucket {
    uint64_t spent_milli; /* thousandths of a unit that have not come back yet */
    uint64_t updated_ms;
};

/* What has been spent comes back with time; a clock that steps back brings nothing. */
static inline void token_bucket_refill(
    struct token_bucket *bucket, const struct token_rate *rate, uint64_t now_ms)
{
    if (now_ms <= bucket->updated_ms)
        return;
    uint64_t elapsed_ms = now_ms - bucket->updated_ms;
    bucket->updated_ms = now_ms;
    if (rate->per_second == 0 || elapsed_ms > bucket->spent_milli / rate->per_second)
        bucket->spent_milli = 0;
    else
        bucket->spent_milli -= elapsed_ms * rate->per_second;
}

/*
 * Whether `units` (below 2^53) may pass now; they are then spent. More than the burst passes a full
 * bucket, which owes the rest: a low rate of bytes must not stop large packets for ever.
 */
static inline bool token_bucket_take(
    struct token_bucket *bucket, const struct token_rate *rate, uint64_t units, uint64_t now_ms)
{
    if (rate->per_second == 0)
        return true;
    token_bucket_refill(bucket, rate, now_ms);
    uint64_t after = bucket->spent_milli + units * 1000;
    if (bucket->spent_milli > 0 && after > rate->burst * 1000)
        return false;
    bucket->spent_milli = after;
    return true;
}

/* How many of `units` may pass now, which are then spent: of what can be taken in parts. */
static inline uint64_t token_bucket_take_some(
    struct token_bucket *bucket, const struct token_rate *rate, uint64_t units, uint64_t now_ms)
{
    if (rate->per_second == 0)
        return units;
    token_bucket_refill(bucket, rate, now_ms);
    uint64_t most = rate->burst * 1000;
    uint64_t left = bucket->spent_milli < most ? (most - bucket->spent_milli) / 1000 : 0;
    uint64_t some = units < left ? units : left;
    bucket->spent_milli += some * 1000;
    return some;
}

#endif
