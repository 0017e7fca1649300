/* SPDX-License-Identifier: Apache-2.0 */
/* statistics: of rtpengine's tree what is counted here, and `mediaferry` for what it has no place
 * for. */
#include "ng/commands.h"
#include "session/session.h"

#include <stdio.h>

struct row {
    const char *name;
    uint64_t number;
};

static void put_rows(
    struct ng_arena *arena, struct ng_value *dict, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ng_put_int(arena, dict, text_from(rows[i].name), (int64_t)rows[i].number);
}

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

static uint64_t all_drops(const struct sessions_media *media)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < DROP_REASON_COUNT; i++)
        sum += media->drops[i];
    return sum;
}

/* There is no kernel module, so all is relayed by the user's process. */
static void put_totals(struct ng_arena *arena, struct ng_value *tree,
    const struct sessions_totals *totals, const struct sessions_media *media, int64_t now_us)
{
    uint64_t drops = all_drops(media);
    const struct row rows[] = {
        {"managedsessions", totals->managed},
        {"rejectedsessions", totals->refused},
        {"timeoutsessions", totals->timed_out},
        {"silenttimeoutsessions", totals->silent_timed_out},
        {"finaltimeoutsessions", totals->final_timed_out},
        {"offertimeoutsessions", totals->offer_timed_out},
        {"regularterminatedsessions", totals->terminated},
        {"forcedterminatedsessions", totals->forced},
        {"relayedpackets_user", media->relayed_packets},
        {"relayedpacketerrors_user", drops},
        {"relayedbytes_user", media->relayed_bytes},
        {"relayedpackets_kernel", 0},
        {"relayedpacketerrors_kernel", 0},
        {"relayedbytes_kernel", 0},
        {"relayedpackets", media->relayed_packets},
        {"relayedpacketerrors", drops},
        {"relayedbytes", media->relayed_bytes},
    };
    struct ng_value *total = ng_put_dict(arena, tree, TEXT("totalstatistics"));
    ng_put_int(arena, total, TEXT("uptime"), (now_us - totals->started_us) / 1000000);
    put_rows(arena, total, rows, COUNT_OF(rows));
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

/* --- interfaces --- */

static void put_ports(struct ng_arena *arena, struct ng_value *out,
    const struct ng_server_config *config, size_t bind)
{
    struct port_pool_usage usage = sessions_ports(config->sessions, bind);
    const struct row rows[] = {
        {"min", config->port_min},
        {"max", config->port_max},
        {"used", usage.used},
        {"free", usage.total - usage.used},
        {"totals", usage.total},
        {"skipped", usage.skipped},
    };
    struct ng_value *ports = ng_put_dict(arena, out, TEXT("ports"));
    put_rows(arena, ports, rows, COUNT_OF(rows));
    ng_put_stringf(arena, ports, TEXT("used_pct"), "%.2f",
        usage.total > 0 ? 100.0 * usage.used / usage.total : 0.0);
}

static void put_interfaces(
    struct ng_arena *arena, struct ng_value *tree, const struct ng_server_config *config)
{
    const struct interfaces *interfaces = sessions_interfaces(config->sessions);
    struct ng_value *list = ng_put_list(arena, tree, TEXT("interfaces"));
    for (size_t i = 0; i < interfaces->count; i++) {
        const struct interface *interface = &interfaces->list[i];
        for (size_t n = 0; n < interface->count; n++) {
            const struct local_address *address = &interface->addresses[n];
            struct ng_value *out = ng_add_dict(arena, list);
            char ip[ADDRESS_TEXT_SIZE];
            ng_put_string(arena, out, TEXT("name"), text_from(interface->name));
            ng_put_string(
                arena, out, TEXT("address"), text_from(address_ip_text(&address->bind, ip)));
            put_ports(arena, out, config, address->bind_index);
        }
    }
}

/* --- what rtpengine's tree has no place for --- */

static void put_own(struct ng_arena *arena, struct ng_value *tree,
    const struct sessions_media *media, const struct ng_counters *ng)
{
    const struct row relay[] = {
        {"streams", media->streams},
        {"transports", media->transports},
        {"dtls_connected", media->dtls_connected},
        {"dtls_failed", media->dtls_failed},
        {"ice_answered", media->ice_answered},
        {"ice_refused", media->ice_refused},
        {"stun_answered", media->stun_answered},
    };
    const struct row control[] = {
        {"duplicates", counter_get(&ng->duplicates)},
        {"malformed", counter_get(&ng->malformed)},
        {"refused", counter_get(&ng->refused)},
        {"truncated", counter_get(&ng->truncated)},
    };
    struct ng_value *own = ng_put_dict(arena, tree, TEXT("mediaferry"));
    put_rows(arena, own, relay, COUNT_OF(relay));
    put_rows(arena, ng_put_dict(arena, own, TEXT("ng")), control, COUNT_OF(control));

    struct ng_value *drops = ng_put_dict(arena, own, TEXT("drops"));
    for (size_t i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++)
        ng_put_int(
            arena, drops, text_from(drop_name((enum drop_reason)i)), (int64_t)media->drops[i]);
}

void ng_run_statistics(struct ng_request *request)
{
    struct ng_arena *arena = &request->arena;
    const struct sessions *sessions = ng_sessions(request);
    struct sessions_totals totals = sessions_totals(sessions);
    struct sessions_media media = sessions_media(sessions);
    struct ng_value *tree = ng_put_dict(arena, request->out, TEXT("statistics"));
    put_sessions(arena, tree, &totals);
    put_totals(arena, tree, &totals, &media, ng_wall_us(request));
    put_control(arena, tree, ng_counters(request));
    put_interfaces(arena, tree, ng_config(request));
    put_own(arena, tree, &media, ng_counters(request));
    ng_finish(request, "ok");
}
