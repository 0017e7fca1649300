/* SPDX-License-Identifier: Apache-2.0 */
/* The part of /metrics that is about TURN and its Redis. */
#include "daemon/metrics.h"
#include "daemon/turn_state.h"

static void put_turn(const struct turn_service *s, struct str *out)
{
    const enum metric_kind counter = METRIC_COUNTER, gauge = METRIC_GAUGE; /* their words */
    struct turnserver_totals totals;
    turnserver_totals(s->server, &totals);
#define X(field, type, help) metric_put(out, type, "mediaferry_turn_" #field, help, totals.field);
    TURN_COUNTERS(X)
    TURNSERVER_COUNTERS(X)
#undef X
    metric_put(out, METRIC_GAUGE, "mediaferry_turn_relay_ports", "ports for relayed addresses",
        totals.relay_ports);
    metric_put(out, METRIC_GAUGE, "mediaferry_turn_relay_ports_used", "of these, in use",
        totals.relay_ports_used);
    metric_put(out, METRIC_GAUGE, "mediaferry_turn_reservations", "ports kept by EVEN-PORT",
        totals.reservations);
}

/* Allocations that came from another process, or went to one. */
static void put_records(const struct turn_service *s, struct str *out)
{
    struct turnserver_records records = turnserver_records(s->server);
    metric_put(out, METRIC_COUNTER, "mediaferry_turn_records_saved",
        "allocations saved for another process", records.saved);
    metric_put(out, METRIC_COUNTER, "mediaferry_turn_records_lost",
        "allocations that could not be saved", records.lost);
    metric_put(out, METRIC_COUNTER, "mediaferry_turn_records_restored",
        "allocations taken over from another process", records.restored);
    struct metric m = metric_begin(out, METRIC_COUNTER, "mediaferry_turn_records_refused",
        "records of allocations not taken, by reason");
    for (size_t i = 0; i < TURNSERVER_REFUSAL_COUNT; i++) {
        const char *word = turnserver_refusal_word((enum turnserver_refusal)i);
        metric_add(&m, records.refused[i], 1, (struct metric_label[]){{"reason", text_from(word)}});
    }
}

static void put_redis(const struct turn_service *s, struct str *out)
{
    if (s->redis == NULL)
        return;
    const struct redis_counters *c = redis_turn_counters(s->redis);
    metric_put(out, METRIC_GAUGE, "mediaferry_redis_up", "whether Redis answers",
        counter_get(&c->is_ready));
    metric_put(out, METRIC_COUNTER, "mediaferry_redis_commands", "commands sent",
        counter_get(&c->commands));
    metric_put(out, METRIC_COUNTER, "mediaferry_redis_errors", "commands answered by an error",
        counter_get(&c->errors));
    metric_put(out, METRIC_COUNTER, "mediaferry_redis_failures", "connections refused or lost",
        counter_get(&c->failures));
    metric_put(out, METRIC_COUNTER, "mediaferry_redis_refused",
        "commands not sent: away, or too many on their way", counter_get(&c->refused));
}

void turn_service_metrics(const struct turn_service *s, struct str *out)
{
    put_turn(s, out);
    put_records(s, out);
    put_redis(s, out);
}
