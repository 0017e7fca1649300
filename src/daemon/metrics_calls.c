/* SPDX-License-Identifier: Apache-2.0 */
/* Calls, their media and their ports. */
#include "daemon/metrics_sources.h"
#include "relay/counters.h"

static void put_ended(const struct sessions_totals *totals, struct str *out)
{
    const struct {
        const char *reason;
        uint64_t count;
    } rows[] = {
        {"deleted", totals->terminated},
        {"timeout", totals->timed_out},
        {"silent_timeout", totals->silent_timed_out},
        {"offer_timeout", totals->offer_timed_out},
        {"final_timeout", totals->final_timed_out},
        {"forced", totals->forced},
        {"lost", totals->dropped},
    };
    struct metric m =
        metric_begin(out, METRIC_COUNTER, "mediaferry_calls_ended", "calls ended, by reason");
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        metric_add(
            &m, rows[i].count, 1, (struct metric_label[]){{"reason", text_from(rows[i].reason)}});
}

static void put_media(const struct sessions_media *media, struct str *out)
{
    metric_put(out, METRIC_GAUGE, "mediaferry_streams", "streams now", media->streams);
    metric_put(
        out, METRIC_GAUGE, "mediaferry_transports", "transports of calls now", media->transports);
    metric_put(out, METRIC_COUNTER, "mediaferry_relayed_packets",
        "packets of calls handed on to a party", media->relayed_packets);
    metric_put(out, METRIC_COUNTER, "mediaferry_relayed_bytes", "their payload as it left",
        media->relayed_bytes);
    metric_put(out, METRIC_COUNTER, "mediaferry_dtls_connected", "DTLS handshakes that succeeded",
        media->dtls_connected);
    metric_put(out, METRIC_COUNTER, "mediaferry_dtls_failed", "DTLS handshakes that failed",
        media->dtls_failed);
    metric_put(out, METRIC_COUNTER, "mediaferry_ice_checks_answered", "ICE checks answered",
        media->ice_answered);
    metric_put(out, METRIC_COUNTER, "mediaferry_ice_checks_refused",
        "ICE checks without the right credentials", media->ice_refused);
    metric_put(out, METRIC_COUNTER, "mediaferry_stun_answered",
        "STUN requests without ICE, answered on the WebRTC ports", media->stun_answered);
}

void metrics_each_port_range(const struct sessions *sessions, enum metrics_ports which,
    const char *name_label, const struct metric *m)
{
    const struct interfaces *interfaces = sessions_interfaces(sessions);
    for (size_t i = 0; i < interfaces->count; i++)
        for (size_t n = 0; n < interfaces->list[i].count; n++) {
            const struct local_address *local = &interfaces->list[i].addresses[n];
            struct port_pool_usage usage = sessions_ports(sessions, local->bind_index);
            const uint64_t values[] = {
                [METRICS_PORTS] = usage.total,
                [METRICS_PORTS_USED] = usage.used,
                [METRICS_PORTS_FREE] = usage.total - usage.used,
                [METRICS_PORTS_SKIPPED] = usage.skipped,
            };
            char ip[ADDRESS_TEXT_SIZE];
            metric_add(m, values[which], 2,
                (struct metric_label[]){{name_label, text_from(interfaces->list[i].name)},
                    {"address", text_from(address_ip_text(&local->bind, ip))}});
        }
}

static void put_ports(const struct sessions *sessions, struct str *out)
{
    static const char name[] = "interface";
    struct metric total = metric_begin(
        out, METRIC_GAUGE, "mediaferry_ports", "ports for media of plain RTP and SDES legs");
    metrics_each_port_range(sessions, METRICS_PORTS, name, &total);
    struct metric used =
        metric_begin(out, METRIC_GAUGE, "mediaferry_ports_used", "of these, in use");
    metrics_each_port_range(sessions, METRICS_PORTS_USED, name, &used);
    struct metric skipped = metric_begin(
        out, METRIC_COUNTER, "mediaferry_ports_skipped", "ports found taken by another program");
    metrics_each_port_range(sessions, METRICS_PORTS_SKIPPED, name, &skipped);
}

void metrics_calls(const struct metrics_sources *from, struct str *out)
{
    struct sessions_totals totals = sessions_totals(from->sessions);
    struct sessions_media media = sessions_media(from->sessions);
    metric_put(out, METRIC_GAUGE, "mediaferry_calls",
        "calls now, deleted ones within their delay included", totals.current);
    metric_put(out, METRIC_COUNTER, "mediaferry_calls_begun", "calls begun", totals.managed);
    metric_put(out, METRIC_COUNTER, "mediaferry_calls_refused",
        "new calls refused: max-sessions, or draining", totals.refused);
    put_ended(&totals, out);
    put_media(&media, out);
    put_ports(from->sessions, out);
}
