/* SPDX-License-Identifier: Apache-2.0 */
#include "ice/saved.h"

static struct ice_saved_pair save_pair(const struct ice_pair *p, uint64_t now_ms)
{
    struct ice_saved_pair saved = {
        .local = p->local,
        .remote = p->remote,
        .priority = p->priority,
        .checked_ago_ms = now_ms - p->checked_ms,
        .nominated_ago_ms = p->nominated ? now_ms - p->nominated_ms : 0,
        .media_ago_ms = p->media_ms > 0 ? now_ms - p->media_ms : ICE_SAVED_NEVER,
        .generation = p->generation,
        .nominated = p->nominated,
        .nominating = p->nominating,
        .signalled = p->signalled,
        .sender_len = p->sender_len,
    };
    memcpy(saved.sender, p->sender, p->sender_len);
    return saved;
}

/* What is over and waits for its tick still waits for it. */
static uint64_t left_ms(const struct ice_agent *agent, uint64_t now_ms)
{
    uint64_t until_ms = agent->previous_until_ms;
    if (until_ms == UINT64_MAX)
        return ICE_SAVED_NEVER;
    if (until_ms == 0)
        return 0;
    return until_ms > now_ms ? until_ms - now_ms : 1;
}

void ice_agent_save(const struct ice_agent *agent, uint64_t now_ms, struct ice_saved *out)
{
    *out = (struct ice_saved){
        .generation = agent->generation,
        .previous_left_ms = left_ms(agent, now_ms),
        .pair_count = (uint32_t)agent->pair_count,
    };
    if (out->previous_left_ms > 0) {
        out->previous_generation = agent->previous_generation;
        out->previous = agent->previous;
    }
    for (size_t i = 0; i < agent->pair_count; i++)
        out->pairs[i] = save_pair(&agent->pairs[i], now_ms);
    for (size_t c = 0; c < ICE_COMPONENTS; c++)
        if (agent->selected[c] >= 0)
            out->pairs[agent->selected[c]].selected = true;
}

static bool is_same_pair(const struct ice_saved_pair *a, const struct ice_saved_pair *b)
{
    return a->local.component == b->local.component && a->local.index == b->local.index &&
           address_equal(&a->remote, &b->remote);
}

/* Whether pair number `index` can be, beside those before it. */
static bool pair_is_sound(const struct ice_saved *saved, uint32_t index)
{
    const struct ice_saved_pair *p = &saved->pairs[index];
    if (p->local.component < 1 || p->local.component > ICE_COMPONENTS ||
        p->remote.family == ADDRESS_NONE || p->generation > saved->generation ||
        p->sender_len > ICE_EARLY_UFRAG_MAX)
        return false;
    for (uint32_t i = 0; i < index; i++) {
        const struct ice_saved_pair *other = &saved->pairs[i];
        if (is_same_pair(p, other) ||
            (p->selected && other->selected && p->local.component == other->local.component))
            return false;
    }
    return true;
}

static bool name_is_sound(const struct ice_name *name, bool may_be_empty)
{
    return name->len <= ICE_NAME_MAX && (name->len > 0 || may_be_empty);
}

static bool previous_is_sound(const struct ice_saved *saved)
{
    const struct ice_generation *g = &saved->previous;
    return saved->previous_left_ms == 0 ||
           (saved->previous_generation < saved->generation &&
               name_is_sound(&g->local_ufrag, false) && name_is_sound(&g->local_pwd, false) &&
               name_is_sound(&g->remote_ufrag, true));
}

static bool is_sound(const struct ice_saved *saved)
{
    if (saved->pair_count > ICE_MAX_PAIRS || !previous_is_sound(saved))
        return false;
    for (uint32_t i = 0; i < saved->pair_count; i++)
        if (!pair_is_sound(saved, i))
            return false;
    return true;
}

/* On this clock, which may be younger than that. */
static uint64_t moment(uint64_t ago_ms, uint64_t age_ms, uint64_t now_ms)
{
    return ago_ms < now_ms && age_ms < now_ms - ago_ms ? now_ms - ago_ms - age_ms : 0;
}

static uint64_t at_least(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static struct ice_pair restore_pair(
    const struct ice_saved_pair *saved, uint64_t age_ms, uint64_t grace_ms, uint64_t now_ms)
{
    struct ice_pair p = {
        .local = saved->local,
        .remote = saved->remote,
        .priority = saved->priority,
        .checked_ms = moment(saved->checked_ago_ms, age_ms, now_ms),
        .generation = saved->generation,
        .nominated = saved->nominated,
        .nominating = saved->nominating,
        .signalled = saved->signalled,
        .sender_len = saved->sender_len,
    };
    if (grace_ms > 0 && now_ms + grace_ms > ICE_CONSENT_MS)
        p.checked_ms = at_least(p.checked_ms, now_ms + grace_ms - ICE_CONSENT_MS);
    if (saved->nominated)
        p.nominated_ms = moment(saved->nominated_ago_ms, age_ms, now_ms);
    if (saved->media_ago_ms != ICE_SAVED_NEVER)
        p.media_ms = at_least(moment(saved->media_ago_ms, age_ms, now_ms), 1);
    memcpy(p.sender, saved->sender, saved->sender_len);
    return p;
}

/* The answer may have come since: then what others proved before is forgotten, as
 * ice_agent_set_remote() has it. */
static bool is_stranger(const struct ice_agent *agent, const struct ice_saved_pair *p)
{
    const struct ice_name *remote = &agent->current.remote_ufrag;
    return p->generation == agent->generation && !p->signalled && remote->len > 0 &&
           p->sender_len > 0 &&
           !text_equal(text_of(p->sender, p->sender_len), text_of(remote->data, remote->len));
}

/* What has ended meanwhile ends with the next tick, as ever. */
static void restore_previous(struct ice_agent *agent, const struct ice_saved *saved,
    uint64_t age_ms, uint64_t grace_ms, uint64_t now_ms)
{
    uint64_t left_ms = saved->previous_left_ms;
    agent->previous_until_ms = 0;
    if (left_ms == 0)
        return;
    agent->previous = saved->previous;
    agent->previous_generation = saved->previous_generation;
    agent->previous_until_ms = UINT64_MAX;
    if (left_ms == ICE_SAVED_NEVER)
        return;
    left_ms = at_least(left_ms > age_ms ? left_ms - age_ms : 1, grace_ms);
    if (left_ms < UINT64_MAX - now_ms)
        agent->previous_until_ms = now_ms + left_ms;
}

bool ice_agent_restore(struct ice_agent *agent, const struct ice_saved *saved, uint64_t age_ms,
    uint64_t grace_ms, uint64_t now_ms)
{
    if (!is_sound(saved))
        return false;
    agent->generation = saved->generation;
    agent->pair_count = 0;
    for (size_t c = 0; c < ICE_COMPONENTS; c++)
        agent->selected[c] = -1;
    restore_previous(agent, saved, age_ms, grace_ms, now_ms);
    for (uint32_t i = 0; i < saved->pair_count; i++) {
        const struct ice_saved_pair *p = &saved->pairs[i];
        if (is_stranger(agent, p))
            continue;
        if (p->selected)
            agent->selected[p->local.component - 1] = (int)agent->pair_count;
        agent->pairs[agent->pair_count++] = restore_pair(p, age_ms, grace_ms, now_ms);
    }
    return true;
}
