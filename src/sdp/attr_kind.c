/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/sdp_attr.h"

/* With its length, since every line of an SDP is looked up several times. */
#define KIND(word, attr_kind)                                                                      \
    {                                                                                              \
        .name = {.data = (word), .len = sizeof(word) - 1}, .kind = (attr_kind)                     \
    }

static const struct {
    struct text name;
    enum sdp_attr_kind kind;
} kinds[] = {
    KIND("bundle-only", SDP_ATTR_BUNDLE_ONLY),
    KIND("candidate", SDP_ATTR_CANDIDATE),
    KIND("crypto", SDP_ATTR_CRYPTO),
    KIND("end-of-candidates", SDP_ATTR_END_OF_CANDIDATES),
    KIND("extmap", SDP_ATTR_EXTMAP),
    KIND("extmap-allow-mixed", SDP_ATTR_EXTMAP_ALLOW_MIXED),
    KIND("fingerprint", SDP_ATTR_FINGERPRINT),
    KIND("fmtp", SDP_ATTR_FMTP),
    KIND("group", SDP_ATTR_GROUP),
    KIND("ice-lite", SDP_ATTR_ICE_LITE),
    KIND("ice-mismatch", SDP_ATTR_ICE_MISMATCH),
    KIND("ice-options", SDP_ATTR_ICE_OPTIONS),
    KIND("ice-pacing", SDP_ATTR_ICE_PACING),
    KIND("ice-pwd", SDP_ATTR_ICE_PWD),
    KIND("ice-ufrag", SDP_ATTR_ICE_UFRAG),
    KIND("inactive", SDP_ATTR_INACTIVE),
    KIND("label", SDP_ATTR_LABEL),
    KIND("maxptime", SDP_ATTR_MAXPTIME),
    KIND("mid", SDP_ATTR_MID),
    KIND("msid", SDP_ATTR_MSID),
    KIND("msid-semantic", SDP_ATTR_MSID_SEMANTIC),
    KIND("ptime", SDP_ATTR_PTIME),
    KIND("recvonly", SDP_ATTR_RECVONLY),
    KIND("remote-candidates", SDP_ATTR_REMOTE_CANDIDATES),
    KIND("rid", SDP_ATTR_RID),
    KIND("rtcp", SDP_ATTR_RTCP),
    KIND("rtcp-fb", SDP_ATTR_RTCP_FB),
    KIND("rtcp-mux", SDP_ATTR_RTCP_MUX),
    KIND("rtcp-mux-only", SDP_ATTR_RTCP_MUX_ONLY),
    KIND("rtcp-rsize", SDP_ATTR_RTCP_RSIZE),
    KIND("rtcp-xr", SDP_ATTR_RTCP_XR),
    KIND("rtpengine", SDP_ATTR_RTPENGINE),
    KIND("rtpmap", SDP_ATTR_RTPMAP),
    KIND("sendonly", SDP_ATTR_SENDONLY),
    KIND("sendrecv", SDP_ATTR_SENDRECV),
    KIND("setup", SDP_ATTR_SETUP),
    KIND("simulcast", SDP_ATTR_SIMULCAST),
    KIND("ssrc", SDP_ATTR_SSRC),
    KIND("ssrc-group", SDP_ATTR_SSRC_GROUP),
    KIND("tls-id", SDP_ATTR_TLS_ID),
};

/* Names of attributes are case-sensitive (RFC 8866, section 5.13), but those of T.38 are seen in
 * any case. */
enum sdp_attr_kind sdp_attr_kind_of(struct text name)
{
    for (size_t i = 0; name.len > 0 && i < COUNT_OF(kinds); i++)
        if (kinds[i].name.len == name.len && kinds[i].name.data[0] == name.data[0] &&
            memcmp(kinds[i].name.data, name.data, name.len) == 0)
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
