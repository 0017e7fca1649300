/* SPDX-License-Identifier: Apache-2.0 */
/* An offer: the sender's SDP becomes one for the receiver, with our ports and our keys. */
#include "call/attributes.h"
#include "call/describe.h"
#include "call/exchange.h"
#include "call/lease.h"
#include "call/negotiate.h"
#include "call/party.h"
#include "call/write.h"

#include <stdio.h>

static void choose_interface(struct work *w, struct party *p, struct text wanted)
{
    struct call_ports *ports = w->env->ports;
    if (wanted.len == 0)
        return;
    if (!ports->has_interface(ports->owner, wanted)) {
        w->out->warning = "unknown interface name, the default interface is used";
        wanted = text_of(NULL, 0);
    }
    p->interface = arena_text(&w->call->arena, wanted);
}

static bool is_removed(const struct work *w, struct text type)
{
    for (uint8_t i = 0; i < w->flags.media_remove.count; i++)
        if (text_equal_nocase(w->flags.media_remove.names[i], type))
            return true;
    return false;
}

/* Gives both parties as many sections as either has; new ones are not shown yet. */
static void level(struct party *p, uint32_t count)
{
    while (p->section_count < count)
        p->sections[p->section_count++] = (struct section){.line = -1};
}

static bool has_line(const struct party *p, int line)
{
    for (uint32_t i = 0; i < p->section_count; i++)
        if (p->sections[i].line == line)
            return true;
    return false;
}

/* m= lines the sender had not used before are new sections, for both. */
static enum call_status add_sections(struct work *w)
{
    struct party *a = w->sender, *b = w->receiver;
    level(b, a->section_count);
    level(a, b->section_count);
    for (size_t line = 0; line < w->sdp.media_count; line++) {
        if (has_line(a, (int)line))
            continue;
        if (a->section_count == CALL_MAX_SECTIONS)
            return work_fail(w, CALL_TOO_LARGE, "more than %d sections", CALL_MAX_SECTIONS);
        level(a, a->section_count + 1);
        level(b, a->section_count);
        a->sections[a->section_count - 1].line = (int)line;
    }
    if (a->line_count < w->sdp.media_count)
        a->line_count = (uint32_t)w->sdp.media_count;
    for (uint32_t i = 0; i < a->section_count; i++) {
        const struct sdp_media *source = work_source(w, i);
        if (b->sections[i].line < 0 && source != NULL && !is_removed(w, source->type))
            b->sections[i].line = (int)b->line_count++;
    }
    return CALL_OK;
}

static void forget_sides(struct party *p)
{
    for (uint32_t i = 0; i < p->section_count; i++)
        p->sections[i].current = p->sections[i].pending = NULL;
}

static enum call_status begin(struct work *w)
{
    if (w->flags.reset) {
        forget_sides(w->sender);
        forget_sides(w->receiver);
    }
    struct party *const both[] = {w->sender, w->receiver};
    for (size_t k = 0; k < COUNT_OF(both); k++)
        for (uint32_t i = 0; i < both[k]->section_count; i++) {
            struct side *side = exchange_begin_side(w, both[k], i);
            if (side == NULL)
                return CALL_OUT_OF_MEMORY;
            both[k]->sections[i].pending = side;
        }
    return CALL_OK;
}

/* Data channels run inside the DTLS that ends here: they cannot be carried. */
static bool is_beyond_us(const struct side *s)
{
    return s->protocol == SDP_PROTOCOL_OTHER && s->protocol_name.len >= 4 &&
           text_is_nocase(text_skip(s->protocol_name, s->protocol_name.len - 4), "SCTP");
}

/* As asked for; else what was used before, unless the sender changed its own; else the sender's. */
static void choose_protocol(
    struct work *w, const struct side *a, const struct side *a_before, struct side *b)
{
    enum sdp_protocol wanted = w->flags.protocol;
    bool keeps =
        b->known && side_is_rtp(b) && a_before != NULL && a_before->protocol == a->protocol;
    if (!side_is_rtp(a)) {
        b->protocol = SDP_PROTOCOL_OTHER;
        b->protocol_name = a->protocol_name;
        return;
    }
    if (wanted == SDP_PROTOCOL_OTHER && keeps)
        return;
    b->protocol = wanted != SDP_PROTOCOL_OTHER ? wanted : a->protocol;
    unsigned bits = sdp_protocol_bits(b->protocol);
    b->osrtp = w->flags.osrtp_offer && (bits & SDP_SECURE) != 0;
    if (b->osrtp)
        b->protocol = sdp_protocol_from_bits(bits & SDP_FEEDBACK);
    bool as_sent = wanted == SDP_PROTOCOL_OTHER && !b->osrtp;
    b->protocol_name = as_sent ? a->protocol_name : text_from(sdp_protocol_name(b->protocol));
}

static void choose_family(const struct work *w, const struct side *a, struct side *b)
{
    if (w->flags.address_family != ADDRESS_NONE)
        b->family = w->flags.address_family;
    else if (b->family == ADDRESS_NONE)
        b->family = a->family != ADDRESS_NONE ? a->family : ADDRESS_IP4;
}

/* The sender is at another address now: the receiver gets another port, unless ICE or
 * `port-latching` says that it is the same stream (ng-protocol 3.5). */
