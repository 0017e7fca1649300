/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/throttle.h"

#include "base/random.h"

static const struct token_rate rate = {.per_second = THROTTLE_PER_SECOND, .burst = THROTTLE_BURST};

void admin_throttle_init(struct admin_throttle *throttle)
{
    *throttle = (struct admin_throttle){.seed = random_u64()};
}

static struct token_bucket *bucket_of(struct admin_throttle *throttle, const struct address *source)
{
    struct address network = *source;
    network.port = 0;
    if (network.family == ADDRESS_IP6)
        memset(network.ip + 8, 0, 8);
    return &throttle->buckets[address_hash(&network, throttle->seed) % THROTTLE_BUCKETS];
}

bool admin_throttle_may_try(
    struct admin_throttle *throttle, const struct address *source, uint64_t now_ms)
{
    struct token_bucket *bucket = bucket_of(throttle, source);
    token_bucket_refill(bucket, &rate, now_ms);
    return bucket->spent_milli + 1000 <= rate.burst * 1000;
}

void admin_throttle_failed(
    struct admin_throttle *throttle, const struct address *source, uint64_t now_ms)
{
    /* Whether it passes was asked before. */
    (void)token_bucket_take(bucket_of(throttle, source), &rate, 1, now_ms);
}
