/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_sessions.h"

#include <assert.h>

/* --- session/session.h --- */

struct session_outcome sessions_exchange(
    struct sessions *sessions, const struct call_command *command)
{
    sessions->exchanges++;
    sessions->last = *command;
    return sessions->outcome;
}

void fake_tell(struct sessions *sessions)
{
    session_report_fn *done = sessions->done;
    struct session_report report = {
        .outcome = sessions->outcome, .call = sessions->call, .snapshot = sessions->snapshot};
    sessions->done = NULL;
    done(sessions->owner, &report);
}

static void report(struct sessions *sessions, session_report_fn *done, void *owner)
{
    sessions->done = done;
    sessions->owner = owner;
    if (!sessions->reports_wait)
        fake_tell(sessions);
}

int sessions_delete(struct sessions *sessions, const struct call_command *command,
    session_report_fn *done, void *owner)
{
    sessions->deletes++;
    sessions->last = *command;
    report(sessions, done, owner);
    return 0;
}

int sessions_query(
    struct sessions *sessions, struct text call_id, session_report_fn *done, void *owner)
{
    sessions->queries++;
    sessions->last = (struct call_command){.call_id = call_id};
    report(sessions, done, owner);
    return 0;
}

void sessions_list(struct sessions *sessions, size_t limit,
    void (*visit)(void *owner, struct text call_id), void *owner)
{
    for (size_t i = 0; i < sessions->id_count && i < limit; i++)
        visit(owner, sessions->ids[i]);
}

bool sessions_look(const struct sessions *sessions, struct text call_id, struct session_row *out)
{
    for (size_t i = 0; i < sessions->id_count; i++) {
        if (!text_equal(sessions->ids[i], call_id))
            continue;
        *out = (struct session_row){.call_id = sessions->ids[i]};
        return true;
    }
    return false;
}

struct sessions_totals sessions_totals(const struct sessions *sessions)
{
    return sessions->totals;
}

struct sessions_media sessions_media(const struct sessions *sessions)
{
    return sessions->media;
}

struct port_pool_usage sessions_ports(const struct sessions *sessions, size_t bind)
{
    assert(bind < FAKE_BINDS);
    return sessions->ports[bind];
}

/* "in" has the second address, "out" both. */
const struct interfaces *sessions_interfaces(const struct sessions *sessions)
{
    static char in_name[] = "in", out_name[] = "out";
    static struct local_address in[1], out[2];
    static struct interface list[] = {
        {.name = in_name, .addresses = in, .count = 1},
        {.name = out_name, .addresses = out, .count = 2},
    };
    static const struct interfaces interfaces = {.list = list, .count = COUNT_OF(list)};
    (void)sessions;
    out[0] = (struct local_address){.bind = address_from_ip(ADDRESS_IP4, "\xcb\x00\x71\x0a", 0)};
    out[1] = (struct local_address){
        .bind = address_from_ip(ADDRESS_IP4, "\x0a\x14\x00\x0a", 0), .bind_index = 1};
    in[0] = out[1];
    return &interfaces;
}

/* --- call/call.h --- */

const char *call_status_text(enum call_status status)
{
    static const char *const texts[] = {
        [CALL_OK] = "ok",
        [CALL_NO_SDP] = "No SDP body in message",
        [CALL_SDP_INVALID] = "Failed to parse SDP",
        [CALL_SDP_INCOMPLETE] = "Incomplete SDP specification",
        [CALL_UNKNOWN] = "Unknown call-id",
        [CALL_BAD_DIALOG] = "Invalid dialogue association",
        [CALL_NO_PORTS] = "Ran out of ports",
        [CALL_BIND_FAILED] = "Could not bind",
        [CALL_NO_MATCH] = "Call-ID not found or tags didn't match",
        [CALL_REWRITE_FAILED] = "Error rewriting SDP",
        [CALL_TOO_LARGE] = "Too large",
        [CALL_OUT_OF_MEMORY] = "Out of memory",
    };
    return texts[status];
}

struct text call_id(const struct call *call)
{
    return call->id;
}

int64_t call_created_us(const struct call *call)
{
    (void)call;
    return 1700000000000007;
}

int64_t call_last_signal_us(const struct call *call)
{
    (void)call;
    return 1700000003000000;
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
    return call->parties[index];
}

