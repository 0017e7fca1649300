/* SPDX-License-Identifier: Apache-2.0 */
/* ICE as the SDP tells it (RFC 8839): credentials, restarts, candidates; we are lite. */
#include "call/negotiate.h"

#include <stdlib.h>

enum { MAX_COMPONENT = 2, MAX_NAME_LEN = PLAN_UFRAG_SIZE - 1 };

void ice_new_credentials(const struct work *w, struct ice_state *ice)
{
    work_random_text(w, ice->ufrag, CALL_UFRAG_LEN);
    work_random_text(w, ice->pwd, CALL_PWD_LEN);
    ice->generation++;
}

/* UDP with a literal address is all we can reach; the rest shows up as peer-reflexive. */
static bool is_usable(const struct sdp_candidate *c)
{
    return c->transport == SDP_CANDIDATE_UDP && c->address.family != ADDRESS_NONE &&
           c->address.port != 0 && !address_is_unspecified(&c->address) && c->component >= 1 &&
           c->component <= MAX_COMPONENT;
}

static bool is_listed(const struct ice_state *ice, const struct sdp_candidate *c)
{
    for (uint8_t i = 0; i < ice->candidate_count; i++)
        if (ice->candidates[i].component == c->component &&
            address_equal(&ice->candidates[i].address, &c->address))
            return true;
    return false;
}

void ice_add_candidates(struct arena *a, struct ice_state *ice, struct text lines)
{
    struct plan_candidate all[PLAN_MAX_CANDIDATES];
    struct ice_state grown = *ice;
    if (ice->candidate_count > 0)
        memcpy(all, ice->candidates, ice->candidate_count * sizeof(*all));
    grown.candidates = all;

    struct sdp_attr attr;
    struct sdp_candidate c;
    while (sdp_next_attr(&lines, &attr)) {
        if (attr.kind != SDP_ATTR_CANDIDATE || !sdp_read_candidate(attr.value, &c))
            continue;
        if (!is_usable(&c) || is_listed(&grown, &c))
            continue;
        if (grown.candidate_count == PLAN_MAX_CANDIDATES)
            break;
        all[grown.candidate_count++] = (struct plan_candidate){
            .address = c.address, .priority = c.priority, .component = (uint8_t)c.component};
    }
    if (grown.candidate_count == ice->candidate_count)
        return;
    ice->candidates = arena_copy(a, all, grown.candidate_count * sizeof(*all));
    ice->candidate_count = ice->candidates != NULL ? grown.candidate_count : 0;
}

static struct text name_attr(
    const struct work *w, const struct sdp_media *media, enum sdp_attr_kind kind)
{
    struct sdp_attr attr;
    struct text word;
    if (!negotiate_attr(&w->sdp, media, kind, &attr) || !sdp_read_word(attr.value, &word))
        return text_of(NULL, 0);
    return word.len <= MAX_NAME_LEN ? word : text_of(NULL, 0);
}

static void forget_party(struct ice_state *ice)
{
    ice->theirs = false;
    ice->their_ufrag = ice->their_pwd = text_of(NULL, 0);
    ice->candidate_count = 0;
    ice->candidates = NULL;
}

void ice_read(struct work *w, struct ice_state *ice, const struct sdp_media *media)
{
    struct arena *a = &w->call->arena;
    struct text ufrag = name_attr(w, media, SDP_ATTR_ICE_UFRAG);
    struct text pwd = name_attr(w, media, SDP_ATTR_ICE_PWD);
    bool has_ice = ufrag.len > 0 && pwd.len > 0 && !w->flags.ice_reject;
    ice->used = has_ice && (w->is_offer || ice->used);
    if (!has_ice) {
        forget_party(ice);
        return;
    }

    bool changed = !text_equal(ufrag, ice->their_ufrag) || !text_equal(pwd, ice->their_pwd);
    /* RFC 8445, section 9: only an offer restarts ICE. In an answer the names change when another
     * branch of a fork answers; it knows our old ones. */
    if (changed && ice->theirs && w->is_offer)
        ice_new_credentials(w, ice);
    if (changed)
        forget_party(ice);
    ice->theirs = true;
    ice->their_ufrag = arena_text(a, ufrag);
    ice->their_pwd = arena_text(a, pwd);

    struct sdp_attr attr;
    ice->lite = negotiate_attr(&w->sdp, media, SDP_ATTR_ICE_LITE, &attr);
    ice->trickle = negotiate_attr(&w->sdp, media, SDP_ATTR_ICE_OPTIONS, &attr) &&
                   sdp_has_word(attr.value, "trickle");
    ice_add_candidates(a, ice, media->lines);
}

void ice_offer(const struct work *w, const struct side *sender, struct side *receiver)
{
    struct ice_state *ice = &receiver->link.ice;
    bool was_known = receiver->known;
    if (!side_is_rtp(receiver)) {
        ice->used = false;
        return;
    }
    switch (w->flags.ice) {
    case CALL_ICE_REMOVE:
        ice->used = false;
        break;
    case CALL_ICE_FORCE:
    case CALL_ICE_FORCE_RELAY:
        ice->used = true;
        break;
    case CALL_ICE_DEFAULT:
    case CALL_ICE_OPTIONAL:
        ice->used = was_known ? ice->used : sender->link.ice.theirs;
        break;
    default:
        abort();
    }
    if (!ice->used)
        forget_party(ice);
}