static void renew_port(
    const struct work *w, const struct side *a, const struct side *a_before, struct side *b)
{
    if (a_before == NULL || a_before->link.rtp.family == ADDRESS_NONE ||
        a->link.rtp.family == ADDRESS_NONE || address_equal(&a->link.rtp, &a_before->link.rtp))
        return;
    bool latches = w->flags.port_latching || a->link.ice.used || b->link.ice.used || b->bundle != 0;
    bool may = a->receives || w->flags.no_port_latching;
    if (may && !latches)
        b->transport = NULL;
}

static bool mid_is_used(const struct party *p, struct text mid)
{
    for (uint32_t i = 0; i < p->section_count; i++)
        if (work_side(p, i) != NULL && text_equal(work_side(p, i)->mid, mid))
            return true;
    return false;
}

static void choose_mid(struct work *w, const struct side *a, struct side *b)
{
    const struct call_flags *flags = &w->flags;
    if (b->mid.len > 0 && (b->known || a->mid.len == 0))
        return;
    b->mid = a->mid;
    bool wanted =
        flags->generate_mid || flags->bundle.offer || flags->bundle.require || flags->bundle.strict;
    if (b->mid.len > 0 || !wanted)
        return;
    for (unsigned n = 1; n <= 2 * CALL_MAX_SECTIONS; n++) {
        char number[12];
        int len = snprintf(number, sizeof(number), "%u", n);
        struct text mid = text_of(number, (size_t)len);
        if (mid_is_used(w->receiver, mid))
            continue;
        b->mid = arena_text(&w->call->arena, mid);
        return;
    }
}

/* Our role in the answer to the sender, if it leaves the choice to us. */
static bool prefers_passive(const struct work *w)
{
    enum call_dtls here = w->flags.dtls, back = w->flags.dtls_reverse;
    if (here == CALL_DTLS_PASSIVE || back == CALL_DTLS_PASSIVE)
        return true;
    bool forbidden = here == CALL_DTLS_ACTIVE || back == CALL_DTLS_ACTIVE;
    return w->env->config->dtls_passive && !forbidden;
}

/* What our SDP will offer the receiver in this section. */
static void offer_section(struct work *w, uint32_t index)
{
    struct side *a = work_side(w->sender, index), *b = work_side(w->receiver, index);
    const struct side *a_before = w->sender->sections[index].current;
    const struct sdp_media *source = work_source(w, index);
    b->type = a->type;
    b->formats = a->formats;
    b->rejected = a->rejected;
    choose_protocol(w, a, a_before, b);
    if (a->rejected)
        return;
    choose_family(w, a, b);
    ice_offer(w, a, b);
    mux_offer(w, a, b);
    security_offer(w, source, b);
    renew_port(w, a, a_before, b);
    b->plain = attributes_are_plain(w, a, b);
    b->no_extensions = attributes_no_extensions(w, b->plain);
    choose_mid(w, a, b);
    if (!b->known)
        b->sends = b->receives = true;
    b->ptime = w->flags.ptime > 0 ? w->flags.ptime : b->ptime;
    a->ptime = w->flags.ptime_reverse > 0 ? w->flags.ptime_reverse : a->ptime;
    a->link.dtls.prefer_passive = prefers_passive(w);
    security_expect(a);
}

static void read_sections(struct work *w)
{
    for (uint32_t i = 0; i < w->sender->section_count; i++) {
        struct side *a = work_side(w->sender, i);
        const struct sdp_media *source = work_source(w, i);
        bool shown = w->receiver->sections[i].line >= 0;
        if (source != NULL)
            describe_outline(w, a, source);
        bool removed = is_removed(w, a->type);
        if (source == NULL || !shown || removed || is_beyond_us(a))
            a->rejected = true;
        if (!a->rejected)
            describe_side(w, a, source);
        offer_section(w, i);
    }
}

/* A bundle-only section is refused when there is no group for it (RFC 9143, section 7.3.3). */
static void refuse_lone_riders(struct work *w)
{
    for (uint32_t i = 0; i < w->sender->section_count; i++) {
        struct side *a = work_side(w->sender, i);
        const struct sdp_media *source = work_source(w, i);
        if (source != NULL && source->port == 0 && a->bundle == 0)
            a->rejected = work_side(w->receiver, i)->rejected = true;
    }
}

static enum call_status lease_and_write(struct work *w)
{
    bundle_read_offer(w);
    refuse_lone_riders(w);
    bundle_offer(w);
    enum call_status status = lease_transports(w, w->receiver);
    if (status == CALL_OK)
        status = lease_transports(w, w->sender);
    if (status == CALL_OK)
        status = write_sdp(w, NULL);
    return status;
}

enum call_status exchange_offer(struct work *w)
{
    struct text kept = {0};
    bool is_ours = false;
    enum call_status status = exchange_parse(w, &kept, &is_ours);
    if (status == CALL_OK && is_ours)
        return exchange_return_ours(w);
    if (status == CALL_OK)
        status = party_resolve_offer(w);
    if (status != CALL_OK)
        return status;

    w->sender->sdp_in = kept;
    exchange_note_flags(w);
    choose_interface(w, w->sender, w->flags.from_interface);
    choose_interface(w, w->receiver, w->flags.to_interface);
    status = add_sections(w);
    if (status == CALL_OK)
        status = begin(w);
    if (status != CALL_OK)
        return status;
    read_sections(w);
    status = lease_and_write(w);
    if (status != CALL_OK)
        return status;
    for (uint32_t i = 0; i < w->receiver->section_count; i++)
        work_side(w->receiver, i)->told = true;
    exchange_queued_fragments(w, w->sender, w->command->from_tag);
    exchange_signalled(w);
    return CALL_OK;
}
