/* SPDX-License-Identifier: Apache-2.0 */
/* One look at the node: what /status tells. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/fleet_service.h"
#include "daemon/operation_state.h"
#include "relay/counters.h"

/* --- rates --- */

int operation_rates_open(struct operation *o)
{
    struct operation_rates *rates = &o->rates;
    rates->worker_count = sessions_worker_count(o->own.sessions);
    rates->workers = calloc(rates->worker_count + 1, sizeof(*rates->workers));
    return rates->workers != NULL ? 0 : -ENOMEM;
}

void operation_rates_close(struct operation *o)
{
    free(o->rates.workers);
}

/* What all workers have done. */
struct sums {
    uint64_t received, sent, received_bytes, sent_bytes, kernel_drops, dropped;
    uint64_t drops[DROP_REASON_COUNT];
};

static void add_up(const struct operation *o, struct sums *sums)
{
    *sums = (struct sums){0};
    for (size_t i = 0; i < o->rates.worker_count; i++) {
        const struct packet_io_counters *c = sessions_worker(o->own.sessions, i)->counters;
        sums->received += counter_get(&c->received_packets);
        sums->sent += counter_get(&c->sent_packets);
        sums->received_bytes += counter_get(&c->received_bytes);
        sums->sent_bytes += counter_get(&c->sent_bytes);
        sums->kernel_drops += counter_get(&c->kernel_drops);
        for (size_t reason = DROP_NONE + 1; reason < DROP_REASON_COUNT; reason++)
            sums->drops[reason] += counter_get(&c->drops.by_reason[reason]);
    }
    for (size_t reason = DROP_NONE + 1; reason < DROP_REASON_COUNT; reason++)
        sums->dropped += sums->drops[reason];
}

void operation_look_at_rates(struct operation *o)
{
    struct operation_rates *rates = &o->rates;
    uint64_t now_ms = uv_now(o->own.loop);
    struct sums sums;
    add_up(o, &sums);
    rate_look(&rates->received, sums.received, now_ms);
    rate_look(&rates->sent, sums.sent, now_ms);
    rate_look(&rates->received_bytes, sums.received_bytes, now_ms);
    rate_look(&rates->sent_bytes, sums.sent_bytes, now_ms);
    rate_look(&rates->dropped, sums.dropped, now_ms);
    for (size_t reason = DROP_NONE + 1; reason < DROP_REASON_COUNT; reason++)
        rate_look(&rates->drops[reason], sums.drops[reason], now_ms);
    for (size_t i = 0; i < rates->worker_count; i++) {
        const struct packet_io_counters *c = sessions_worker(o->own.sessions, i)->counters;
        rate_look(&rates->workers[i].received, counter_get(&c->received_packets), now_ms);
        rate_look(&rates->workers[i].sent, counter_get(&c->sent_packets), now_ms);
    }
}

/* --- the document --- */

static json_int_t whole(double number)
{
    return (json_int_t)(number + 0.5);
}

static json_t *calls_of(const struct operation *o)
{
    struct sessions_totals t = sessions_totals(o->own.sessions);
    int64_t limit = o->own.config->calls.max_sessions;
    json_t *calls = json_pack("{s:I, s:I, s:I}", "now", (json_int_t)t.current, "begun",
        (json_int_t)t.managed, "refused", (json_int_t)t.refused);
    if (limit >= 0)
        json_object_set_new(calls, "limit", json_integer(limit));
    json_object_set_new(calls, "ended",
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "deleted", (json_int_t)t.terminated,
            "timeout", (json_int_t)t.timed_out, "silent_timeout", (json_int_t)t.silent_timed_out,
            "offer_timeout", (json_int_t)t.offer_timed_out, "final_timeout",
            (json_int_t)t.final_timed_out, "forced", (json_int_t)t.forced, "lost",
            (json_int_t)t.dropped));
    return calls;
}

static json_t *media_of(const struct operation *o)
{
    struct sessions_media m = sessions_media(o->own.sessions);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "streams", (json_int_t)m.streams,
        "transports", (json_int_t)m.transports, "relayed_packets", (json_int_t)m.relayed_packets,
        "relayed_bytes", (json_int_t)m.relayed_bytes, "dtls_connected",
        (json_int_t)m.dtls_connected, "dtls_failed", (json_int_t)m.dtls_failed,
        "ice_checks_answered", (json_int_t)m.ice_answered, "ice_checks_refused",
        (json_int_t)m.ice_refused);
}

static json_t *packets_of(const struct operation *o, const struct sums *sums)
{
    const struct operation_rates *r = &o->rates;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "received",
        (json_int_t)sums->received, "sent", (json_int_t)sums->sent, "dropped",
        (json_int_t)sums->dropped, "kernel_drops", (json_int_t)sums->kernel_drops,
        "received_per_second", whole(rate_per_second(&r->received)), "sent_per_second",
        whole(rate_per_second(&r->sent)), "dropped_per_second", whole(rate_per_second(&r->dropped)),
        "received_bits_per_second", whole(8 * rate_per_second(&r->received_bytes)),
        "sent_bits_per_second", whole(8 * rate_per_second(&r->sent_bytes)));
}

struct drop_row {
    enum drop_reason reason;
    uint64_t packets;
    double per_second;
};

