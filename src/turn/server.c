/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/random.h"
#include "turn/allocation.h"
#include "turn/mobility.h"
#include "turn/permission.h"
#include "turn/tcp.h"

/* The wall clock may drift so far from the worker's until credentials are looked at again. */
enum { CLOCK_SLACK_S = 2 };

static struct turn_allocation *of_link(struct list *link)
{
    return CONTAINER_OF(link, struct turn_allocation, link);
}

struct turn_server *turn_server_new(const struct turn_config *config)
{
    struct turn_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return NULL;
    server->host = config->host;
    server->timers = config->timers;
    server->settings = turn_settings_ref(config->settings);
    server->binding_limit = config->binding_limit;
    server->unauthorized_limit = config->unauthorized_limit;
    server->former_tickets = config->former_tickets;
    server->worker = config->worker;
    server->max_allocations = config->max_allocations;
    random_bytes(server->id_seed, sizeof(server->id_seed));
    server->indications = random_u64();
    map_init(&server->routes);
    map_init(&server->by_id);
    map_init(&server->connections);
    list_init(&server->allocations);
    return server;
}

void turn_server_free(struct turn_server *server)
{
    if (server == NULL)
        return;
    list_for_each_safe (at, &server->allocations)
        allocation_end(of_link(at), TURN_END_STOPPED);
    map_done(&server->routes);
    map_done(&server->by_id);
    map_done(&server->connections);
    turn_settings_unref(server->settings);
    free(server);
}

/* --- time --- */

uint64_t turn_server_ms_of(const struct turn_server *server, int64_t unix_s)
{
    int64_t left_s = unix_s - server->unix_s;
    int64_t due_ms = (int64_t)server->unix_at_ms + left_s * 1000;
    return due_ms < 0 ? 0 : (uint64_t)due_ms;
}

static void cap_all(struct turn_server *server)
{
    list_for_each (at, &server->allocations)
        allocation_cap(of_link(at));
}

void turn_server_set_clock(struct turn_server *server, uint64_t now_ms, int64_t unix_s)
{
    int64_t elapsed_s = (int64_t)((now_ms - server->unix_at_ms) / 1000);
    int64_t step_s = unix_s - server->unix_s - elapsed_s;
    server->unix_s = unix_s;
    server->unix_at_ms = now_ms;
    if (step_s > CLOCK_SLACK_S || step_s < -CLOCK_SLACK_S)
        cap_all(server);
}

void turn_tick(struct turn_server *server, uint64_t now_ms, int64_t unix_s)
{
    turn_server_set_clock(server, now_ms, unix_s);
}

/* --- settings --- */

static bool may_stay(const struct turn_server *server, const struct turn_allocation *allocation)
{
    const struct auth *auth = server->settings->auth;
    return auth != NULL && !auth_identity_is_revoked(auth, allocation->identity);
}

void turn_server_set_settings(struct turn_server *server, struct turn_settings *settings)
{
    struct turn_settings *former = server->settings;
    server->settings = turn_settings_ref(settings);
    list_for_each_safe (at, &server->allocations) {
        struct turn_allocation *allocation = of_link(at);
        if (!may_stay(server, allocation)) {
            allocation_kill(allocation, TURN_END_REVOKED);
            continue;
        }
        permissions_rejudge(allocation);
        tcp_rejudge(allocation);
    }
    cap_all(server);
    turn_settings_unref(former);
}

/* --- paths --- */

void turn_path_closed(struct turn_server *server, const struct turn_path *path)
{
    struct turn_route *route = route_find(server, path);
    /* Another session may have the same 5-tuple already. */
    if (route == NULL || route->path.link_id != path->link_id)
        return;
    if (route->allocation->is_mobile)
        mobility_path_closed(route->allocation, path);
    else
        allocation_end(route->allocation, TURN_END_CLOSED);
}

/* --- for the operator --- */

const char *turn_transport_name(enum turn_transport transport)
{
    static const char *const names[] = {
        [TURN_UDP] = "udp", [TURN_TCP] = "tcp", [TURN_TLS] = "tls", [TURN_DTLS] = "dtls"};
    return names[transport];
}

void turn_each(const struct turn_server *server, uint64_t now_ms,
    void (*tell)(void *owner, const struct turn_report *report), void *owner)
{
    list_for_each (at, &server->allocations) {
        struct turn_report report = allocation_report(of_link(at), now_ms);
        tell(owner, &report);
    }
}

static bool is_of_user(
    const struct turn_allocation *allocation, struct text name, struct text realm)
{
    const struct auth_identity *identity = allocation->identity;
    return (realm.len == 0 || text_equal(auth_identity_realm(identity), realm)) &&
           auth_identity_is_called(identity, name);
}

size_t turn_kill(struct turn_server *server, uint64_t id, struct text username, struct text realm)
{
    size_t killed = 0;
    list_for_each_safe (at, &server->allocations) {
        struct turn_allocation *allocation = of_link(at);
        if (id != 0 ? allocation_id(allocation) != id : !is_of_user(allocation, username, realm))
            continue;
        allocation_kill(allocation, TURN_END_KILLED);
        killed++;
    }
    return killed;
}

size_t turn_allocation_count(const struct turn_server *server)
{
    return server->allocation_count;
}

const struct turn_counters *turn_server_counters(const struct turn_server *server)
{
    return &server->counters;
}
