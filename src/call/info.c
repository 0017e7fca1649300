/* SPDX-License-Identifier: Apache-2.0 */
/* What query and the log tell about a call. */
#include "call/work.h"

const struct plan *call_plan(const struct call *call)
{
    return call->plan;
}

struct text call_id(const struct call *call)
{
    return call->id;
}

int64_t call_created_us(const struct call *call)
{
    return call->created_us;
}

int64_t call_last_signal_us(const struct call *call)
{
    return call->last_signal_us;
}

struct text call_metadata(const struct call *call)
{
    return call->metadata;
}

uint32_t call_party_count(const struct call *call)
{
    return call->party_count;
}

struct call_party_info call_party(const struct call *call, uint32_t index)
{
    const struct party *p = call->parties[index];
    struct call_party_info info = {
        .tag = p->tag,
        .via_branch = p->branch,
        .label = p->label,
        .alias_count = p->alias_count,
        .aliases = p->aliases,
        .created_us = p->created_us,
        .section_count = p->section_count,
    };
    for (uint32_t i = 0; i < p->peer_count && info.peer_count < PLAN_MAX_SINKS; i++)
        info.peers[info.peer_count++] = p->peers[i]->tag;
    return info;
}

struct call_section_info call_section(const struct call *call, uint32_t party, uint32_t index)
{
    const struct party *p = call->parties[party];
    const struct section *section = &p->sections[index];
    const struct side *s = section_side(section);
    if (s == NULL)
        return (struct call_section_info){0};
    const struct link *link = work_link(p, s);
    bool is_dtls = link->security == PLAN_DTLS;
    return (struct call_section_info){
        .type = s->type,
        .protocol = s->protocol_name,
        .codec = s->codec,
        .stream = section->stream,
        .transport = side_is_open(s) ? s->transport->id : 0,
        .ice = link->ice.used,
        .trickle = link->ice.used && link->ice.trickle,
        .ice_lite_peer = link->ice.used && link->ice.lite,
        .dtls = is_dtls,
        .dtls_active = is_dtls && link->dtls.role == PLAN_DTLS_ACTIVE,
        .dtls_role_known = is_dtls && link->dtls.role != PLAN_DTLS_UNDECIDED,
        .sdes = link->security == PLAN_SDES,
        .rtcp_mux = link->mux,
        .asymmetric = p->asymmetric,
        .send = s->receives,
        .recv = s->sends,
        .feedback = (sdp_protocol_bits(s->protocol) & SDP_FEEDBACK) != 0,
        .endpoint = link->rtp,
        .rtcp_endpoint = link->rtcp,
    };
}
