/* SPDX-License-Identifier: Apache-2.0 */
/* The text of /metrics (Prometheus, text format 0.0.4). */
#include "base/drops.h"
#include "daemon/turn_state.h"

static void put(
    struct str *out, const char *name, const char *type, const char *help, uint64_t value)
{
    bool is_counter = type[0] == 'c';
    const char *suffix = is_counter ? "_total" : "";
    str_addf(out, "# HELP mediaferry_%s%s %s\n# TYPE mediaferry_%s%s %s\nmediaferry_%s%s %llu\n",
        name, suffix, help, name, suffix, type, name, suffix, (unsigned long long)value);
}

static void put_turn(struct turn_service *s, struct str *out)
{
    struct turnserver_totals totals;
    turnserver_totals(s->server, &totals);
#define X(field, type, help) put(out, "turn_" #field, #type, help, totals.field);
    TURN_COUNTERS(X)
    TURNSERVER_COUNTERS(X)
#undef X
    put(out, "turn_relay_ports", "gauge", "ports for relayed addresses", totals.relay_ports);
    put(out, "turn_relay_ports_used", "gauge", "of these, in use", totals.relay_ports_used);
    put(out, "turn_reservations", "gauge", "ports kept by EVEN-PORT", totals.reservations);
}

/* X(field, type, help) of struct packet_io_counters */
#define PACKET_COUNTERS(X)                                                                         \
    X(received_packets, counter, "datagrams received by all workers")                              \
    X(received_bytes, counter, "their payload")                                                    \
    X(sent_packets, counter, "datagrams sent")                                                     \
    X(sent_bytes, counter, "their payload")                                                        \
    X(delivered_inside, counter, "of those sent, handed to a socket of this process")              \
    X(batches, counter, "batches that datagrams were received in")                                 \
    X(kernel_drops, counter, "datagrams the kernel dropped: a receive buffer was full")            \
    X(gather_waits, counter, "times a worker waited for packets to gather")                        \
    X(sockets, gauge, "UDP sockets open")

static void put_packets(const struct turn_service *s, struct str *out)
{
    struct packet_io_counters sum = {0};
    uint64_t drops[DROP_REASON_COUNT] = {0};
    for (size_t i = 0; i < s->worker_count; i++) {
        const struct packet_io_counters *c = worker_counters(s->workers[i]);
#define X(field, type, help) counter_add(&sum.field, counter_get(&c->field));
        PACKET_COUNTERS(X)
#undef X
        for (size_t reason = 0; reason < DROP_REASON_COUNT; reason++)
            drops[reason] += counter_get(&c->drops.by_reason[reason]);
    }
#define X(field, type, help) put(out, #field, #type, help, counter_get(&sum.field));
    PACKET_COUNTERS(X)
#undef X
    str_add_string(out, "# HELP mediaferry_dropped_packets_total packets dropped, by reason\n"
                        "# TYPE mediaferry_dropped_packets_total counter\n");
    for (size_t reason = DROP_NONE + 1; reason < DROP_REASON_COUNT; reason++)
        str_addf(out, "mediaferry_dropped_packets_total{reason=\"%s\"} %llu\n",
            drop_name((enum drop_reason)reason), (unsigned long long)drops[reason]);
}

static void put_redis(const struct turn_service *s, struct str *out)
{
    if (s->redis == NULL)
        return;
    const struct redis_counters *c = redis_turn_counters(s->redis);
    put(out, "redis_up", "gauge", "whether Redis answers", counter_get(&c->is_ready));
    put(out, "redis_commands", "counter", "commands sent", counter_get(&c->commands));
    put(out, "redis_errors", "counter", "commands answered by an error", counter_get(&c->errors));
    put(out, "redis_failures", "counter", "connections refused or lost", counter_get(&c->failures));
    put(out, "redis_refused", "counter", "commands not sent: away, or too many on their way",
        counter_get(&c->refused));
}

void turn_metrics(struct turn_service *s, struct str *out)
{
    put_turn(s, out);
    put_packets(s, out);
    put_redis(s, out);
}
