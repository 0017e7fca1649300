/* SPDX-License-Identifier: Apache-2.0 */
/* BUNDLE (RFC 9143): which sections share a transport, and which of them is the tagged one. */
#include "call/negotiate.h"

enum { MAX_GROUPS = 255 };

static struct side *side_of_mid(const struct party *p, struct text mid)
{
    for (uint32_t i = 0; i < p->section_count; i++) {
        struct side *s = work_side(p, i);
        if (s != NULL && s->mid.len > 0 && text_equal(s->mid, mid))
            return s;
    }
    return NULL;
}

static bool next_group(struct text *it, struct sdp_group *out)
{
    struct sdp_attr attr;
    while (sdp_next_attr(it, &attr))
        if (attr.kind == SDP_ATTR_GROUP && sdp_read_group(attr.value, out) &&
            text_is(out->semantics, "BUNDLE"))
            return true;
    return false;
}

static void leave(struct side *s)
{
    s->bundle = 0;
    s->is_bundle_tag = false;
    s->bundle_only = false;
    s->bundle_offered = false;
}

static void leave_all(const struct party *p)
{
    for (uint32_t i = 0; i < p->section_count; i++)
        if (work_side(p, i) != NULL)
            leave(work_side(p, i));
}

/* Puts the sections of one group together; the first that can carry it is the tagged one. */
static void join_group(
    const struct party *p, uint8_t number, struct text mids, bool (*may_lead)(const struct side *))
{
    bool has_tag = false;
    struct text mid;
    while (sdp_next_word(&mids, &mid)) {
        struct side *s = side_of_mid(p, mid);
        if (s == NULL || s->rejected || s->bundle != 0 || !side_is_rtp(s))
            continue;
        if (!has_tag && !may_lead(s))
            continue;
        s->bundle = number;
        s->is_bundle_tag = !has_tag;
        has_tag = true;
    }
}

/* RFC 9143, section 9.3: BUNDLE goes with rtcp-mux. */
static bool is_browser_like(const struct side *s)
{
    return s->link.ice.used && s->link.mux;
}

static bool is_muxed(const struct side *s)
{
    return s->link.mux;
}

void bundle_read_offer(struct work *w)
{
    leave_all(w->sender);
    if (w->flags.bundle.reject)
        return;
    bool asked = w->flags.bundle.accept || w->flags.bundle.require || w->flags.bundle.strict;
    struct text it = w->sdp.lines;
    struct sdp_group group;
    for (unsigned n = 1; n <= MAX_GROUPS && next_group(&it, &group); n++)
        join_group(w->sender, (uint8_t)n, group.mids, asked ? is_muxed : is_browser_like);
}

static uint8_t established_group(const struct party *p)
{
    for (uint32_t i = 0; i < p->section_count; i++) {
        const struct side *s = work_side(p, i);
        if (s != NULL && !s->rejected && s->is_bundle_tag)
            return s->bundle;
    }
    return 0;
}

/* What is ours of a link goes on with another section of the group; the party's half is what its
 * own section says. */
static void take_ours(struct link *to, const struct link *from)
{
    to->mux = from->mux;
    to->mux_settled = from->mux_settled;
    to->mux_required = from->mux_required;
    to->ice.generation = from->ice.generation;
    memcpy(to->ice.ufrag, from->ice.ufrag, sizeof(to->ice.ufrag));
    memcpy(to->ice.pwd, from->ice.pwd, sizeof(to->ice.pwd));
    to->dtls.generation = from->dtls.generation;
    memcpy(to->dtls.our_tls_id, from->dtls.our_tls_id, sizeof(to->dtls.our_tls_id));
}

/* The next section of the group is the tagged one now. */
static void inherit(struct side *next, const struct side *old)
{
    next->is_bundle_tag = true;
    if (next->transport == NULL)
        next->transport = old->transport;
    take_ours(&next->link, &old->link);
}

void bundle_join_transport(const struct party *p, struct side *lead)
{
    for (uint32_t i = 0; i < p->section_count; i++) {
        const struct side *s = work_side(p, i);
        if (s == NULL || s->bundle != lead->bundle || s->transport == NULL)
            continue;
        lead->transport = s->transport;
        take_ours(&lead->link, &s->link);
        lead->link.dtls.role = s->link.dtls.role;
        return;
    }
}

