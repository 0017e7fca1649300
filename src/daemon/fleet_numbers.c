/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet in numbers: /metrics and /status. */
#include "daemon/fleet_state.h"
#include "daemon/metrics.h"
#include "daemon/operation_state.h"

static void put_kinds(struct str *out, enum metric_kind kind, const char *name, const char *help,
    const uint64_t numbers[STORE_KINDS])
{
    struct metric m = metric_begin(out, kind, name, help);
    for (size_t i = 0; i < STORE_KINDS; i++) {
        struct text word = text_from(store_kind_word((enum store_kind)i));
        metric_add(&m, numbers[i], 1, (struct metric_label[]){{"kind", word}});
    }
}

static void put_items(const struct fleet_totals *t, struct str *out)
{
    put_kinds(out, METRIC_GAUGE, "mediaferry_fleet_items",
        "calls and allocations here that are kept in Redis, or are going to be", t->items);
    metric_put(out, METRIC_GAUGE, "mediaferry_fleet_items_waiting",
        "of these, changed and not written yet", t->dirty);
    metric_put(out, METRIC_COUNTER, "mediaferry_fleet_writes", "records written", t->written);
    metric_put(out, METRIC_COUNTER, "mediaferry_fleet_write_failures",
        "records that Redis has refused", t->write_failures);
    metric_put(out, METRIC_COUNTER, "mediaferry_fleet_removals", "records removed", t->removed);
}

static void put_moves(const struct fleet_totals *t, struct str *out)
{
    put_kinds(out, METRIC_COUNTER, "mediaferry_fleet_taken",
        "taken over from dead nodes, or from nobody", t->taken);
    metric_put(out, METRIC_COUNTER, "mediaferry_fleet_take_refused",
        "records that could not be gone on with", t->take_refused);
    metric_put(out, METRIC_GAUGE, "mediaferry_fleet_stranded",
        "records of dead nodes whose addresses are not here", t->stranded);
    metric_put(out, METRIC_COUNTER, "mediaferry_fleet_lost",
        "ended here because another node had them", t->lost);
    metric_put(out, METRIC_COUNTER, "mediaferry_fleet_released",
        "left to whoever has their addresses", t->released);
    metric_put(out, METRIC_GAUGE, "mediaferry_fleet_release_waiting", "left, and not written yet",
        t->release_waiting);
    metric_put(out, METRIC_COUNTER, "mediaferry_fleet_replaced",
        "new calls with the id of one that another node had", t->usurped);
}

static void put_nodes(const struct fleet_totals *t, struct str *out)
{
    struct metric m =
        metric_begin(out, METRIC_GAUGE, "mediaferry_fleet_nodes", "nodes that have registered");
    metric_add(&m, t->nodes_alive, 1, (struct metric_label[]){{"state", TEXT("alive")}});
    metric_add(&m, t->nodes_dead, 1, (struct metric_label[]){{"state", TEXT("dead")}});
    metric_put(out, METRIC_GAUGE, "mediaferry_fleet_joined",
        "1 while this node is registered and its lease holds", t->is_joined);
    metric_put(out, METRIC_GAUGE, "mediaferry_fleet_store_ready", "1 while Redis can be reached",
        t->store_is_ready);
    metric_put(
        out, METRIC_COUNTER, "mediaferry_fleet_finds", "calls looked for in Redis", t->finds);
    metric_put(out, METRIC_COUNTER, "mediaferry_fleet_finds_failed",
        "of these, without an answer in time", t->finds_failed);
}

static void put_redis(const struct fleet_service *s, struct str *out)
{
    if (s->redis == NULL)
        return;
    const struct redis_counters *c = redis_store_connections(s->redis);
    const struct redis_store_counters *n = redis_store_counters(s->redis);
    const struct {
        const char *name, *help;
        enum metric_kind kind;
        const struct counter *counter;
    } rows[] = {
        {"mediaferry_fleet_redis_connections", "connections to Redis that work", METRIC_GAUGE,
            &c->is_ready},
        {"mediaferry_fleet_redis_connects", "connections made", METRIC_COUNTER, &c->connects},
        {"mediaferry_fleet_redis_failures", "connections refused, lost or given up", METRIC_COUNTER,
            &c->failures},
        {"mediaferry_fleet_redis_commands", "commands sent", METRIC_COUNTER, &c->commands},
        {"mediaferry_fleet_redis_errors", "of these, answered by an error", METRIC_COUNTER,
            &c->errors},
        {"mediaferry_fleet_redis_timeouts", "connections given up because no answer came",
            METRIC_COUNTER, &c->timeouts},
        {"mediaferry_fleet_redis_refused", "requests not sent: away, or too many under way",
            METRIC_COUNTER, &n->refused},
        {"mediaferry_fleet_redis_redirected", "commands that a Cluster has sent elsewhere",
            METRIC_COUNTER, &c->redirected},
        {"mediaferry_fleet_redis_written_bytes", "bytes of records written", METRIC_COUNTER,
            &n->written},
        {"mediaferry_fleet_redis_read_bytes", "bytes of records read", METRIC_COUNTER, &n->read},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        metric_put(out, rows[i].kind, rows[i].name, rows[i].help, counter_get(rows[i].counter));
}

void fleet_service_metrics(const struct fleet_service *s, struct str *out)
{
    struct fleet_totals t;
    if (s == NULL)
        return;
    fleet_totals(s->fleet, &t);
    put_nodes(&t, out);
    put_items(&t, out);
    put_moves(&t, out);
    put_redis(s, out);
}

static void add_node(void *owner, const struct fleet_node_row *row)
{
    char ng[ADDRESS_TEXT_SIZE] = "";
    if (row->ng.family != ADDRESS_NONE)
        address_text(&row->ng, ng);
    json_array_append_new(
        owner, json_pack("{s:o, s:b, s:b, s:s, s:o, s:I}", "node", operation_text(row->name),
                   "alive", row->is_alive, "self", row->is_self, "ng", ng, "version",
                   operation_text(row->version), "records", (json_int_t)row->records));
}

json_t *fleet_service_status(const struct fleet_service *s)
{
    struct fleet_totals t;
    struct str where = {0};
    json_t *nodes;
    if (s == NULL || s->redis == NULL || (nodes = json_array()) == NULL)
        return NULL;
    redis_store_write_where(s->redis, &where);
    fleet_totals(s->fleet, &t);
    fleet_nodes(s->fleet, add_node, nodes);
    json_t *status = json_pack("{s:s, s:o, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "node",
        s->own.config->fleet.node_name, "store", operation_text(str_text(&where)), "joined",
        t.is_joined, "store_ready", t.store_is_ready, "waiting", (json_int_t)t.dirty, "written",
        (json_int_t)t.written, "write_failures", (json_int_t)t.write_failures, "taken",
        (json_int_t)(t.taken[STORE_CALL] + t.taken[STORE_ALLOCATION]), "lost", (json_int_t)t.lost,
        "stranded", (json_int_t)t.stranded, "nodes", nodes);
    str_done(&where);
    return status;
}