struct call_section_info call_section(const struct call *call, uint32_t party, uint32_t index)
{
    (void)index;
    return call->sections[party];
}

/* --- a call to tell of --- */

const struct call *fake_call(void)
{
    static struct call call;
    static const struct text aliases[] = {{.data = "b2", .len = 2}};
    call = (struct call){.id = TEXT("c1"),
        .party_count = 2,
        .parties = {{.tag = TEXT("a"),
                        .via_branch = TEXT("z9"),
                        .label = TEXT("caller"),
                        .created_us = 1700000000000007,
                        .section_count = 1,
                        .peers = {TEXT("b")},
                        .peer_count = 1},
            {.tag = TEXT("b"),
                .alias_count = COUNT_OF(aliases),
                .aliases = aliases,
                .created_us = 1700000001000000,
                .section_count = 1,
                .peers = {TEXT("a")},
                .peer_count = 1}},
        .sections = {{.type = TEXT("audio"),
                         .protocol = TEXT("UDP/TLS/RTP/SAVPF"),
                         .codec = TEXT("PCMU/8000"),
                         .stream = 1,
                         .transport = 10,
                         .ice = true,
                         .dtls = true,
                         .dtls_role_known = true,
                         .rtcp_mux = true,
                         .send = true,
                         .recv = true,
                         .feedback = true,
                         .endpoint = address_from_ip(ADDRESS_IP4, "\xc6\x33\x64\x14", 45744)},
            {.type = TEXT("audio"),
                .protocol = TEXT("RTP/AVP"),
                .codec = TEXT("PCMU/8000"),
                .stream = 2,
                .transport = 20,
                .send = true,
                .recv = true,
                .endpoint = address_from_ip(ADDRESS_IP4, "\x0a\x14\x00\x14", 10352),
                .rtcp_endpoint = address_from_ip(ADDRESS_IP4, "\x0a\x14\x00\x14", 10353)}}};
    return &call;
}

static struct relay_ssrc fake_ssrc(uint32_t number)
{
    struct relay_ssrc ssrc = {.ssrc = number,
        .packets = 100,
        .bytes = 16000,
        .last_timestamp = 320,
        .last_sequence = 65540,
        .cumulative_loss = 3,
        .average = {.mos_x10 = 43,
            .rtt_us = 20000,
            .rtt_leg_us = 9000,
            .jitter_ms = 5,
            .loss_percent = 1,
            .samples = 7},
        .lowest = {.mos_x10 = 40, .reported_at = 1700000002},
        .highest = {.mos_x10 = 44, .reported_at = 1700000003},
        .progression_count = 2,
        .progression_interval_s = 10};
    ssrc.progression[0].mos_x10 = 42;
    ssrc.progression[1].mos_x10 = 43;
    return ssrc;
}

const struct relay_snapshot *fake_snapshot(uint32_t ssrcs)
{
    static struct relay_transport_state transports[2];
    static struct relay_stream_state streams[2];
    static struct relay_snapshot snapshot;
    for (uint32_t i = 0; i < 2; i++) {
        transports[i] = (struct relay_transport_state){.transport = (i + 1) * 10,
            .local = {address_from_ip(ADDRESS_IP4, "\xcb\x00\x71\x0a", 30000),
                address_from_ip(ADDRESS_IP4, "\xcb\x00\x71\x0a", 30001)},
            .remote = {address_from_ip(ADDRESS_IP4, "\xc6\x33\x64\x01", 999)},
            .confirmed = true,
            .dtls = i == 0 ? RELAY_DTLS_CONNECTED : RELAY_DTLS_NONE};
        streams[i] = (struct relay_stream_state){.stream = i + 1,
            .in = {{.packets = 100, .bytes = 16000, .errors = 1}, {.packets = 2, .bytes = 120}},
            .out = {{.packets = 90, .bytes = 15000}},
            .last_packet_us = {1700000002500000},
            .ssrc_in_count = ssrcs,
            .ssrc_out_count = ssrcs};
        for (uint32_t n = 0; n < ssrcs; n++)
            streams[i].ssrc_in[n] = streams[i].ssrc_out[n] = fake_ssrc(4000000000u + i * 100 + n);
    }
    snapshot = (struct relay_snapshot){.found = true,
        .transport_count = 2,
        .transports = transports,
        .stream_count = 2,
        .streams = streams};
    return &snapshot;
}
