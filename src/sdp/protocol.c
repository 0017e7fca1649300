/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/sdp.h"

static const struct {
    const char *name;
    unsigned bits;
} protocols[] = {
    [SDP_PROTOCOL_OTHER] = {"", 0},
    [SDP_RTP_AVP] = {"RTP/AVP", 0},
    [SDP_RTP_SAVP] = {"RTP/SAVP", SDP_SECURE},
    [SDP_RTP_AVPF] = {"RTP/AVPF", SDP_FEEDBACK},
    [SDP_RTP_SAVPF] = {"RTP/SAVPF", SDP_SECURE | SDP_FEEDBACK},
    [SDP_UDP_TLS_RTP_SAVP] = {"UDP/TLS/RTP/SAVP", SDP_SECURE | SDP_DTLS},
    [SDP_UDP_TLS_RTP_SAVPF] = {"UDP/TLS/RTP/SAVPF", SDP_SECURE | SDP_FEEDBACK | SDP_DTLS},
};

enum sdp_protocol sdp_protocol_of(struct text name)
{
    for (size_t i = SDP_RTP_AVP; i < COUNT_OF(protocols); i++)
        if (text_is_nocase(name, protocols[i].name))
            return (enum sdp_protocol)i;
    return SDP_PROTOCOL_OTHER;
}

const char *sdp_protocol_name(enum sdp_protocol protocol)
{
    return protocols[protocol].name;
}

unsigned sdp_protocol_bits(enum sdp_protocol protocol)
{
    return protocols[protocol].bits;
}

enum sdp_protocol sdp_protocol_from_bits(unsigned bits)
{
    if ((bits & SDP_DTLS) != 0)
        bits |= SDP_SECURE;
    for (size_t i = SDP_RTP_AVP; i < COUNT_OF(protocols); i++)
        if (protocols[i].bits == bits)
            return (enum sdp_protocol)i;
    return SDP_PROTOCOL_OTHER;
}
