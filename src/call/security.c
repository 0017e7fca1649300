/* SPDX-License-Identifier: Apache-2.0 */
/* Which key exchange a leg uses: none, SDES or DTLS (ng-protocol 3.9, 3.10; OSRTP: RFC 8643). */
#include "call/negotiate.h"

static bool is_secure(const struct side *s)
{
    return s->osrtp || (sdp_protocol_bits(s->protocol) & SDP_SECURE) != 0;
}

void security_expect(struct side *offerer)
{
    struct link *l = &offerer->link;
    if (!is_secure(offerer))
        l->security = PLAN_PLAIN;
    else
        l->security = l->dtls.theirs ? PLAN_DTLS : PLAN_SDES;
}

static void offer_sdes(struct work *w, const struct sdp_media *source, struct link *l)
{
    static const struct sdes_list nothing;
    struct sdes_list theirs = nothing, offered = nothing;
    if (source != NULL)
        sdes_read(source, &theirs);
    const struct sdes_list *before = l->sdes_offered != NULL ? l->sdes_offered : &nothing;
    sdes_offer(before, &theirs, &w->flags, w->env->random, &offered);
    l->sdes_offered =
        offered.count > 0 ? arena_copy(&w->call->arena, &offered, sizeof(offered)) : NULL;
}

/* Both are offered while the party's choice is not known; the protocol name of RFC 5764 leaves no
 * choice. */
void security_offer(struct work *w, const struct sdp_media *source, struct side *receiver)
{
    struct link *l = &receiver->link;
    if (!is_secure(receiver)) {
        l->security = PLAN_PLAIN;
        l->dtls.offered = false;
        l->sdes_offered = NULL;
        return;
    }
    bool may_dtls = w->flags.dtls != CALL_DTLS_OFF;
    bool may_sdes = !w->flags.sdes.off;
    if ((sdp_protocol_bits(receiver->protocol) & SDP_DTLS) != 0)
        may_sdes = may_sdes && !may_dtls;
    else if (receiver->known && l->security == PLAN_DTLS)
        may_sdes = may_sdes && !may_dtls;
    else if (receiver->known && l->security == PLAN_SDES)
        may_dtls = may_dtls && !may_sdes;

    l->sdes_offered = may_sdes ? l->sdes_offered : NULL;
    if (may_sdes)
        offer_sdes(w, source, l);
    l->dtls.offered = may_dtls || l->sdes_offered == NULL;
    if (l->dtls.offered && l->dtls.generation == 0)
        dtls_new_id(w, &l->dtls);
    l->security = l->dtls.offered ? PLAN_DTLS : PLAN_SDES;
}

static bool accept_sdes(struct work *w, const struct sdp_media *media, struct link *l)
{
    struct sdes_list answered;
    struct sdes_pair pair;
    if (l->sdes_offered == NULL)
        return false;
    sdes_read(media, &answered);
    if (!sdes_accept(l->sdes_offered, &answered, &pair))
        return false;
    l->sdes = arena_copy(&w->call->arena, &pair, sizeof(pair));
    return true;
}

void security_accept(struct work *w, const struct sdp_media *media, struct side *answerer)
{
    struct link *l = &answerer->link;
    bool has_keys = accept_sdes(w, media, l);
    bool has_dtls = l->dtls.offered && l->dtls.theirs;
    if (has_dtls && !(has_keys && w->flags.sdes.prefer)) {
        l->security = PLAN_DTLS;
        dtls_accept(&l->dtls);
    } else if (has_keys) {
        l->security = PLAN_SDES;
    } else if ((sdp_protocol_bits(media->protocol) & SDP_SECURE) != 0) {
        l->security = PLAN_SDES;
        l->sdes = NULL;
        w->out->warning = "the answer has no key that was offered";
    } else {
        l->security = PLAN_PLAIN;
    }
}

static bool answer_sdes(struct work *w, const struct sdp_media *offer, struct link *l)
{
    struct sdes_list offered;
    struct sdes_pair pair;
    if (w->flags.sdes.off)
        return false;
    sdes_read(offer, &offered);
    if (!sdes_answer(&offered, l->sdes, &w->flags, w->env->random, &pair))
        return false;
    l->sdes = arena_copy(&w->call->arena, &pair, sizeof(pair));
    return true;
}

bool security_answer(struct work *w, const struct sdp_media *offer, struct side *offerer)
{
    struct link *l = &offerer->link;
    l->security = PLAN_PLAIN;
    if (!is_secure(offerer))
        return true;

    bool has_dtls = l->dtls.theirs && w->flags.dtls != CALL_DTLS_OFF;
    bool wants_sdes = !has_dtls || w->flags.sdes.prefer;
    bool has_keys = wants_sdes && answer_sdes(w, offer, l);
    if (has_dtls && !has_keys) {
        l->security = PLAN_DTLS;
        dtls_answer(&l->dtls);
        return true;
    }
    if (has_keys)
        l->security = PLAN_SDES;
    return has_keys || offerer->osrtp;
}
