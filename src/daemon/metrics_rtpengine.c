/* SPDX-License-Identifier: Apache-2.0 */
/* Names and labels of rtpengine, where the meaning is the same. All media passes through the
 * process, so `type` is "userspace"; there are no foreign calls. */
#include <time.h>

#include "daemon/metrics_sources.h"

static void put_by_type(struct str *out, enum metric_kind kind, const char *name, const char *help,
    const char *type, uint64_t value)
{
    struct metric m = metric_begin(out, kind, name, help);
    metric_add(&m, value, 1, (struct metric_label[]){{"type", text_from(type)}});
}

static void put_sessions(const struct sessions_totals *totals, struct str *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    put_by_type(out, METRIC_GAUGE, "rtpengine_sessions", "calls now", "own", totals->current);
    metric_put(out, METRIC_GAUGE, "rtpengine_uptime_seconds", "since the start of the process",
        (uint64_t)(now.tv_sec - totals->started_us / 1000000));
    metric_put(out, METRIC_COUNTER, "rtpengine_sessions", "calls begun", totals->managed);
}

static void put_closed(const struct sessions_totals *totals, struct str *out)
{
    const struct {
        const char *reason;
        uint64_t count;
    } rows[] = {
        {"rejected", totals->refused},
        {"timeout", totals->timed_out},
        {"silent_timeout", totals->silent_timed_out},
        {"final_timeout", totals->final_timed_out},
        {"offer_timeout", totals->offer_timed_out},
        {"terminated", totals->terminated},
        {"force_terminated", totals->forced},
    };
    struct metric m =
        metric_begin(out, METRIC_COUNTER, "rtpengine_closed_sessions", "calls ended, by reason");
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        metric_add(
            &m, rows[i].count, 1, (struct metric_label[]){{"reason", text_from(rows[i].reason)}});
}

static void put_media(const struct sessions_media *media, struct str *out)
{
    uint64_t drops = 0;
    for (size_t i = 0; i < DROP_REASON_COUNT; i++)
        drops += media->drops[i];
    put_by_type(
        out, METRIC_GAUGE, "rtpengine_mediastreams", "streams now", "userspace", media->streams);
    put_by_type(out, METRIC_COUNTER, "rtpengine_packets", "packets relayed", "userspace",
        media->relayed_packets);
    put_by_type(
        out, METRIC_COUNTER, "rtpengine_packet_errors", "packets dropped", "userspace", drops);
    put_by_type(
        out, METRIC_COUNTER, "rtpengine_bytes", "bytes relayed", "userspace", media->relayed_bytes);
}

static void each_request(const struct ng_counters *ng, const struct metric *m,
    void (*put)(const struct metric *m, const struct ng_verb_counters *counters,
        const struct metric_label labels[2]))
{
    for (size_t i = 0; i < counter_get(&ng->proxy_count); i++)
        for (size_t verb = 0; verb < NG_VERBS; verb++) {
            const struct ng_proxy_counters *proxy = &ng->proxies[i];
            char ip[ADDRESS_TEXT_SIZE];
            put(m, &proxy->verbs[verb],
                (struct metric_label[]){{"proxy", text_from(address_ip_text(&proxy->ip, ip))},
                    {"request", text_from(ng_verb_short_name((enum ng_verb)verb))}});
        }
}

static void put_count(const struct metric *m, const struct ng_verb_counters *counters,
    const struct metric_label labels[2])
{
    metric_add(m, counter_get(&counters->requests), 2, labels);
}

static void put_time(const struct metric *m, const struct ng_verb_counters *counters,
    const struct metric_label labels[2])
{
    metric_add_real(m, (double)counter_get(&counters->microseconds) / 1e6, 2, labels);
}

/* None of them before the first proxy has asked: a metric has a sample. */
static void put_requests(const struct ng_counters *ng, struct str *out)
{
    if (counter_get(&ng->proxy_count) == 0)
        return;
    struct metric requests = metric_begin(
        out, METRIC_COUNTER, "rtpengine_requests", "commands, by proxy (the first 32) and name");
    each_request(ng, &requests, put_count);
    struct metric time = metric_begin(
        out, METRIC_COUNTER, "rtpengine_request_seconds", "time that they took, summed up");
    each_request(ng, &time, put_time);
    struct metric errors =
        metric_begin(out, METRIC_COUNTER, "rtpengine_errors", "errors, by proxy");
    for (size_t i = 0; i < counter_get(&ng->proxy_count); i++) {
        char ip[ADDRESS_TEXT_SIZE];
        metric_add(&errors, counter_get(&ng->proxies[i].errors), 1,
            (struct metric_label[]){{"proxy", text_from(address_ip_text(&ng->proxies[i].ip, ip))}});
    }
}

static void put_ports(const struct sessions *sessions, enum metrics_ports which, const char *name,
    const char *help, struct str *out)
{
    struct metric m = metric_begin(out, METRIC_GAUGE, name, help);
    metrics_each_port_range(sessions, which, "name", &m);
}

void metrics_rtpengine(const struct metrics_sources *from, struct str *out)
{
    struct sessions_totals totals = sessions_totals(from->sessions);
    struct sessions_media media = sessions_media(from->sessions);
    put_sessions(&totals, out);
    put_closed(&totals, out);
    put_media(&media, out);
    put_requests(from->ng, out);
    put_ports(from->sessions, METRICS_PORTS, "rtpengine_ports", "ports for media", out);
    put_ports(from->sessions, METRICS_PORTS_USED, "rtpengine_ports_used", "of these, in use", out);
    put_ports(from->sessions, METRICS_PORTS_FREE, "rtpengine_ports_free", "of these, free", out);
}
