/* SPDX-License-Identifier: Apache-2.0 */
#include "rtpsec/window.h"

#include <assert.h>

static uint64_t bit_of(uint64_t index)
{
    return UINT64_C(1) << index % 64;
}

static uint64_t *word_of(const struct rtpsec_window *w, uint64_t index)
{
    return &w->seen[(index & (w->size - 1U)) / 64];
}

void rtpsec_window_init(struct rtpsec_window *w, uint64_t *seen, uint16_t size)
{
    assert(size >= 64 && (size & (size - 1)) == 0);
    *w = (struct rtpsec_window){.seen = seen, .size = size};
    memset(seen, 0, size / 8);
}

enum rtpsec_freshness rtpsec_window_check(const struct rtpsec_window *w, uint64_t index)
{
    if (!w->started || index > w->highest)
        return RTPSEC_FRESH;
    if (w->highest - index >= w->size)
        return RTPSEC_BEYOND;
    return (*word_of(w, index) & bit_of(index)) != 0 ? RTPSEC_SEEN : RTPSEC_FRESH;
}

void rtpsec_window_add(struct rtpsec_window *w, uint64_t index)
{
    if (w->started && index <= w->highest) {
        assert(rtpsec_window_check(w, index) == RTPSEC_FRESH);
        *word_of(w, index) |= bit_of(index);
        return;
    }
    if (!w->started || w->unsure || index - w->highest >= w->size) {
        memset(w->seen, w->unsure ? 0xff : 0, w->size / 8);
    } else {
        for (uint64_t skipped = w->highest + 1; skipped < index; skipped++)
            *word_of(w, skipped) &= ~bit_of(skipped);
    }
    *word_of(w, index) |= bit_of(index);
    w->highest = index;
    w->started = true;
    w->unsure = false;
}

void rtpsec_window_restore(struct rtpsec_window *w, uint64_t highest)
{
    memset(w->seen, 0xff, w->size / 8);
    w->highest = highest;
    w->started = true;
}

void rtpsec_window_doubt(struct rtpsec_window *w)
{
    w->unsure = w->started;
}

uint64_t rtpsec_window_estimate(const struct rtpsec_window *w, uint16_t seq)
{
    if (!w->started)
        return seq;
    uint64_t roc = w->highest >> 16;
    uint16_t highest_seq = (uint16_t)w->highest;
    if (highest_seq < 0x8000) {
        /* Before the first turn there is no earlier one: the sender has jumped ahead. */
        if (seq - highest_seq > 0x8000 && roc > 0)
            roc--;
    } else if (highest_seq - 0x8000 > seq) {
        roc++;
    }
    return roc << 16 | seq;
}
