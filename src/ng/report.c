/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/report.h"

#include <stdio.h>

enum { MICROSECONDS = 1000000, RTP = 0, RTCP = 1 };

/* What is being told. */
struct reporter {
    struct ng_arena *arena;
    const struct call *call;
    const struct relay_snapshot *snapshot; /* may be NULL */
    struct ng_value *ssrcs; /* the dictionary `SSRC` of the whole call; NULL: not told */
    bool ssrcs_of_sections; /* told as well */
    struct relay_counts totals[2];
};

static const struct relay_stream_state *find_stream(const struct reporter *r, uint32_t id)
{
    for (size_t i = 0; r->snapshot != NULL && i < r->snapshot->stream_count; i++)
        if (r->snapshot->streams[i].stream == id)
            return &r->snapshot->streams[i];
    return NULL;
}

static const struct relay_transport_state *find_transport(const struct reporter *r, uint32_t id)
{
    for (size_t i = 0; r->snapshot != NULL && i < r->snapshot->transport_count; i++)
        if (r->snapshot->transports[i].transport == id)
            return &r->snapshot->transports[i];
    return NULL;
}

/* --- a stream: RTP or RTCP of a section --- */

static void put_counts(
    struct reporter *r, struct ng_value *out, struct text key, const struct relay_counts *counts)
{
    struct ng_value *dict = ng_put_dict(r->arena, out, key);
    ng_put_int(r->arena, dict, TEXT("packets"), (int64_t)counts->packets);
    ng_put_int(r->arena, dict, TEXT("bytes"), (int64_t)counts->bytes);
    ng_put_int(r->arena, dict, TEXT("errors"), (int64_t)counts->errors);
}

static struct text family_name(const struct address *a)
{
    return a->family == ADDRESS_IP6 ? TEXT("IPv6") : TEXT("IPv4");
}

static void put_endpoint(
    struct reporter *r, struct ng_value *out, struct text key, const struct address *a)
{
    char ip[ADDRESS_TEXT_SIZE];
    struct ng_value *dict = ng_put_dict(r->arena, out, key);
    if (a->family == ADDRESS_NONE)
        return;
    ng_put_string(r->arena, dict, TEXT("family"), family_name(a));
    ng_put_string(r->arena, dict, TEXT("address"), text_from(address_ip_text(a, ip)));
    ng_put_int(r->arena, dict, TEXT("port"), a->port);
}

static void put_local(struct reporter *r, struct ng_value *out, const struct address *a)
{
    char ip[ADDRESS_TEXT_SIZE];
    if (a->family == ADDRESS_NONE)
        return;
    ng_put_int(r->arena, out, TEXT("local port"), a->port);
    ng_put_string(r->arena, out, TEXT("local address"), text_from(address_ip_text(a, ip)));
    ng_put_string(r->arena, out, TEXT("family"), family_name(a));
}

static void put_transport(struct reporter *r, struct ng_value *out,
    const struct call_section_info *section, unsigned part)
{
    static const struct address unknown;
    const struct relay_transport_state *transport = find_transport(r, section->transport);
    unsigned socket = section->rtcp_mux ? RTP : part;
    if (transport != NULL)
        put_local(r, out, &transport->local[socket]);
    put_endpoint(
        r, out, TEXT("endpoint"), transport != NULL ? &transport->remote[socket] : &unknown);
    put_endpoint(r, out, TEXT("advertised endpoint"),
        socket == RTP ? &section->endpoint : &section->rtcp_endpoint);
    if (transport != NULL && transport->suite != NULL)
        ng_put_string(r->arena, out, TEXT("crypto suite"), text_from(transport->suite->name));
}

static void put_stream_flags(struct reporter *r, struct ng_value *out,
    const struct call_section_info *section, unsigned part)
{
    const struct relay_transport_state *transport = find_transport(r, section->transport);
    const struct {
        bool is_set;
        const char *name;
    } rows[] = {
        {part == RTP, "RTP"},
        {part == RTCP || section->rtcp_mux, "RTCP"},
        {part == RTCP && section->rtcp_mux, "fallback RTCP"},
        {section->endpoint.family != ADDRESS_NONE, "filled"},
        {transport != NULL && transport->confirmed, "confirmed"},
        {transport != NULL && transport->consent_expired, "consent expired"},
        {transport != NULL && transport->dtls == RELAY_DTLS_CONNECTED, "DTLS fingerprint verified"},
        {transport != NULL && transport->dtls == RELAY_DTLS_HANDSHAKING, "DTLS handshaking"},
        {transport != NULL && transport->dtls == RELAY_DTLS_UNVERIFIED, "DTLS unverified"},
        {transport != NULL && transport->dtls == RELAY_DTLS_FAILED, "DTLS failed"},
    };
    struct ng_value *list = ng_put_list(r->arena, out, TEXT("flags"));
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].is_set)
            ng_add_string(r->arena, list, text_from(rows[i].name));
}

static void add_counts(struct relay_counts *sum, const struct relay_counts *counts)
{
    sum->packets += counts->packets;
    sum->bytes += counts->bytes;
    sum->errors += counts->errors;
}

