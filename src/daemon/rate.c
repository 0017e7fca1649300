/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/rate.h"

void rate_look(struct rate *rate, uint64_t value, uint64_t now_ms)
{
    size_t at = rate->count++ % RATE_SAMPLES;
    rate->samples[at].at_ms = now_ms;
    rate->samples[at].value = value;
}

double rate_per_second(const struct rate *rate)
{
    if (rate->count < 2)
        return 0;
    size_t newest = (rate->count - 1) % RATE_SAMPLES;
    size_t oldest = rate->count > RATE_SAMPLES ? rate->count % RATE_SAMPLES : 0;
    uint64_t ms = rate->samples[newest].at_ms - rate->samples[oldest].at_ms;
    uint64_t grown = rate->samples[newest].value - rate->samples[oldest].value;
    return ms == 0 ? 0 : (double)grown * 1000 / (double)ms;
}
