/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ice/saved.h - an agent at one moment, to go on in another process: what it has beyond its
 * configuration. Plain values; ages are milliseconds before the save.
 */
#ifndef ICE_SAVED_H
#define ICE_SAVED_H

#include "ice/agent.h"

#define ICE_SAVED_NEVER UINT64_MAX

struct ice_saved_pair {
    struct ice_local local;
    struct address remote;
    uint64_t priority;
    uint64_t checked_ago_ms;
    uint64_t nominated_ago_ms; /* meaningful when nominated */
    uint64_t media_ago_ms;     /* ICE_SAVED_NEVER: none came */
    uint32_t generation;
    bool nominated, nominating, signalled; /* as in ice_pair */
    bool selected;                         /* one a component at most */
    uint8_t sender_len;
    char sender[ICE_EARLY_UFRAG_MAX];
};

struct ice_saved {
    uint32_t generation; /* the agent's number of the current one */
    /* The credentials to fall back to. */
    uint32_t previous_generation;
    uint64_t previous_left_ms; /* 0: there are none; ICE_SAVED_NEVER: until there is a new pair */
    struct ice_generation previous;
    uint32_t pair_count;
    struct ice_saved_pair pairs[ICE_MAX_PAIRS];
};

/* `out` has a password in it. */
void ice_agent_save(const struct ice_agent *agent, uint64_t now_ms, struct ice_saved *out);

/*
 * Goes on from there: `agent` is new and knows its current credentials. `age_ms` is the time since
 * the save. With `grace_ms` above 0 the agent that was saved may have had checks since: then no
 * pair is given up sooner than that. False, with nothing changed, for what no agent can have been:
 * more pairs than there is room for, one of them twice, a component, selection or generation that
 * cannot be, a name that is empty or too long.
 */
NODISCARD bool ice_agent_restore(struct ice_agent *agent, const struct ice_saved *saved,
    uint64_t age_ms, uint64_t grace_ms, uint64_t now_ms);

#endif
