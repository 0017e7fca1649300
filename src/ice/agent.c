/* SPDX-License-Identifier: Apache-2.0 */
#include "ice/agent.h"

#include <assert.h>

#include "ice/candidate.h"
#include "ice/pairs.h"
#include "ice/select.h"

static bool name_fits(struct text name)
{
    return name.len > 0 && name.len <= ICE_NAME_MAX;
}

static struct ice_name name_of(struct text text)
{
    struct ice_name name = {.len = (uint16_t)text.len};
    if (text.len > 0)
        memcpy(name.data, text.data, text.len);
    return name;
}

static bool names_fit(const struct ice_credentials *local, struct text remote_ufrag)
{
    return name_fits(local->ufrag) && name_fits(local->pwd) &&
           (remote_ufrag.len == 0 || name_fits(remote_ufrag));
}

static struct ice_generation generation_of(
    const struct ice_credentials *local, struct text remote_ufrag)
{
    return (struct ice_generation){
        .local_ufrag = name_of(local->ufrag),
        .local_pwd = name_of(local->pwd),
        .remote_ufrag = name_of(remote_ufrag),
    };
}

bool ice_agent_init(struct ice_agent *agent, const struct ice_config *config)
{
    if (!names_fit(&config->local, config->remote_ufrag) || config->software.len > ICE_SOFTWARE_MAX)
        return false;
    *agent = (struct ice_agent){
        .current = generation_of(&config->local, config->remote_ufrag),
        .remote_lite = config->remote_lite,
        .software_len = (uint8_t)config->software.len,
        .selected = {-1, -1},
    };
    if (config->software.len > 0)
        memcpy(agent->software, config->software.data, config->software.len);
    return true;
}

static bool was_checked_by(const struct ice_pair *p, struct text sender)
{
    return p->sender_len > 0 && text_equal(text_of(p->sender, p->sender_len), sender);
}

/* Removes the pairs of the current generation that are not the peer's own. */
static void forget_strangers(struct ice_agent *agent, struct text remote_ufrag)
{
    for (int i = (int)agent->pair_count - 1; i >= 0; i--) {
        const struct ice_pair *p = &agent->pairs[i];
        if (p->generation == agent->generation && !was_checked_by(p, remote_ufrag))
            ice_pairs_remove(agent, i);
    }
    for (unsigned c = 1; c <= ICE_COMPONENTS; c++)
        if (agent->selected[c - 1] < 0)
            ice_select_again(agent, c);
}

bool ice_agent_set_remote(struct ice_agent *agent, struct text remote_ufrag, bool remote_lite)
{
    struct ice_name *known = &agent->current.remote_ufrag;
    if (!name_fits(remote_ufrag))
        return false;
    if (!text_equal(text_of(known->data, known->len), remote_ufrag) ||
        remote_lite != agent->remote_lite)
        forget_strangers(agent, remote_ufrag);
    *known = name_of(remote_ufrag);
    agent->remote_lite = remote_lite;
    return true;
}

void ice_agent_add_candidate(struct ice_agent *agent, struct ice_local local,
    const struct address *remote, uint32_t priority, uint64_t now_ms)
{
    if (!agent->remote_lite || address_is_unspecified(remote) || remote->port == 0)
        return;

    int index = ice_pairs_enter(agent, remote, local);
    struct ice_pair *p = &agent->pairs[index];
    p->priority = ice_pair_priority(priority, ice_priority(ICE_HOST, local.index, local.component));
    p->generation = agent->generation;
    p->checked_ms = now_ms;
    p->nominated_ms = now_ms;
    p->nominated = true;
    p->signalled = true;
    ice_select_after_signal(agent, index);
    ice_select_settle(agent, now_ms);
}

bool ice_agent_restart(struct ice_agent *agent, const struct ice_credentials *local,
    struct text remote_ufrag, bool remote_lite)
{
    if (!names_fit(local, remote_ufrag))
        return false;
    if (ice_select_is_settled(agent) || agent->previous_until_ms != UINT64_MAX) {
        agent->previous = agent->current;
        agent->previous_generation = agent->generation;
    }
    agent->previous_until_ms = UINT64_MAX;
    agent->current = generation_of(local, remote_ufrag);
    agent->remote_lite = remote_lite;
    agent->generation++;
    return true;
}

struct text ice_agent_ufrag(const struct ice_agent *agent)
{
    const struct ice_name *ufrag = &agent->current.local_ufrag;
    return text_of(ufrag->data, ufrag->len);
}

struct text ice_agent_previous_ufrag(const struct ice_agent *agent)
{
    const struct ice_name *ufrag = &agent->previous.local_ufrag;
    return text_of(ufrag->data, agent->previous_until_ms > 0 ? ufrag->len : 0);
}

bool ice_agent_is_valid_source(
    const struct ice_agent *agent, const struct address *source, struct ice_local local)
{
    return ice_pairs_find(agent, source, local) >= 0;
}

bool ice_agent_saw_media(
    struct ice_agent *agent, const struct address *source, struct ice_local local, uint64_t now_ms)
{
    int index = ice_pairs_find(agent, source, local);
    return index >= 0 && ice_select_after_media(agent, index, now_ms);
}

const struct ice_pair *ice_agent_selected(const struct ice_agent *agent, unsigned component)
{
    assert(component >= 1 && component <= ICE_COMPONENTS);
    int index = agent->selected[component - 1];
    return index >= 0 ? &agent->pairs[index] : NULL;
}

uint64_t ice_agent_due_ms(const struct ice_agent *agent)
{
    uint64_t due = agent->previous_until_ms > 0 ? agent->previous_until_ms : UINT64_MAX;
    for (size_t i = 0; i < agent->pair_count; i++) {
        const struct ice_pair *p = &agent->pairs[i];
        if (!p->signalled && p->checked_ms + ICE_CONSENT_MS < due)
            due = p->checked_ms + ICE_CONSENT_MS;
    }
    return due;
}

/* What a lite peer has signalled holds for as long as the credentials it came with. */
static bool has_consent(const struct ice_agent *agent, const struct ice_pair *p, uint64_t now_ms)
{
    if (p->signalled)
        return p->generation == agent->generation || agent->previous_until_ms > 0;
    return now_ms < p->checked_ms + ICE_CONSENT_MS;
}

bool ice_agent_tick(struct ice_agent *agent, uint64_t now_ms)
{
    bool changed = false;
    const bool had[ICE_COMPONENTS] = {agent->selected[0] >= 0, agent->selected[1] >= 0};

    if (agent->previous_until_ms > 0 && now_ms >= agent->previous_until_ms)
        agent->previous_until_ms = 0;
    for (int i = (int)agent->pair_count - 1; i >= 0; i--)
        if (!has_consent(agent, &agent->pairs[i], now_ms))
            ice_pairs_remove(agent, i);

    for (unsigned c = 1; c <= ICE_COMPONENTS; c++) {
        if (!had[c - 1] || agent->selected[c - 1] >= 0)
            continue;
        agent->stats.consent_lost++;
        ice_select_again(agent, c);
        changed = true;
    }
    return changed;
}

const char *ice_verdict_name(enum ice_verdict verdict)
{
#define ICE_VERDICT_NAME(constant, name) name,
    static const char *const names[] = {ICE_VERDICTS(ICE_VERDICT_NAME)};
    assert(verdict < ICE_VERDICT_COUNT);
    return names[verdict];
}
