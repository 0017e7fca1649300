/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/learning.h"

static enum learning_rank rank_of(const struct learning *l, const struct address *source)
{
    if (address_equal(source, &l->signalled))
        return RANK_EXACT;
    if (address_same_ip(source, &l->signalled))
        return RANK_SAME_IP;
    if (l->signalled.family != ADDRESS_NONE && source->port == l->signalled.port)
        return RANK_SAME_PORT;
    return RANK_OTHER;
}

bool learning_may_learn(const struct learning *l)
{
    return !l->rules.asymmetric && l->rules.mode != PLAN_LEARN_OFF;
}

void learning_signalled(struct learning *l, const struct learning_rules *rules,
    const struct address *signalled, uint64_t now_ms)
{
    if (!address_equal(signalled, &l->signalled) || !learning_may_learn(l))
        l->target = *signalled;
    l->rules = *rules;
    l->signalled = *signalled;
    l->source = (struct address){.family = ADDRESS_NONE};
    l->best = RANK_NONE;
    l->settled = false;
    l->window_end_ms = now_ms + LEARNING_WINDOW_MS;
}

/* Packets come from `source` from now on; is it also where packets go to? */
static enum learning_verdict follow(struct learning *l, const struct address *source)
{
    l->source = *source;
    if (address_equal(source, &l->target))
        return LEARNING_ACCEPT;
    l->target = *source;
    return LEARNING_MOVED;
}

static enum learning_verdict settled_packet(
    struct learning *l, const struct address *source, bool authentic)
{
    if (address_equal(source, &l->source))
        return LEARNING_ACCEPT;
    if (l->rules.media_handover)
        return follow(l, source);
    if (l->rules.strict_source)
        return LEARNING_REFUSE;
    return authentic ? follow(l, source) : LEARNING_ACCEPT;
}

/* The party sends from where it likes, we send where SDP says. Strict then means: as signalled. */
static enum learning_verdict unlearned_packet(
    const struct learning *l, const struct address *source)
{
    bool fits = l->rules.asymmetric ? address_same_ip(source, &l->signalled)
                                    : address_equal(source, &l->signalled);
    return l->rules.strict_source && !fits ? LEARNING_REFUSE : LEARNING_ACCEPT;
}

static enum learning_verdict heuristic_packet(
    struct learning *l, const struct address *source, bool authentic, bool window_over)
{
    enum learning_rank rank = rank_of(l, source);
    l->settled = rank == RANK_EXACT || window_over;
    if (rank > l->best && !authentic)
        return l->rules.strict_source ? LEARNING_REFUSE : LEARNING_ACCEPT;
    l->best = rank;
    return follow(l, source);
}

enum learning_verdict learning_packet(
    struct learning *l, const struct address *source, bool authentic, uint64_t now_ms)
{
    bool window_over = now_ms >= l->window_end_ms;

    if (!learning_may_learn(l))
        return unlearned_packet(l, source);
    if (!l->settled && l->best != RANK_NONE && window_over && l->rules.mode == PLAN_LEARN_HEURISTIC)
        l->settled = true; /* on the best that came within the window */
    if (l->settled)
        return settled_packet(l, source, authentic);

    switch (l->rules.mode) {
    case PLAN_LEARN_HEURISTIC:
        return heuristic_packet(l, source, authentic, window_over);
    case PLAN_LEARN_DELAYED:
        l->settled = window_over;
        return follow(l, source);
    case PLAN_LEARN_IMMEDIATE:
        l->settled = true;
        return follow(l, source);
    case PLAN_LEARN_OFF:
        break;
    }
    return LEARNING_ACCEPT;
}
