/* SPDX-License-Identifier: Apache-2.0 */
/* Trickle ICE in SIP INFO (RFC 8840): candidates that come after, or before, the SDP. */
#include "call/exchange.h"
#include "call/negotiate.h"
#include "call/party.h"

/* The section a part of the fragment is about: by mid, else by its place. */
static uint32_t section_of(const struct party *p, const struct sdp_media *media, size_t place)
{
    struct sdp_attr attr;
    bool has_mid = sdp_find_attr(media->lines, SDP_ATTR_MID, &attr);
    for (uint32_t i = 0; i < p->section_count; i++) {
        const struct side *s = section_side(&p->sections[i]);
        if (s != NULL &&
            (has_mid ? text_equal(s->mid, attr.value) : p->sections[i].line == (int)place))
            return i;
    }
    return CALL_MAX_SECTIONS;
}

static void add_to_side(struct arena *a, struct side *s, struct text ufrag, struct text lines)
{
    if (s == NULL || !s->link.ice.theirs)
        return;
    /* Candidates of another generation are of no use (RFC 8840, section 4.4). */
    if (ufrag.len == 0 || text_equal(ufrag, s->link.ice.their_ufrag))
        ice_add_candidates(a, &s->link.ice, lines);
}

static void apply(struct arena *a, const struct party *p, const struct sdp *fragment)
{
    for (size_t k = 0; k < fragment->media_count; k++) {
        const struct sdp_media *media = &fragment->media[k];
        uint32_t index = section_of(p, media, k);
        if (index == CALL_MAX_SECTIONS)
            continue;
        struct sdp_attr attr;
        struct text ufrag = text_of(NULL, 0);
        if (negotiate_attr(fragment, media, SDP_ATTR_ICE_UFRAG, &attr))
            ufrag = attr.value;
        const struct section *section = &p->sections[index];
        add_to_side(a, section->current, ufrag, media->lines);
        if (section->pending != section->current)
            add_to_side(a, section->pending, ufrag, media->lines);
    }
}

static void queue(struct work *w, struct text tag)
{
    struct call *call = w->call;
    /* The oldest makes room: nobody can fill the memory with fragments. */
    if (call->fragment_count == CALL_MAX_FRAGMENTS)
        memmove(call->fragments, call->fragments + 1,
            --call->fragment_count * sizeof(*call->fragments));
    call->fragments[call->fragment_count++] = (struct fragment){
        .tag = arena_text(&call->arena, tag), .body = arena_text(&call->arena, w->command->sdp)};
}

static bool is_described(const struct party *p)
{
    for (uint32_t i = 0; p != NULL && i < p->section_count; i++)
        if (section_side(&p->sections[i]) != NULL && section_side(&p->sections[i])->known)
            return true;
    return false;
}

enum call_status exchange_fragment(struct work *w)
{
    if (w->command->sdp.len == 0)
        return work_fail(w, CALL_NO_SDP, "no fragment");
    if (w->command->sdp.len > CALL_MAX_SDP)
        return work_fail(w, CALL_SDP_INVALID, "fragment of %zu bytes", w->command->sdp.len);
    struct sdp_error error;
    if (sdp_parse_fragment(w->command->sdp, &w->sdp, &error) != SDP_OK)
        return work_fail(
            w, CALL_SDP_INVALID, "fragment line %u: %s", error.line, sdp_status_text(error.status));
    struct text tag = w->is_offer ? w->command->from_tag : w->command->to_tag;
    struct party *p = party_find(w->call, tag);
    if (is_described(p))
        apply(&w->call->arena, p, &w->sdp);
    else
        queue(w, tag);
    return CALL_OK;
}

void exchange_queued_fragments(struct work *w, const struct party *p, struct text tag)
{
    struct call *call = w->call;
    struct sdp fragment;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < call->fragment_count; i++) {
        if (!text_equal(call->fragments[i].tag, tag))
            call->fragments[kept++] = call->fragments[i];
        else if (sdp_parse_fragment(call->fragments[i].body, &fragment, NULL) == SDP_OK)
            apply(&call->arena, p, &fragment);
    }
    call->fragment_count = kept;
}
