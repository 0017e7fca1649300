/* SPDX-License-Identifier: Apache-2.0 */
/* From a route to who has the answer. */
#include "admin/json.h"
#include "admin/state.h"
#include "base/log.h"

static const char type_text[] = "text/plain; charset=utf-8";
static const char type_metrics[] = "text/plain; version=0.0.4; charset=utf-8";

static void serve_health(struct admin *admin, struct http_exchange *exchange)
{
    struct str body = {.data = NULL};
    str_add_string(&body, "ok\n");
    admin_respond(admin, exchange, 200, type_text, admin_no_field, &body);
}

static void serve_ready(struct admin *admin, struct http_exchange *exchange)
{
    struct str why = {.data = NULL}, body = {.data = NULL};
    bool is_ready = admin->api.ready == NULL || admin->api.ready(admin->api.owner, &why);
    if (is_ready)
        str_add_string(&body, "ready\n");
    else
        str_addf(&body, "not ready: %s\n", str_string(&why));
    str_done(&why);
    admin_respond(admin, exchange, is_ready ? 200 : 503, type_text, admin_no_field, &body);
}

static void serve_metrics(struct admin *admin, struct http_exchange *exchange)
{
    struct str body = {.data = NULL};
    admin->api.metrics(admin->api.owner, &body);
    admin_respond(admin, exchange, 200, type_metrics, admin_no_field, &body);
}

static void serve_turn_drain(struct admin *admin, struct http_exchange *exchange)
{
    const struct admin_turn_api *turn = &admin->api.turn;
    struct admin_drain_body body;
    if (!admin_drain_body_read(http_exchange_body(exchange), true, &body)) {
        admin_respond_error(admin, exchange, 400, admin_no_field,
            TEXT("the body must be empty or {\"alternate-server\": \"ADDRESS\"}"));
        return;
    }
    turn->drain(turn->owner, http_exchange_id(exchange), &body.how);
    admin_drain_body_done(&body);
}

static void serve_drain(struct admin *admin, struct http_exchange *exchange)
{
    struct admin_drain_body body;
    if (!admin_drain_body_read(http_exchange_body(exchange), false, &body)) {
        admin_respond_error(admin, exchange, 400, admin_no_field,
            TEXT("the body must be empty, or an object of \"alternate-server\" (text or list of "
                 "texts), \"exit\" (true or false) and, with \"exit\", \"timeout\" (seconds)"));
        return;
    }
    admin->api.drain(admin->api.owner, http_exchange_id(exchange), &body.how);
    admin_drain_body_done(&body);
}

static bool is_served(const struct admin_api *api, enum admin_route_kind kind)
{
    switch (kind) {
    case ROUTE_HEALTH:
    case ROUTE_READY:
        return true;
    case ROUTE_METRICS:
        return api->metrics != NULL;
    case ROUTE_CREDENTIALS:
        return api->turn.credentials != NULL;
    case ROUTE_ALLOCATIONS:
        return api->turn.allocations != NULL;
    case ROUTE_END_ALLOCATION:
        return api->turn.end_allocation != NULL;
    case ROUTE_END_USER:
        return api->turn.end_user != NULL;
    case ROUTE_TURN_DRAIN:
        return api->turn.drain != NULL;
    case ROUTE_TURN_UNDRAIN:
        return api->turn.undrain != NULL;
    case ROUTE_STATUS:
        return api->status != NULL;
    case ROUTE_CALLS:
        return api->calls != NULL;
    case ROUTE_CALL:
        return api->call != NULL;
    case ROUTE_END_CALL:
        return api->end_call != NULL;
    case ROUTE_DRAIN_STATE:
        return api->drain_state != NULL;
    case ROUTE_DRAIN:
        return api->drain != NULL;
    case ROUTE_UNDRAIN:
        return api->undrain != NULL;
    }
    return false;
}

