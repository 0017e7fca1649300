/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/sdp_attr.h"

static const struct {
    const char *name;
    enum sdp_attr_kind kind;
} kinds[] = {
    {"bundle-only", SDP_ATTR_BUNDLE_ONLY},
    {"candidate", SDP_ATTR_CANDIDATE},
    {"crypto", SDP_ATTR_CRYPTO},
    {"end-of-candidates", SDP_ATTR_END_OF_CANDIDATES},
    {"extmap", SDP_ATTR_EXTMAP},
    {"extmap-allow-mixed", SDP_ATTR_EXTMAP_ALLOW_MIXED},
    {"fingerprint", SDP_ATTR_FINGERPRINT},
    {"fmtp", SDP_ATTR_FMTP},
    {"group", SDP_ATTR_GROUP},
    {"ice-lite", SDP_ATTR_ICE_LITE},
    {"ice-mismatch", SDP_ATTR_ICE_MISMATCH},
    {"ice-options", SDP_ATTR_ICE_OPTIONS},
    {"ice-pacing", SDP_ATTR_ICE_PACING},
    {"ice-pwd", SDP_ATTR_ICE_PWD},
    {"ice-ufrag", SDP_ATTR_ICE_UFRAG},
    {"inactive", SDP_ATTR_INACTIVE},
    {"label", SDP_ATTR_LABEL},
    {"maxptime", SDP_ATTR_MAXPTIME},
    {"mid", SDP_ATTR_MID},
    {"msid", SDP_ATTR_MSID},
    {"msid-semantic", SDP_ATTR_MSID_SEMANTIC},
    {"ptime", SDP_ATTR_PTIME},
    {"recvonly", SDP_ATTR_RECVONLY},
    {"remote-candidates", SDP_ATTR_REMOTE_CANDIDATES},
    {"rid", SDP_ATTR_RID},
    {"rtcp", SDP_ATTR_RTCP},
    {"rtcp-fb", SDP_ATTR_RTCP_FB},
    {"rtcp-mux", SDP_ATTR_RTCP_MUX},
    {"rtcp-mux-only", SDP_ATTR_RTCP_MUX_ONLY},
    {"rtcp-rsize", SDP_ATTR_RTCP_RSIZE},
    {"rtcp-xr", SDP_ATTR_RTCP_XR},
    {"rtpengine", SDP_ATTR_RTPENGINE},
    {"rtpmap", SDP_ATTR_RTPMAP},
    {"sendonly", SDP_ATTR_SENDONLY},
    {"sendrecv", SDP_ATTR_SENDRECV},
    {"setup", SDP_ATTR_SETUP},
    {"simulcast", SDP_ATTR_SIMULCAST},
    {"ssrc", SDP_ATTR_SSRC},
    {"ssrc-group", SDP_ATTR_SSRC_GROUP},
    {"tls-id", SDP_ATTR_TLS_ID},
};

/* Names of attributes are case-sensitive (RFC 8866, section 5.13), but those of T.38 are seen in
 * any case. */
enum sdp_attr_kind sdp_attr_kind_of(struct text name)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (text_is(name, kinds[i].name))
            return kinds[i].kind;
    if (name.len >= 3 && text_is_nocase(text_of(name.data, 3), "T38"))
        return SDP_ATTR_T38;
    return SDP_ATTR_OTHER;
}

static const struct {
    const char *name;
    enum sdp_attr_kind kind;
} directions[] = {
    [SDP_SENDRECV] = {"sendrecv", SDP_ATTR_SENDRECV},
    [SDP_SENDONLY] = {"sendonly", SDP_ATTR_SENDONLY},
    [SDP_RECVONLY] = {"recvonly", SDP_ATTR_RECVONLY},
    [SDP_INACTIVE] = {"inactive", SDP_ATTR_INACTIVE},
};

bool sdp_direction_of(enum sdp_attr_kind kind, enum sdp_direction *out)
{
    for (size_t i = 0; i < COUNT_OF(directions); i++) {
        if (directions[i].kind != kind)
            continue;
        *out = (enum sdp_direction)i;
        return true;
    }
    return false;
}

const char *sdp_direction_name(enum sdp_direction direction)
{
    return directions[direction].name;
}
