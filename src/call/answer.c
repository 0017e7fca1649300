/* SPDX-License-Identifier: Apache-2.0 */
/* An answer: what was offered becomes what is agreed, with both parties. */
#include "call/attributes.h"
#include "call/describe.h"
#include "call/exchange.h"
#include "call/lease.h"
#include "call/negotiate.h"
#include "call/party.h"
#include "call/write.h"

/* An answer may come twice (183 and 200): the second one changes what the first agreed. */
static enum call_status begin(struct work *w)
{
    struct party *const both[] = {w->sender, w->receiver};
    for (size_t k = 0; k < COUNT_OF(both); k++)
        for (uint32_t i = 0; i < both[k]->section_count; i++) {
            struct section *s = &both[k]->sections[i];
            if (s->pending == NULL && s->current != NULL) {
                s->pending = exchange_begin_side(w, both[k], i);
                if (s->pending == NULL)
                    return CALL_OUT_OF_MEMORY;
            }
        }
    return CALL_OK;
}

/* RFC 3264, section 6: the answer stays with the transport of the offer. What was leased for one
 * kind does not suit another. */
static bool is_other_kind(const struct side *offered, const struct side *answered)
{
    return side_is_rtp(offered) != side_is_rtp(answered) ||
           side_passes_by(offered) != side_passes_by(answered);
}

static void read_outlines(struct work *w)
{
    for (uint32_t i = 0; i < w->sender->section_count; i++) {
        struct side *b = work_side(w->sender, i);
        const struct sdp_media *source = work_source(w, i);
        if (b == NULL)
            continue;
        const struct side offered = *b;
        if (source != NULL && !offered.rejected)
            describe_outline(w, b, source);
        if (source == NULL || offered.rejected || is_other_kind(&offered, b))
            b->rejected = true;
    }
}

/* What the answerer took of our offer to it. */
static void read_answerer(struct work *w)
{
    for (uint32_t i = 0; i < w->sender->section_count; i++) {
        struct side *b = work_side(w->sender, i);
        if (b == NULL || b->rejected)
            continue;
        const struct sdp_media *source = work_source(w, i);
        describe_side(w, b, source);
        struct side *a = work_side(w->receiver, i);
        if (a != NULL)
            mux_answer(a, b);
        if (side_passes_by(b))
            continue;
        security_accept(w, source, b);
        /* Only ICE tells the legs of the shared port apart. */
        if (b->transport->locals[0].lease == 0 && !work_lead(w->sender, b)->link.ice.used)
            w->out->warning = "the answer has no ICE, its media cannot be told apart";
    }
    lease_follow_leads(w->sender);
}

static const struct sdp_media *own_section(
    const struct party *p, uint32_t index, const struct sdp *sdp)
{
    int line = p->sections[index].line;
    return line >= 0 && (size_t)line < sdp->media_count ? &sdp->media[line] : NULL;
}

/* `offer` is the offerer's own SDP. */
static void answer_section(struct work *w, uint32_t index, const struct sdp *offer)
{
    struct side *a = work_side(w->receiver, index);
    const struct side *b = work_side(w->sender, index);
    const struct sdp_media *own = own_section(w->receiver, index, offer);
    bool is_lead = work_lead(w->receiver, a) == a;
    if (is_lead && side_is_rtp(a) && (own == NULL || !security_answer(w, own, a))) {
        a->rejected = true;
        w->out->warning = "a section was rejected: no key exchange in common";
        return;
    }
    /* An answer without ICE makes the offerer do without it (RFC 8839, section 4.2.5). */
    if (w->flags.ice == CALL_ICE_REMOVE)
        a->link.ice.used = false;
    a->plain = attributes_are_plain(w, b, a);
    a->no_extensions = attributes_no_extensions(w, a->plain);
}

static enum call_status answer_offerer(struct work *w)
{
    struct sdp offer;
    struct party *p = w->receiver;
    if (sdp_parse(p->sdp_in, &offer, NULL) != SDP_OK)
        return work_fail(w, CALL_BAD_DIALOG, "there is no offer to answer");
    for (uint32_t i = 0; i < p->section_count; i++) {
        struct side *a = work_side(p, i);
        const struct side *b = work_side(w->sender, i);
        if (a != NULL && (b == NULL || b->rejected))
            a->rejected = true;
    }
    bundle_answer(p);
    for (uint32_t i = 0; i < p->section_count; i++)
        if (work_side(p, i) != NULL && !work_side(p, i)->rejected)
            answer_section(w, i, &offer);
    bundle_answer(p);
    return lease_transports(w, p);
}

/* Both parties know: what was pending holds from now on. */
static void commit(struct party *p)
{
    for (uint32_t i = 0; i < p->section_count; i++) {
        struct section *s = &p->sections[i];
        if (s->pending == NULL)
            continue;
        s->pending->told = true;
        s->current = s->pending;
        s->pending = NULL;
    }
}

static enum call_status answer_in_time(struct work *w, struct text kept)
{
    struct sdp offered;
    if (sdp_parse(w->sender->sdp_out, &offered, NULL) != SDP_OK)
        return work_fail(w, CALL_BAD_DIALOG, "the answerer was not offered anything");
    enum call_status status = begin(w);
    if (status != CALL_OK)
        return status;
    w->sender->sdp_in = kept;
    w->sender->answered = true;
    w->sender->final = w->sender->final || w->flags.is_reply_final;
    w->sender->current = w->receiver;
    w->receiver->current = w->sender;
    exchange_note_flags(w);

    read_outlines(w);
    bundle_read_answer(w);
    read_answerer(w);
    status = answer_offerer(w);
    if (status == CALL_OK)
        status = write_sdp(w, &offered);
    if (status != CALL_OK)
        return status;
    exchange_queued_fragments(w, w->sender, w->command->to_tag);
    exchange_signalled(w);
    commit(w->sender);
    commit(w->receiver);
    return CALL_OK;
}

enum call_status exchange_answer(struct work *w)
{
    struct text kept = {0};
    bool is_ours = false, is_late = false;
    enum call_status status = exchange_parse(w, &kept, &is_ours);
    if (status == CALL_OK && is_ours)
        return exchange_return_ours(w);
    if (status == CALL_OK)
        status = party_resolve_answer(w, &is_late);
    if (status != CALL_OK)
        return status;
    if (!is_late)
        return answer_in_time(w, kept);
    /* Another branch has the call; the offerer is told again what it was told. */
    w->out->sdp = w->receiver->sdp_out;
    return CALL_OK;
}
