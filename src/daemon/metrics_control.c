/* SPDX-License-Identifier: Apache-2.0 */
/* Who steers: the SIP proxies over ng, and operators over HTTP. */
#include "daemon/metrics_sources.h"

static struct metric_label command_label(enum ng_verb verb)
{
    return (struct metric_label){"command", text_from(ng_verb_short_name(verb))};
}

static void put_commands(const struct ng_counters *ng, struct str *out)
{
    struct metric requests =
        metric_begin(out, METRIC_COUNTER, "mediaferry_ng_requests", "commands carried out");
    for (size_t i = 0; i < NG_VERBS; i++)
        metric_add(&requests, counter_get(&ng->verbs[i].requests), 1,
            (struct metric_label[]){command_label((enum ng_verb)i)});
    struct metric errors =
        metric_begin(out, METRIC_COUNTER, "mediaferry_ng_errors", "of these, answered by an error");
    for (size_t i = 0; i < NG_VERBS; i++)
        metric_add(&errors, counter_get(&ng->verbs[i].errors), 1,
            (struct metric_label[]){command_label((enum ng_verb)i)});
    struct metric time = metric_begin(
        out, METRIC_COUNTER, "mediaferry_ng_seconds", "time from command to reply, summed up");
    for (size_t i = 0; i < NG_VERBS; i++)
        metric_add_real(&time, (double)counter_get(&ng->verbs[i].microseconds) / 1e6, 1,
            (struct metric_label[]){command_label((enum ng_verb)i)});
}

static void put_rest(const struct ng_counters *ng, struct str *out)
{
    metric_put(out, METRIC_COUNTER, "mediaferry_ng_duplicates", "commands that came again",
        counter_get(&ng->duplicates));
    metric_put(out, METRIC_COUNTER, "mediaferry_ng_malformed", "datagrams without a cookie",
        counter_get(&ng->malformed));
    metric_put(out, METRIC_COUNTER, "mediaferry_ng_refused",
        "commands not answered: no memory, or too many at once", counter_get(&ng->refused));
    metric_put(out, METRIC_COUNTER, "mediaferry_ng_truncated",
        "replies that lost parts to fit into a datagram", counter_get(&ng->truncated));
}

/* Commands about calls of other nodes. */
static void put_elsewhere(const struct ng_elsewhere_counters *e, struct str *out)
{
    const struct {
        const char *place;
        const struct counter *counter;
    } found[] = {
        {"here", &e->found_here},
        {"node", &e->found_there},
        {"stranded", &e->found_stranded},
        {"nowhere", &e->found_nowhere},
    };
    const struct {
        const char *result;
        const struct counter *counter;
    } forwarded[] = {
        {"answered", &e->forward_answered},
        {"unknown", &e->forward_unknown},
        {"timeout", &e->forward_timeouts},
        {"failed", &e->forward_failed},
        {"refused", &e->refused},
    };
    struct metric m = metric_begin(out, METRIC_COUNTER, "mediaferry_ng_calls_found",
        "commands about calls that are not here, by where the call was");
    for (size_t i = 0; i < COUNT_OF(found); i++)
        metric_add(&m, counter_get(found[i].counter), 1,
            (struct metric_label[]){{"place", text_from(found[i].place)}});
    m = metric_begin(out, METRIC_COUNTER, "mediaferry_ng_forwarded",
        "commands forwarded to other nodes, by what came of it");
    for (size_t i = 0; i < COUNT_OF(forwarded); i++)
        metric_add(&m, counter_get(forwarded[i].counter), 1,
            (struct metric_label[]){{"result", text_from(forwarded[i].result)}});
    metric_put(out, METRIC_COUNTER, "mediaferry_ng_forwarded_here",
        "commands that other nodes have forwarded", counter_get(&e->received));
    metric_put(out, METRIC_GAUGE, "mediaferry_ng_held",
        "commands that wait for another node, or for Redis", counter_get(&e->held));
}

static void put_admin(const struct admin_counters *admin, struct str *out)
{
    const struct {
        const char *result;
        const struct counter *counter;
    } rows[] = {
        {"answered", &admin->answered},
        {"unauthorized", &admin->unauthorized},
        {"throttled", &admin->throttled},
        {"rejected", &admin->rejected},
        {"failed", &admin->failed},
    };
    struct metric m = metric_begin(
        out, METRIC_COUNTER, "mediaferry_admin_requests", "requests to the HTTP port, by result");
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        metric_add(&m, counter_get(rows[i].counter), 1,
            (struct metric_label[]){{"result", text_from(rows[i].result)}});
    metric_put(out, METRIC_GAUGE, "mediaferry_admin_connections", "connections to it now",
        counter_get(&admin->connections));
}

void metrics_control(const struct metrics_sources *from, struct str *out)
{
    put_commands(from->ng, out);
    put_rest(from->ng, out);
    put_elsewhere(&from->ng->elsewhere, out);
    put_admin(from->admin, out);
}
