/* SPDX-License-Identifier: Apache-2.0 */
#include "pace.h"

enum { NS_PER_S = 1000000000 };

/* Seconds and their rest apart, so that nothing overflows. */
static uint64_t scale(uint64_t value, uint64_t from, uint64_t to)
{
    return value / from * to + value % from * to / from;
}

uint64_t pace_due(const struct pace *p, uint64_t now_ns)
{
    if (now_ns < p->start_ns)
        return 0;
    return scale(now_ns - p->start_ns, NS_PER_S, p->per_s) + 1;
}

uint64_t pace_due_ns(const struct pace *p, uint64_t number)
{
    /* Rounded up: at this time pace_due() has counted it. */
    uint64_t rest = number % p->per_s * NS_PER_S;
    return p->start_ns + number / p->per_s * NS_PER_S + (rest + p->per_s - 1) / p->per_s;
}
