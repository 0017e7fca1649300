/* SPDX-License-Identifier: Apache-2.0 */
#include "call/describe.h"

#include <stdio.h>

#include "call/codecs.h"
#include "call/negotiate.h"

bool negotiate_attr(const struct sdp *sdp, const struct sdp_media *media, enum sdp_attr_kind kind,
    struct sdp_attr *out)
{
    return sdp_find_attr(media->lines, kind, out) || sdp_find_attr(sdp->lines, kind, out);
}

void describe_outline(struct work *w, struct side *s, const struct sdp_media *media)
{
    struct arena *a = &w->call->arena;
    struct sdp_attr attr;
    struct text mid;
    s->type = arena_text(a, media->type);
    s->formats = arena_text(a, media->formats);
    s->protocol_name = arena_text(a, media->protocol_name);
    s->protocol = media->protocol;
    /* With a=bundle-only port 0 does not mean a refusal (RFC 9143, section 6). */
    bool rides = w->is_offer && sdp_find_attr(media->lines, SDP_ATTR_BUNDLE_ONLY, &attr);
    s->rejected = media->port == 0 && !rides;
    if (sdp_find_attr(media->lines, SDP_ATTR_MID, &attr) && sdp_read_word(attr.value, &mid))
        s->mid = arena_text(a, mid);
    else if (w->is_offer)
        s->mid = text_of(NULL, 0);
}

static void read_direction(const struct work *w, struct side *s, const struct sdp_media *media)
{
    enum sdp_direction direction = SDP_SENDRECV;
    const struct text levels[] = {w->sdp.lines, media->lines};
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        struct text it = levels[i];
        struct sdp_attr attr;
        enum sdp_direction read;
        while (sdp_next_attr(&it, &attr))
            if (sdp_direction_of(attr.kind, &read))
                direction = read;
    }
    s->sends = direction == SDP_SENDRECV || direction == SDP_SENDONLY;
    s->receives = direction == SDP_SENDRECV || direction == SDP_RECVONLY;
}

/* The source of the SIP message in place of the SDP's address, unless ICE says better. */
static bool distrusts_sdp(const struct work *w, const struct side *s)
{
    const struct call_flags *flags = &w->flags;
    bool wanted =
        flags->sip_source_address || (w->env->config->sip_source && !flags->trust_address);
    return wanted && !s->link.ice.theirs && flags->received_from.family != ADDRESS_NONE;
}

static struct address with_port(struct address ip, unsigned port)
{
    if (port == 0 || port > 65535 || address_is_unspecified(&ip))
        return (struct address){0};
    ip.port = (uint16_t)port;
    return ip;
}

static void read_rtcp(
    const struct work *w, struct side *s, const struct sdp_media *media, struct address ip)
{
    struct link *l = &s->link;
    struct sdp_attr attr;
    struct sdp_rtcp rtcp;
    l->mux_offered = sdp_find_attr(media->lines, SDP_ATTR_RTCP_MUX, &attr);
    l->rtcp = with_port(ip, media->port + 1U);
    if (sdp_find_attr(media->lines, SDP_ATTR_RTCP, &attr) && sdp_read_rtcp(attr.value, &rtcp)) {
        bool own = rtcp.has_connection && !distrusts_sdp(w, s);
        l->rtcp = with_port(own ? rtcp.connection.address : ip, rtcp.port);
        /* The same address and port says it too (ng-protocol 3.6). */
        if (l->rtcp.family != ADDRESS_NONE && address_equal(&l->rtcp, &l->rtp))
            l->mux_offered = true;
    }
}

static void read_addresses(struct work *w, struct side *s, const struct sdp_media *media)
{
    struct address ip = media->connection.address;
    s->zero_address = ip.family != ADDRESS_NONE && address_is_unspecified(&ip) &&
                      !s->link.ice.theirs && side_is_rtp(s);
    if (s->zero_address)
        s->receives = false;
    else if (distrusts_sdp(w, s))
        ip = w->flags.received_from;
    s->family = media->connection.family;
    s->link.rtp = with_port(ip, media->port);
    /* A browser that trickles says 0.0.0.0 or a real address with port 9, discard (RFC 8840). */
    if (s->link.ice.theirs && media->port == 9)
        s->link.rtp = (struct address){0};
    read_rtcp(w, s, media, ip);
}

static void read_ssrcs(struct work *w, struct side *s, const struct sdp_media *media)
{
    uint32_t all[PLAN_MAX_SSRCS];
    uint8_t count = 0;
    struct text it = media->lines;
    struct sdp_attr attr;
    struct sdp_ssrc ssrc;
    while (count < PLAN_MAX_SSRCS && sdp_next_attr(&it, &attr)) {
        if (attr.kind != SDP_ATTR_SSRC || !sdp_read_ssrc(attr.value, &ssrc))
            continue;
        bool known = false;
        for (uint8_t i = 0; i < count; i++)
            known = known || all[i] == ssrc.ssrc;
        if (!known)
            all[count++] = ssrc.ssrc;
    }
    s->ssrcs = arena_copy(&w->call->arena, all, count * sizeof(*all));
    s->ssrc_count = s->ssrcs != NULL ? count : 0;
}

/* The header extension that carries the mid (RFC 9143, section 15); one byte holds its id. */
static uint8_t find_mid_extension(const struct sdp_media *media)
{
    struct text it = media->lines;
    struct sdp_attr attr;
    struct sdp_extmap map;
    while (sdp_next_attr(&it, &attr))
        if (attr.kind == SDP_ATTR_EXTMAP && sdp_read_extmap(attr.value, &map) &&
            text_is(map.uri, "urn:ietf:params:rtp-hdrext:sdes:mid") && map.id <= 255)
            return (uint8_t)map.id;
    return 0;
}

void describe_side(struct work *w, struct side *s, const struct sdp_media *media)
{
    s->known = true;
    ice_read(w, &s->link.ice, media);
    dtls_read(w, &s->link.dtls, media);
    read_direction(w, s, media);
    read_addresses(w, s, media);
    read_ssrcs(w, s, media);
    s->mid_extension = find_mid_extension(media);
    if (w->is_offer) {
        struct sdp_attr attr;
        bool has_keys = s->link.dtls.theirs || sdp_find_attr(media->lines, SDP_ATTR_CRYPTO, &attr);
        bool is_plain_profile =
            side_is_rtp(s) && (sdp_protocol_bits(s->protocol) & SDP_SECURE) == 0;
        s->osrtp = w->flags.osrtp_accept && is_plain_profile && has_keys;
    }
}

void describe_payloads(struct work *w, struct side *s, const struct codecs *list)
{
    struct plan_payload all[PLAN_MAX_PAYLOADS];
    uint8_t count = codecs_plan(list, all);
    s->payloads = arena_copy(&w->call->arena, all, count * sizeof(*all));
    s->payload_count = s->payloads != NULL ? count : 0;
    s->codec = text_of(NULL, 0);
    if (list->count > 0 && list->items[0].name.len > 0) {
        char name[64];
        int len = snprintf(name, sizeof(name), "%.*s/%u", TEXT_ARG(list->items[0].name),
            list->items[0].clock_rate);
        if (len > 0 && (size_t)len < sizeof(name))
            s->codec = arena_text(&w->call->arena, text_of(name, (size_t)len));
    }
}