/* A re-INVITE may reject a member, or make a fax of it. */
static bool may_stay(const struct side *s)
{
    return !s->rejected && side_is_rtp(s);
}

static struct side *first_of_group(const struct party *p, uint8_t group)
{
    for (uint32_t i = 0; i < p->section_count; i++) {
        struct side *s = work_side(p, i);
        if (s != NULL && may_stay(s) && s->bundle == group)
            return s;
    }
    return NULL;
}

static void drop_unfit(const struct party *p)
{
    for (uint32_t i = 0; i < p->section_count; i++) {
        struct side *s = work_side(p, i);
        if (s == NULL || may_stay(s) || s->bundle == 0)
            continue;
        struct side *next = s->is_bundle_tag ? first_of_group(p, s->bundle) : NULL;
        if (next != NULL)
            inherit(next, s);
        leave(s);
    }
}

static void offer_new_group(const struct work *w)
{
    const struct call_flags *flags = &w->flags;
    bool only = flags->bundle.require || flags->bundle.strict;
    bool has_tag = false;
    for (uint32_t i = 0; i < w->receiver->section_count; i++) {
        struct side *s = work_side(w->receiver, i);
        if (s == NULL || s->rejected || !side_is_rtp(s) || !s->link.mux)
            continue;
        if (!only) {
            s->bundle_offered = true;
            continue;
        }
        s->bundle = 1;
        s->is_bundle_tag = !has_tag;
        s->bundle_only = has_tag;
        has_tag = true;
    }
}

/* A browser with bundlePolicy max-bundle refuses an offer without a group, even of one section. */
static bool is_for_browser(const struct party *p)
{
    bool any = false;
    for (uint32_t i = 0; i < p->section_count; i++) {
        const struct side *s = work_side(p, i);
        if (s == NULL || s->rejected || !side_is_rtp(s))
            continue;
        if (!side_is_webrtc(s) || !s->link.mux || s->mid.len == 0)
            return false;
        any = true;
    }
    return any;
}

static bool wants_group(const struct work *w)
{
    const struct call_flags *flags = &w->flags;
    return flags->bundle.offer || flags->bundle.require || flags->bundle.strict ||
           is_for_browser(w->receiver);
}

void bundle_offer(struct work *w)
{
    const struct call_flags *flags = &w->flags;
    struct party *p = w->receiver;
    for (uint32_t i = 0; i < p->section_count; i++)
        if (work_side(p, i) != NULL) {
            work_side(p, i)->bundle_offered = false;
            work_side(p, i)->bundle_only = false;
        }
    if (flags->bundle.reject) {
        leave_all(p);
        return;
    }
    drop_unfit(p);
    uint8_t group = established_group(p);
    if (group == 0 && wants_group(w))
        offer_new_group(w);
    /* A section that comes later rides along (RFC 9143, section 7.5.1). */
    for (uint32_t i = 0; group != 0 && i < p->section_count; i++) {
        struct side *s = work_side(p, i);
        if (s != NULL && !s->rejected && s->bundle == 0 && side_is_rtp(s) && is_browser_like(s))
            s->bundle = group;
    }
}

static unsigned members(const struct party *p)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < p->section_count; i++)
        count += work_side(p, i) != NULL && work_side(p, i)->bundle != 0;
    return count;
}

static bool any_offered(const struct party *p)
{
    for (uint32_t i = 0; i < p->section_count; i++)
        if (work_side(p, i) != NULL && work_side(p, i)->bundle_offered)
            return true;
    return false;
}

void bundle_read_answer(struct work *w)
{
    struct party *p = w->sender;
    struct text it = w->sdp.lines;
    struct sdp_group group;
    drop_unfit(p);
    bool taken = next_group(&it, &group);
    if (taken && any_offered(p))
        join_group(p, 1, group.mids, is_muxed);
    for (uint32_t i = 0; i < p->section_count; i++)
        if (work_side(p, i) != NULL)
            work_side(p, i)->bundle_offered = false;
    /* One that is alone needs no group; several have no other transport to go to. */
    if (!taken && members(p) == 1)
        leave_all(p);
}

void bundle_answer(struct party *offerer)
{
    drop_unfit(offerer);
}
