/* SPDX-License-Identifier: Apache-2.0 */
/* rtcp-mux (RFC 5761): the table of ng-protocol 3.6. */
#include "call/negotiate.h"

/* What the answer to the sender will be, as far as it does not follow the receiver's. */
static void settle_sender(const struct call_flags *flags, struct link *sender, bool we_offer)
{
    bool they_offer = sender->mux_offered;
    sender->mux = they_offer;
    sender->mux_settled = they_offer != we_offer || !they_offer;
    if (!they_offer)
        return;
    if (flags->mux.reject) {
        sender->mux = false;
        sender->mux_settled = true;
    } else if (flags->mux.accept) {
        sender->mux_settled = true;
    }
}

void mux_offer(const struct work *w, struct side *sender, struct side *receiver)
{
    const struct call_flags *flags = &w->flags;
    struct link *to = &receiver->link;
    if (!side_is_rtp(receiver)) {
        sender->link.mux = to->mux = to->mux_required = false;
        return;
    }
    bool was_muxed = receiver->known && to->mux;
    bool asked = flags->mux.offer || flags->mux.require;
    /* A browser wants it, and only so the shared port can be used. */
    bool we_offer = was_muxed || asked || sender->link.mux_offered || side_is_webrtc(receiver);
    if (flags->mux.demux && !asked)
        we_offer = false;
    to->mux = we_offer;
    to->mux_required = we_offer && (was_muxed || flags->mux.require);
    to->mux_settled = false;
    settle_sender(flags, &sender->link, we_offer);
}

static bool has_rtcp_port(const struct side *s)
{
    return s->transport != NULL && s->transport->pair && !s->transport->rtcp_given_up;
}

/* What the first answer settled holds for further ones to the same offer: the RTCP ports may be
 * closed by then. Without such a port there is nothing to choose. */
void mux_answer(struct side *offerer, struct side *answerer)
{
    struct link *from = &answerer->link, *to = &offerer->link;
    if (has_rtcp_port(answerer))
        from->mux = from->mux && (from->mux_offered || from->mux_required);
    if (!to->mux_settled && has_rtcp_port(offerer))
        to->mux = to->mux && from->mux;
    to->mux_settled = true;
}

void mux_on_transport(struct link *l, const struct transport *t)
{
    if (t->locals[0].lease != 0)
        return;
    l->mux_required = true;
    l->mux_settled = true;
}