static void put_stream(struct reporter *r, struct ng_value *list,
    const struct call_section_info *section, unsigned part)
{
    static const struct relay_stream_state nothing;
    const struct relay_stream_state *state = find_stream(r, section->stream);
    if (state == NULL)
        state = &nothing;

    struct ng_value *out = ng_add_dict(r->arena, list);
    put_transport(r, out, section, part);
    int64_t last_s = state->last_packet_us[part] / MICROSECONDS;
    ng_put_int(r->arena, out, TEXT("last packet"), last_s);
    ng_put_int(r->arena, out, TEXT("last kernel packet"), 0);
    ng_put_int(r->arena, out, TEXT("last user packet"), last_s);
    if (state->ssrc_in_count > 0)
        ng_put_int(r->arena, out, TEXT("SSRC"), state->ssrc_in[0].ssrc);
    put_stream_flags(r, out, section, part);
    put_counts(r, out, TEXT("stats"), &state->in[part]);
    put_counts(r, out, TEXT("stats_out"), &state->out[part]);
    add_counts(&r->totals[part], &state->in[part]);
}

/* --- a section --- */

static void put_section_flags(
    struct reporter *r, struct ng_value *out, const struct call_section_info *section)
{
    const struct {
        bool is_set;
        const char *name;
    } rows[] = {
        {section->stream != 0, "initialized"},
        {section->asymmetric, "asymmetric"},
        {section->send, "send"},
        {section->recv, "recv"},
        {section->rtcp_mux, "rtcp-mux"},
        {section->dtls, "DTLS-SRTP"},
        {section->dtls && section->dtls_role_known && section->dtls_active, "DTLS role active"},
        {section->dtls && section->dtls_role_known && !section->dtls_active, "DTLS role passive"},
        {section->sdes, "SDES"},
        {section->ice, "ICE"},
        {section->trickle, "trickle ICE"},
        {section->ice_lite_peer, "ICE-lite peer"},
        {section->ice, "ICE-lite self"},
        {section->feedback, "RTCP feedback"},
    };
    struct ng_value *list = ng_put_list(r->arena, out, TEXT("flags"));
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].is_set)
            ng_add_string(r->arena, list, text_from(rows[i].name));
}

/* "opus/48000/2": 48000; 0 when it is not known. */
static uint32_t clock_rate(struct text codec)
{
    uint64_t hz;
    text_cut(&codec, '/');
    return text_to_u64(text_cut(&codec, '/'), UINT32_MAX, &hz) ? (uint32_t)hz : 0;
}

/* `clock_hz` is that of the codec, for what is received here; NULL: it is not. */
static void put_ssrcs(struct reporter *r, struct ng_value *out, struct text key,
    const struct relay_ssrc *ssrcs, size_t count, const uint32_t *clock_hz)
{
    struct ng_value *list = ng_put_list(r->arena, out, key);
    for (size_t i = 0; i < count && i < RELAY_MAX_SSRCS; i++) {
        struct ng_value *dict = ng_add_dict(r->arena, list);
        ng_put_int(r->arena, dict, TEXT("SSRC"), ssrcs[i].ssrc);
        ng_report_ssrc(r->arena, dict, &ssrcs[i]);
        if (clock_hz != NULL)
            ng_report_arrival(r->arena, dict, &ssrcs[i], *clock_hz);
    }
}

/* The dictionary of the whole call, keyed by the number in decimal. */
static void put_call_ssrcs(struct reporter *r, const struct relay_stream_state *state)
{
    for (size_t i = 0; r->ssrcs != NULL && i < state->ssrc_in_count && i < RELAY_MAX_SSRCS; i++) {
        char key[16];
        int len = snprintf(key, sizeof(key), "%u", state->ssrc_in[i].ssrc);
        struct ng_value *dict = ng_put_dict(r->arena, r->ssrcs, text_of(key, (size_t)len));
        ng_report_ssrc(r->arena, dict, &state->ssrc_in[i]);
    }
}

static void put_section(struct reporter *r, struct ng_value *list,
    const struct call_section_info *section, uint32_t index)
{
    static const struct relay_stream_state nothing;
    struct ng_value *out = ng_add_dict(r->arena, list);
    ng_put_int(r->arena, out, TEXT("index"), (int64_t)index + 1);
    ng_put_string(r->arena, out, TEXT("type"), section->type);
    if (section->protocol.len > 0)
        ng_put_string(r->arena, out, TEXT("protocol"), section->protocol);
    if (section->codec.len > 0)
        ng_put_string(r->arena, out, TEXT("codec"), section->codec);

    struct ng_value *streams = ng_put_list(r->arena, out, TEXT("streams"));
    put_stream(r, streams, section, RTP);
    put_stream(r, streams, section, RTCP);
    put_section_flags(r, out, section);

    const struct relay_stream_state *state = find_stream(r, section->stream);
    if (state == NULL)
        state = &nothing;
    if (r->ssrcs_of_sections) {
        uint32_t clock_hz = clock_rate(section->codec);
        put_ssrcs(r, out, TEXT("ingress SSRCs"), state->ssrc_in, state->ssrc_in_count, &clock_hz);
        put_ssrcs(r, out, TEXT("egress SSRCs"), state->ssrc_out, state->ssrc_out_count, NULL);
    }
    put_call_ssrcs(r, state);
}

