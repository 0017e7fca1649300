/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/timeouts.h"

static uint64_t limit_ms(const struct timeout_rules *rules, enum plan_timeout timeout)
{
    switch (timeout) {
    case PLAN_TIMEOUT_MEDIA:
        return rules->media_s * UINT64_C(1000);
    case PLAN_TIMEOUT_SILENT:
        return rules->silent_s * UINT64_C(1000);
    case PLAN_TIMEOUT_OFFER:
        return rules->offer_s * UINT64_C(1000);
    }
    return 0;
}

bool timeouts_ended(const struct timeout_rules *rules, const struct timeout_stream *streams,
    size_t count, uint64_t now_ms, enum plan_timeout *out)
{
    enum plan_timeout why = PLAN_TIMEOUT_OFFER;

    for (size_t i = 0; i < count; i++) {
        uint64_t limit = limit_ms(rules, streams[i].timeout);
        if (limit == 0 || now_ms - streams[i].active_ms < limit)
            return false;
        if (streams[i].timeout < why)
            why = streams[i].timeout;
    }
    if (count == 0)
        return false;
    *out = why;
    return true;
}
