/* SPDX-License-Identifier: Apache-2.0 */
#include "net/gather.h"

/* Where the states change, in 1/1024 packets; and over how many waits is averaged. */
enum { ONE = 1024, BUSY_FROM = 3 * ONE, IDLE_BELOW = 2 * ONE, SPAN_WAITS = 8 };

void gather_init(struct gather *g, unsigned wait_us)
{
    *g = (struct gather){.wait_ns = (uint64_t)wait_us * 1000};
}

/* Of what came since the batch before, which is `passed_ns` ago. After a silence the past says
 * nothing. */
static uint64_t smooth(const struct gather *g, uint64_t passed_ns, uint64_t packets)
{
    uint64_t span_ns = g->wait_ns * SPAN_WAITS;
    if (passed_ns >= span_ns)
        return packets * ONE * g->wait_ns / passed_ns;
    return g->load - g->load * passed_ns / span_ns + packets * ONE / SPAN_WAITS;
}

void gather_note(struct gather *g, uint64_t now_ns, size_t packets, bool has_more)
{
    if (g->wait_ns == 0)
        return;
    uint64_t passed_ns = now_ns > g->began_ns ? now_ns - g->began_ns : 0;
    g->load = smooth(g, passed_ns, packets);
    g->is_busy = g->load >= (g->is_busy ? IDLE_BELOW : BUSY_FROM);
    g->has_more = has_more;
    g->began_ns = now_ns;
}

uint64_t gather_until(const struct gather *g, uint64_t now_ns)
{
    uint64_t until_ns = g->began_ns + g->wait_ns;
    if (!g->is_busy || g->has_more || now_ns >= until_ns)
        return 0;
    return until_ns - now_ns <= g->wait_ns ? until_ns : now_ns + g->wait_ns;
}
