/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of several nominated pairs carries media.
 *
 * Peers nominate in three ways. By RFC 8445 one pair is nominated once, and later checks of it are
 * plain. By RFC 5245 (aggressive) each check of every pair nominates, and the highest priority
 * wins. Browsers that face a lite agent nominate with each check of the one pair they use at the
 * moment, and change it as they like. To follow all of them, a nominated pair P takes over from S:
 *
 *  - when P belongs to a newer generation of credentials;
 *  - when P is nominated anew and its priority is not lower, or the checks of S are plain by now;
 *  - when P is nominated and the nomination of S, made with each check, has stopped;
 *  - when a plain check of S shows that it is no longer meant, and P was nominated after it, just
 *    now: after the checks of RFC 5245, plain ones of the same pair may follow;
 *  - when media comes over P, and over S neither media nor nominations do any more.
 */
#include "ice/select.h"

enum {
    STALE_MS = 3000,      /* browsers check the pair they use every 2.5 s */
    MEDIA_MOVED_MS = 500, /* many packets of sound */
    PREVIOUS_MS = 30000,  /* the old credentials after the new ones have found their pair */
};

bool ice_nomination_is_stale(uint64_t nominated_ms, uint64_t now_ms)
{
    return now_ms - nominated_ms > STALE_MS;
}

bool ice_select_is_settled(const struct ice_agent *agent)
{
    for (unsigned c = 1; c <= ICE_COMPONENTS; c++) {
        const struct ice_pair *s = ice_agent_selected(agent, c);
        if (s != NULL && s->generation == agent->generation && s->nominated)
            return true;
    }
    return false;
}

void ice_select_settle(struct ice_agent *agent, uint64_t now_ms)
{
    if (agent->previous_until_ms == UINT64_MAX && ice_select_is_settled(agent))
        agent->previous_until_ms = now_ms + PREVIOUS_MS;
}

static int *place_of(struct ice_agent *agent, int index)
{
    return &agent->selected[agent->pairs[index].local.component - 1];
}

static bool choose(struct ice_agent *agent, int index)
{
    int *place = place_of(agent, index);
    if (*place == index)
        return false;
    *place = index;
    agent->stats.selections++;
    return true;
}

static bool takes_over(
    const struct ice_pair *p, const struct ice_pair *s, bool anew, uint64_t now_ms)
{
    if (p->generation != s->generation)
        return p->generation > s->generation;
    if (!s->nominated)
        return true;
    if (anew && (p->priority >= s->priority || !s->nominating))
        return true;
    return ice_nomination_is_stale(s->nominated_ms, now_ms);
}

/* The pair that was nominated last, just now and after `s`, which is of its generation. */
static int nominated_after(const struct ice_agent *agent, const struct ice_pair *s, uint64_t now_ms)
{
    int found = -1;
    uint64_t latest = s->nominated_ms;
    for (int i = 0; i < (int)agent->pair_count; i++) {
        const struct ice_pair *p = &agent->pairs[i];
        if (p == s || ice_nomination_is_stale(p->nominated_ms, now_ms) ||
            p->local.component != s->local.component || !p->nominating ||
            p->generation != s->generation || p->nominated_ms <= latest)
            continue;
        found = i;
        latest = p->nominated_ms;
    }
    return found;
}

void ice_select_after_check(struct ice_agent *agent, int index, bool anew, uint64_t now_ms)
{
    const struct ice_pair *p = &agent->pairs[index];
    int current = *place_of(agent, index);

    if (current == index && !p->nominating) {
        int better = nominated_after(agent, p, now_ms);
        if (better >= 0)
            choose(agent, better);
        return;
    }
    if (p->nominating && (current < 0 || takes_over(p, &agent->pairs[current], anew, now_ms)))
        choose(agent, index);
}

bool ice_select_after_media(struct ice_agent *agent, int index, uint64_t now_ms)
{
    struct ice_pair *p = &agent->pairs[index];
    int current = *place_of(agent, index);

    p->media_ms = now_ms;
    if (current == index || !p->nominated)
        return false;
    if (current >= 0) {
        const struct ice_pair *s = &agent->pairs[current];
        if (p->generation < s->generation)
            return false;
        uint64_t alive_ms = s->media_ms > s->nominated_ms ? s->media_ms : s->nominated_ms;
        if (now_ms - alive_ms <= MEDIA_MOVED_MS)
            return false;
    }
    return choose(agent, index);
}

void ice_select_after_signal(struct ice_agent *agent, int index)
{
    const struct ice_pair *p = &agent->pairs[index];
    int current = *place_of(agent, index);
    const struct ice_pair *s = current >= 0 ? &agent->pairs[current] : NULL;

    if (s == NULL || p->generation > s->generation ||
        (p->generation == s->generation && p->priority > s->priority))
        choose(agent, index);
}

static bool is_better(const struct ice_pair *p, const struct ice_pair *than)
{
    if (p->generation != than->generation)
        return p->generation > than->generation;
    if (p->signalled && than->signalled)
        return p->priority > than->priority;
    return p->nominated_ms > than->nominated_ms;
}

bool ice_select_again(struct ice_agent *agent, unsigned component)
{
    int best = -1;
    for (int i = 0; i < (int)agent->pair_count; i++) {
        const struct ice_pair *p = &agent->pairs[i];
        if (p->local.component == component && p->nominated &&
            (best < 0 || is_better(p, &agent->pairs[best])))
            best = i;
    }
    return best >= 0 && choose(agent, best);
}
