/* SPDX-License-Identifier: Apache-2.0 */
#include "call/attributes.h"

bool attributes_are_plain(
    const struct work *w, const struct side *sender, const struct side *receiver)
{
    bool wanted = w->env->config->plain_sdp;
    if (w->flags.plain_sdp != CALL_PLAIN_SDP_CONFIGURED)
        wanted = w->flags.plain_sdp == CALL_PLAIN_SDP_ON;
    bool from_browser =
        sender->link.ice.theirs || (sdp_protocol_bits(sender->protocol) & SDP_DTLS) != 0;
    bool to_phone = side_is_rtp(receiver) && !receiver->link.ice.used &&
                    (sdp_protocol_bits(receiver->protocol) & (SDP_FEEDBACK | SDP_DTLS)) == 0;
    return wanted && from_browser && to_phone;
}

/* Written anew from what was negotiated, or of no meaning on another leg. */
static bool is_of_transport(enum sdp_attr_kind kind)
{
    static const enum sdp_attr_kind kinds[] = {SDP_ATTR_BUNDLE_ONLY, SDP_ATTR_CANDIDATE,
        SDP_ATTR_END_OF_CANDIDATES, SDP_ATTR_GROUP, SDP_ATTR_ICE_LITE, SDP_ATTR_ICE_MISMATCH,
        SDP_ATTR_ICE_OPTIONS, SDP_ATTR_ICE_PACING, SDP_ATTR_ICE_PWD, SDP_ATTR_ICE_UFRAG,
        SDP_ATTR_INACTIVE, SDP_ATTR_LABEL, SDP_ATTR_MID, SDP_ATTR_RECVONLY,
        SDP_ATTR_REMOTE_CANDIDATES, SDP_ATTR_RTCP, SDP_ATTR_RTCP_MUX, SDP_ATTR_RTCP_MUX_ONLY,
        SDP_ATTR_RTPENGINE, SDP_ATTR_SENDONLY, SDP_ATTR_SENDRECV};
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i] == kind)
            return true;
    return false;
}

static bool is_of_media(enum sdp_attr_kind kind)
{
    static const enum sdp_attr_kind kinds[] = {SDP_ATTR_CRYPTO, SDP_ATTR_EXTMAP,
        SDP_ATTR_EXTMAP_ALLOW_MIXED, SDP_ATTR_FINGERPRINT, SDP_ATTR_FMTP, SDP_ATTR_MAXPTIME,
        SDP_ATTR_PTIME, SDP_ATTR_RTCP_FB, SDP_ATTR_RTPMAP, SDP_ATTR_SETUP, SDP_ATTR_T38,
        SDP_ATTR_TLS_ID};
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i] == kind)
            return true;
    return false;
}

static bool is_for_browsers(const struct sdp_attr *attr)
{
    static const enum sdp_attr_kind kinds[] = {SDP_ATTR_MSID, SDP_ATTR_MSID_SEMANTIC, SDP_ATTR_RID,
        SDP_ATTR_RTCP_RSIZE, SDP_ATTR_RTCP_XR, SDP_ATTR_SIMULCAST, SDP_ATTR_SSRC,
        SDP_ATTR_SSRC_GROUP};
    static const char *const names[] = {"sctp", "x-google-", "max-message-size", "ice-"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i] == attr->kind)
            return true;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_starts_with(attr->name, names[i]))
            return true;
    return false;
}

bool attributes_pass(const struct sdp_attr *attr, enum attributes_level level, bool plain)
{
    if (is_of_transport(attr->kind))
        return false;
    if (level == ATTRIBUTES_RAW)
        return true;
    if (is_of_media(attr->kind))
        return false;
    return !(plain && is_for_browsers(attr));
}

static bool names_hold(const struct call_names *list, struct text name)
{
    for (uint8_t i = 0; i < list->count; i++)
        if (text_is_nocase(list->names[i], "all") || text_equal(list->names[i], name))
            return true;
    return false;
}

bool attributes_extmap_passes(const struct work *w, struct text value, bool plain)
{
    struct sdp_extmap map;
    if (plain || !sdp_read_extmap(value, &map))
        return false;
    return !names_hold(&w->flags.extmap_strip, map.uri) &&
           !names_hold(&w->flags.extmap_mask, map.uri);
}

bool attributes_no_extensions(const struct work *w, bool plain)
{
    struct text nothing = text_of(NULL, 0);
    return plain || names_hold(&w->flags.extmap_strip, nothing) ||
           names_hold(&w->flags.extmap_mask, nothing);
}