/* What goes on now comes first. */
static int by_weight(const void *a, const void *b)
{
    const struct drop_row *one = a, *other = b;
    if (whole(one->per_second) != whole(other->per_second))
        return one->per_second < other->per_second ? 1 : -1;
    return (one->packets < other->packets) - (one->packets > other->packets);
}

static json_t *drops_of(const struct operation *o, const struct sums *sums)
{
    struct drop_row rows[DROP_REASON_COUNT];
    size_t count = 0;
    for (size_t reason = DROP_NONE + 1; reason < DROP_REASON_COUNT; reason++)
        if (sums->drops[reason] > 0)
            rows[count++] = (struct drop_row){.reason = (enum drop_reason)reason,
                .packets = sums->drops[reason],
                .per_second = rate_per_second(&o->rates.drops[reason])};
    qsort(rows, count, sizeof(rows[0]), by_weight);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:I, s:I}", "reason", drop_name(rows[i].reason), "text",
                      drop_text(rows[i].reason), "packets", (json_int_t)rows[i].packets,
                      "per_second", whole(rows[i].per_second)));
    return list;
}

static json_int_t read_counter(const struct counter *counter)
{
    return (json_int_t)counter_get(counter);
}

static json_t *workers_of(const struct operation *o)
{
    json_t *list = json_array();
    for (size_t i = 0; i < o->rates.worker_count; i++) {
        const struct session_worker *worker = sessions_worker(o->own.sessions, i);
        const struct relay_counters *relay = relay_counters(worker->relay);
        const struct worker_rates *rates = &o->rates.workers[i];
        json_t *row = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "worker", (json_int_t)i, "calls",
            read_counter(&relay->calls), "streams", read_counter(&relay->streams), "sockets",
            read_counter(&worker->counters->sockets), "received_per_second",
            whole(rate_per_second(&rates->received)), "sent_per_second",
            whole(rate_per_second(&rates->sent)));
        if (worker->webrtc_port != 0)
            json_object_set_new(row, "webrtc_port", json_integer(worker->webrtc_port));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *ports_of(const struct operation *o)
{
    const struct interfaces *interfaces = sessions_interfaces(o->own.sessions);
    json_t *list = json_array();
    for (size_t i = 0; i < interfaces->count; i++)
        for (size_t n = 0; n < interfaces->list[i].count; n++) {
            const struct local_address *local = &interfaces->list[i].addresses[n];
            struct port_pool_usage usage = sessions_ports(o->own.sessions, local->bind_index);
            char ip[ADDRESS_TEXT_SIZE];
            json_array_append_new(
                list, json_pack("{s:o, s:s, s:I, s:I, s:I}", "interface",
                          operation_text(text_from(interfaces->list[i].name)), "address",
                          address_ip_text(&local->bind, ip), "total", (json_int_t)usage.total,
                          "used", (json_int_t)usage.used, "skipped", (json_int_t)usage.skipped));
        }
    return list;
}

static json_t *turn_of(const struct operation *o)
{
    struct turnserver_totals t;
    turn_service_totals(o->own.turn, &t);
    return json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "on",
        o->own.config->turn_is_on, "draining", turn_service_is_draining(o->own.turn), "allocations",
        (json_int_t)t.allocations, "allocations_made", (json_int_t)t.allocations_made,
        "auth_failures", (json_int_t)t.auth_failures, "refused",
        (json_int_t)(t.quota_refused + t.capacity_refused), "connections",
        (json_int_t)t.connections, "ports", (json_int_t)t.relay_ports, "ports_used",
        (json_int_t)t.relay_ports_used);
}

static json_t *ng_of(const struct operation *o)
{
    uint64_t requests = 0;
    for (size_t i = 0; i < NG_VERBS; i++)
        requests += counter_get(&o->own.ng->verbs[i].requests);
    return json_pack("{s:I, s:I, s:I, s:I}", "requests", (json_int_t)requests, "errors",
        read_counter(&o->own.ng->errors), "proxies", read_counter(&o->own.ng->proxy_count),
        "duplicates", read_counter(&o->own.ng->duplicates));
}

void operation_status(void *owner, uint64_t request)
{
    struct operation *o = owner;
    int64_t started_s = sessions_totals(o->own.sessions).started_us / 1000000;
    struct sums sums;
    add_up(o, &sums);
    json_t *document = json_pack(
        "{s:s, s:i, s:I, s:I, s:s, s:b, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "version", MEDIAFERRY_VERSION, "pid", (int)getpid(), "started", (json_int_t)started_s,
        "uptime", (json_int_t)(time(NULL) - started_s), "state", operation_drain_word(o),
        "draining", drain_refuses_work(&o->drain), "packet_io", o->own.packets->name, "srtp_engine",
        o->srtp_engine, "calls", calls_of(o), "media", media_of(o), "packets", packets_of(o, &sums),
        "drops", drops_of(o, &sums), "workers", workers_of(o), "ports", ports_of(o), "turn",
        turn_of(o), "ng", ng_of(o));
    json_t *fleet = fleet_service_status(o->own.fleet);
    if (fleet != NULL)
        json_object_set_new(document, "fleet", fleet);
    operation_answer(o, request, document);
}
