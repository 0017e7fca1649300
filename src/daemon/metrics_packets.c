/* SPDX-License-Identifier: Apache-2.0 */
/* Packets, of calls and of TURN: all workers together, and each. */
#include <stdio.h>

#include "base/drops.h"
#include "daemon/metrics_sources.h"
#include "relay/counters.h"

/* X(field, kind, help) of struct packet_io_counters */
#define PACKET_COUNTERS(X)                                                                         \
    X(received_packets, METRIC_COUNTER, "datagrams received by all workers")                       \
    X(received_bytes, METRIC_COUNTER, "their payload")                                             \
    X(sent_packets, METRIC_COUNTER, "datagrams sent")                                              \
    X(sent_bytes, METRIC_COUNTER, "their payload")                                                 \
    X(delivered_inside, METRIC_COUNTER, "of those sent, handed to a socket of this process")       \
    X(batches, METRIC_COUNTER, "batches that datagrams were received in")                          \
    X(kernel_drops, METRIC_COUNTER, "datagrams the kernel dropped: a receive buffer was full")     \
    X(gather_waits, METRIC_COUNTER, "times a worker waited for packets to gather")                 \
    X(sockets, METRIC_GAUGE, "UDP sockets open")

static void put_sums(const struct sessions *sessions, struct str *out)
{
    struct packet_io_counters sum = {0};
    uint64_t drops[DROP_REASON_COUNT] = {0};
    for (size_t i = 0; i < sessions_worker_count(sessions); i++) {
        const struct packet_io_counters *c = sessions_worker(sessions, i)->counters;
#define X(field, kind, help) counter_add(&sum.field, counter_get(&c->field));
        PACKET_COUNTERS(X)
#undef X
        for (size_t reason = 0; reason < DROP_REASON_COUNT; reason++)
            drops[reason] += counter_get(&c->drops.by_reason[reason]);
    }
#define X(field, kind, help)                                                                       \
    metric_put(out, kind, "mediaferry_" #field, help, counter_get(&sum.field));
    PACKET_COUNTERS(X)
#undef X
    struct metric m = metric_begin(
        out, METRIC_COUNTER, "mediaferry_dropped_packets", "packets dropped, by reason");
    for (size_t reason = DROP_NONE + 1; reason < DROP_REASON_COUNT; reason++)
        metric_add(&m, drops[reason], 1,
            (struct metric_label[]){{"reason", text_from(drop_name((enum drop_reason)reason))}});
}

static uint64_t received(const struct session_worker *worker)
{
    return counter_get(&worker->counters->received_packets);
}

static uint64_t sent(const struct session_worker *worker)
{
    return counter_get(&worker->counters->sent_packets);
}

static uint64_t calls(const struct session_worker *worker)
{
    return counter_get(&relay_counters(worker->relay)->calls);
}

static uint64_t streams(const struct session_worker *worker)
{
    return counter_get(&relay_counters(worker->relay)->streams);
}

/* Which of them is loaded: calls stay where they began. */
static void put_workers(const struct sessions *sessions, struct str *out)
{
    static const struct {
        enum metric_kind kind;
        const char *name, *help;
        uint64_t (*get)(const struct session_worker *worker);
    } rows[] = {
        {METRIC_GAUGE, "mediaferry_worker_calls", "calls of each worker", calls},
        {METRIC_GAUGE, "mediaferry_worker_streams", "streams of each worker", streams},
        {METRIC_COUNTER, "mediaferry_worker_received_packets", "datagrams received by each worker",
            received},
        {METRIC_COUNTER, "mediaferry_worker_sent_packets", "datagrams sent by each worker", sent},
    };
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        struct metric m = metric_begin(out, rows[row].kind, rows[row].name, rows[row].help);
        for (size_t i = 0; i < sessions_worker_count(sessions); i++) {
            char index[24];
            snprintf(index, sizeof(index), "%zu", i);
            metric_add(&m, rows[row].get(sessions_worker(sessions, i)), 1,
                (struct metric_label[]){{"worker", text_from(index)}});
        }
    }
}

void metrics_packets(const struct metrics_sources *from, struct str *out)
{
    put_sums(from->sessions, out);
    put_workers(from->sessions, out);
}