static void serve_turn(
    struct admin *admin, struct http_exchange *exchange, const struct admin_route *route)
{
    const struct admin_turn_api *turn = &admin->api.turn;
    uint64_t id = http_exchange_id(exchange);
    const struct admin_credentials_query query = {
        .user = route->user, .realm = route->realm, .ttl_s = route->seconds};
    const struct admin_allocation_filter filter = {.user = route->user, .limit = route->limit};
    const struct admin_end_user end_user = {
        .user = route->user, .realm = route->realm, .revoke_s = route->seconds};
    if (route->kind == ROUTE_CREDENTIALS)
        turn->credentials(turn->owner, id, &query);
    else if (route->kind == ROUTE_ALLOCATIONS)
        turn->allocations(turn->owner, id, &filter);
    else if (route->kind == ROUTE_END_ALLOCATION)
        turn->end_allocation(turn->owner, id, route->id);
    else if (route->kind == ROUTE_END_USER)
        turn->end_user(turn->owner, id, &end_user);
    else if (route->kind == ROUTE_TURN_DRAIN)
        serve_turn_drain(admin, exchange);
    else
        turn->undrain(turn->owner, id);
}

static void serve_calls(
    struct admin *admin, struct http_exchange *exchange, const struct admin_route *route)
{
    const struct admin_call_filter filter = {
        .match = route->call_id, .after = route->after, .limit = route->limit};
    admin->api.calls(admin->api.owner, http_exchange_id(exchange), &filter);
}

static void dispatch(
    struct admin *admin, struct http_exchange *exchange, const struct admin_route *route)
{
    const struct admin_api *api = &admin->api;
    uint64_t id = http_exchange_id(exchange);
    switch (route->kind) {
    case ROUTE_HEALTH:
        serve_health(admin, exchange);
        break;
    case ROUTE_READY:
        serve_ready(admin, exchange);
        break;
    case ROUTE_METRICS:
        serve_metrics(admin, exchange);
        break;
    case ROUTE_CREDENTIALS:
    case ROUTE_ALLOCATIONS:
    case ROUTE_END_ALLOCATION:
    case ROUTE_END_USER:
    case ROUTE_TURN_DRAIN:
    case ROUTE_TURN_UNDRAIN:
        serve_turn(admin, exchange, route);
        break;
    case ROUTE_STATUS:
        api->status(api->owner, id);
        break;
    case ROUTE_CALLS:
        serve_calls(admin, exchange, route);
        break;
    case ROUTE_CALL:
        api->call(api->owner, id, route->call_id);
        break;
    case ROUTE_END_CALL:
        api->end_call(api->owner, id, route->call_id);
        break;
    case ROUTE_DRAIN_STATE:
        api->drain_state(api->owner, id);
        break;
    case ROUTE_DRAIN:
        serve_drain(admin, exchange);
        break;
    case ROUTE_UNDRAIN:
        api->undrain(api->owner, id);
        break;
    }
}

/* What changes something, and who was given credentials, is on record. */
static void record(const struct http_exchange *exchange, const struct admin_route *route)
{
    static const char *const actions[] = {
        [ROUTE_CREDENTIALS] = "turn-credentials",
        [ROUTE_END_ALLOCATION] = "end-allocation",
        [ROUTE_END_USER] = "end-user",
        [ROUTE_TURN_DRAIN] = "turn-drain",
        [ROUTE_TURN_UNDRAIN] = "turn-undrain",
        [ROUTE_END_CALL] = "end-call",
        [ROUTE_DRAIN] = "drain",
        [ROUTE_UNDRAIN] = "undrain",
    };
    char source[ADMIN_SOURCE_SIZE];
    if ((size_t)route->kind >= COUNT_OF(actions) || actions[route->kind] == NULL)
        return;
    log_event(route->kind == ROUTE_CREDENTIALS ? LOG_INFO : LOG_NOTICE, route->call_id, "admin",
        "action=%s user=%s realm=%s seconds=%u allocation=%llu source=%s", actions[route->kind],
        LOG_QUOTED(route->user), LOG_QUOTED(route->realm), route->seconds,
        (unsigned long long)route->id, admin_source(exchange, source));
}

void admin_serve(
    struct admin *admin, struct http_exchange *exchange, const struct admin_route *route)
{
    if (!is_served(&admin->api, route->kind)) {
        admin_respond_error(
            admin, exchange, 404, admin_no_field, TEXT("not served by this configuration"));
        return;
    }
    record(exchange, route);
    dispatch(admin, exchange, route);
}
