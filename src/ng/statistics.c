/* SPDX-License-Identifier: Apache-2.0 */
/* statistics: the part of the tree (ng-protocol 4.4) that is counted here. */
#include "ng/commands.h"
#include "session/session.h"

#include <stdio.h>

/* `offercount`, `totalofferduration`, ...: names made of a verb's short name. */
static void put_named(struct ng_arena *arena, struct ng_value *dict, const char *prefix,
    enum ng_verb verb, const char *suffix, int64_t number)
{
    char name[64];
    int len = snprintf(name, sizeof(name), "%s%s%s", prefix, ng_verb_short_name(verb), suffix);
    ng_put_int(arena, dict, text_of(name, (size_t)len), number);
}

static void put_sessions(
    struct ng_arena *arena, struct ng_value *tree, const struct sessions_totals *totals)
{
    struct ng_value *current = ng_put_dict(arena, tree, TEXT("currentstatistics"));
    ng_put_int(arena, current, TEXT("sessionsown"), (int64_t)totals->current);
    ng_put_int(arena, current, TEXT("sessionsforeign"), 0);
    ng_put_int(arena, current, TEXT("sessionstotal"), (int64_t)totals->current);
    ng_put_int(arena, current, TEXT("transcodedmedia"), 0);
}

static void put_totals(struct ng_arena *arena, struct ng_value *tree,
    const struct sessions_totals *totals, int64_t now_us)
{
    const struct {
        const char *name;
        uint64_t number;
    } rows[] = {
        {"managedsessions", totals->managed},
        {"rejectedsessions", totals->refused},
        {"timeoutsessions", totals->timed_out},
        {"silenttimeoutsessions", totals->silent_timed_out},
        {"finaltimeoutsessions", totals->final_timed_out},
        {"offertimeoutsessions", totals->offer_timed_out},
        {"regularterminatedsessions", totals->terminated},
    };
    struct ng_value *total = ng_put_dict(arena, tree, TEXT("totalstatistics"));
    ng_put_int(arena, total, TEXT("uptime"), (now_us - totals->started_us) / 1000000);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        ng_put_int(arena, total, text_from(rows[i].name), (int64_t)rows[i].number);
}

static void put_proxy(
    struct ng_arena *arena, struct ng_value *list, const struct ng_proxy_counters *proxy)
{
    struct ng_value *row = ng_add_dict(arena, list);
    char ip[ADDRESS_TEXT_SIZE];
    ng_put_string(arena, row, TEXT("proxy"), text_from(address_ip_text(&proxy->ip, ip)));
    for (size_t i = 0; i < NG_VERBS; i++) {
        const struct ng_verb_counters *counters = &proxy->verbs[i];
        enum ng_verb verb = (enum ng_verb)i;
        char name[64];
        int len = snprintf(name, sizeof(name), "%sduration", ng_verb_short_name(verb));
        put_named(arena, row, "", verb, "count", (int64_t)counter_get(&counters->requests));
        ng_put_stringf(arena, row, text_of(name, (size_t)len), "%.6f",
            (double)counter_get(&counters->microseconds) / 1e6);
    }
    ng_put_int(arena, row, TEXT("errorcount"), (int64_t)counter_get(&proxy->errors));
}

static void put_control(
    struct ng_arena *arena, struct ng_value *tree, const struct ng_counters *counters)
{
    struct ng_value *control = ng_put_dict(arena, tree, TEXT("controlstatistics"));
    struct ng_value *proxies = ng_put_list(arena, control, TEXT("proxies"));
    for (size_t i = 0; i < counter_get(&counters->proxy_count); i++)
        put_proxy(arena, proxies, &counters->proxies[i]);
    for (size_t i = 0; i < NG_VERBS; i++)
        put_named(arena, control, "total", (enum ng_verb)i, "count",
            (int64_t)counter_get(&counters->verbs[i].requests));
}

void ng_run_statistics(struct ng_request *request)
{
    struct ng_arena *arena = &request->arena;
    struct sessions_totals totals = sessions_totals(ng_sessions(request));
    struct ng_value *tree = ng_put_dict(arena, request->out, TEXT("statistics"));
    put_sessions(arena, tree, &totals);
    put_totals(arena, tree, &totals, ng_wall_us(request));
    put_control(arena, tree, ng_counters(request));
    ng_finish(request, "ok");
}