/* --- a party --- */

static void put_peers(
    struct reporter *r, struct ng_value *out, struct text key, const struct call_party_info *party)
{
    struct ng_value *list = ng_put_list(r->arena, out, key);
    for (size_t i = 0; i < party->peer_count && i < COUNT_OF(party->peers); i++) {
        struct ng_value *peer = ng_add_dict(r->arena, list);
        ng_put_string(r->arena, peer, TEXT("tag"), party->peers[i]);
        ng_put_string(r->arena, peer, TEXT("type"), TEXT("offer/answer"));
    }
}

static void put_aliases(
    struct reporter *r, struct ng_value *out, const struct call_party_info *party)
{
    if (party->alias_count == 0)
        return;
    struct ng_value *list = ng_put_list(r->arena, out, TEXT("tag-aliases"));
    for (uint32_t i = 0; i < party->alias_count; i++)
        ng_add_string(r->arena, list, party->aliases[i]);
}

static void put_party(
    struct reporter *r, struct ng_value *tags, uint32_t index, const struct call_party_info *party)
{
    char untagged[32];
    int len = snprintf(untagged, sizeof(untagged), "<untagged %u>", index + 1);
    struct text key = party->tag.len > 0 ? party->tag : text_of(untagged, (size_t)len);
    struct ng_value *out = ng_put_dict(r->arena, tags, key);

    ng_put_string(r->arena, out, TEXT("tag"), party->tag);
    if (party->via_branch.len > 0)
        ng_put_string(r->arena, out, TEXT("via-branch"), party->via_branch);
    put_aliases(r, out, party);
    if (party->label.len > 0)
        ng_put_string(r->arena, out, TEXT("label"), party->label);
    ng_put_int(r->arena, out, TEXT("created"), party->created_us / MICROSECONDS);
    put_peers(r, out, TEXT("subscriptions"), party);
    put_peers(r, out, TEXT("subscribers"), party);

    struct ng_value *medias = ng_put_list(r->arena, out, TEXT("medias"));
    for (uint32_t i = 0; i < party->section_count; i++) {
        struct call_section_info section = call_section(r->call, index, i);
        put_section(r, medias, &section, i);
    }
    ng_put_list(r->arena, out, TEXT("VSC"));
}

static bool is_wanted(const struct call_party_info *party, struct text tag)
{
    if (tag.len == 0 || text_equal(party->tag, tag))
        return true;
    for (size_t i = 0; i < party->peer_count && i < COUNT_OF(party->peers); i++)
        if (text_equal(party->peers[i], tag))
            return true;
    return false;
}

/* The tag under which a party is shown that is also known by this one. */
static struct text shown_tag(const struct call *call, struct text tag)
{
    for (uint32_t i = 0; i < call_party_count(call); i++) {
        struct call_party_info party = call_party(call, i);
        for (uint32_t k = 0; k < party.alias_count; k++)
            if (text_equal(party.aliases[k], tag))
                return party.tag;
    }
    return tag;
}

/* --- the call --- */

void ng_report(struct ng_arena *arena, struct ng_value *out, const struct session_report *report,
    struct text tag, enum ng_ssrc_reporting reporting)
{
    struct reporter r = {.arena = arena,
        .call = report->call,
        .snapshot = report->snapshot,
        .ssrcs_of_sections = reporting == NG_SSRC_FULL || reporting == NG_SSRC_INLINE};
    int64_t created_us = call_created_us(r.call);
    struct text metadata = call_metadata(r.call);
    struct text shown = shown_tag(r.call, tag);

    ng_put_int(arena, out, TEXT("created"), created_us / MICROSECONDS);
    ng_put_int(arena, out, TEXT("created_us"), created_us % MICROSECONDS);
    ng_put_int(arena, out, TEXT("created_ts"), created_us);
    ng_put_int(arena, out, TEXT("last signal"), call_last_signal_us(r.call) / MICROSECONDS);
    ng_put_int(arena, out, TEXT("last redis update"), 0);
    if (metadata.len > 0)
        ng_put_string(arena, out, TEXT("metadata"), metadata);

    if (reporting == NG_SSRC_FULL || reporting == NG_SSRC_GLOBAL)
        r.ssrcs = ng_put_dict(arena, out, TEXT("SSRC"));
    struct ng_value *tags = ng_put_dict(arena, out, TEXT("tags"));
    for (uint32_t i = 0; i < call_party_count(r.call); i++) {
        struct call_party_info party = call_party(r.call, i);
        if (is_wanted(&party, shown))
            put_party(&r, tags, i, &party);
    }
    struct ng_value *totals = ng_put_dict(arena, out, TEXT("totals"));
    put_counts(&r, totals, TEXT("RTP"), &r.totals[RTP]);
    put_counts(&r, totals, TEXT("RTCP"), &r.totals[RTCP]);
}
