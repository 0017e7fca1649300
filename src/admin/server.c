/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/server.h"

#include <errno.h>
#include <stdlib.h>

#include "admin/http_server.h"
#include "admin/json.h"
#include "admin/route.h"
#include "admin/throttle.h"
#include "admin/tokens.h"
#include "base/log.h"

enum { READ_TIMEOUT_MS = 5000, STALL_TIMEOUT_S = 10, WARNINGS_PER_SECOND = 1 };

static const char type_json[] = "application/json";
static const char type_text[] = "text/plain; charset=utf-8";
static const char type_metrics[] = "text/plain; version=0.0.4; charset=utf-8";
static const struct http_field no_field;

struct admin {
    uv_loop_t *loop;
    struct http_server *http;
    struct admin_api api;
    struct admin_tokens tokens;
    struct admin_throttle throttle;
    struct log_limit warnings;
    struct admin_counters counters;
};

/* --- answers --- */

static void count(struct admin *admin, unsigned status)
{
    struct admin_counters *counters = &admin->counters;
    struct counter *counter = status == 401   ? &counters->unauthorized
                              : status == 429 ? &counters->throttled
                              : status >= 500 ? &counters->failed
                              : status >= 400 ? &counters->rejected
                                              : &counters->answered;
    counter_add(counter, 1);
}

/* Takes the body. */
static void respond(struct admin *admin, struct http_exchange *exchange, unsigned status,
    const char *type, struct http_field field, struct str *body)
{
    struct http_response response = {
        .status = str_ok(body) ? status : 500, .content_type = type, .field = field};
    if (str_ok(body))
        response.body = *body;
    *body = (struct str){.data = NULL};
    count(admin, response.status);
    log_event(LOG_DEBUG, LOG_NO_CALL, "admin-response", "status=%u path=%s", response.status,
        LOG_QUOTED(http_exchange_request(exchange)->path));
    http_respond(exchange, &response);
}

static void respond_error(struct admin *admin, struct http_exchange *exchange, unsigned status,
    struct http_field field, struct text why)
{
    struct str body = {.data = NULL};
    admin_json_error(&body, why);
    respond(admin, exchange, status, type_json, field, &body);
}

static struct http_exchange *find(struct admin *admin, uint64_t request)
{
    return admin != NULL ? http_server_find(admin->http, request) : NULL;
}

/* Answers the request with this number, if it still waits; takes the body. */
static void answer(struct admin *admin, uint64_t request, struct str *body)
{
    struct http_exchange *exchange = find(admin, request);
    if (exchange != NULL)
        respond(admin, exchange, 200, type_json, no_field, body);
    str_done(body);
}

void admin_answer_credentials(
    struct admin *admin, uint64_t request, const struct admin_credentials *credentials)
{
    struct str body = {.data = NULL};
    admin_json_credentials(&body, credentials);
    answer(admin, request, &body);
}

void admin_answer_allocations(struct admin *admin, uint64_t request,
    const struct admin_allocation *rows, size_t row_count, size_t total)
{
    struct str body = {.data = NULL};
    admin_json_allocations(&body, rows, row_count, total);
    answer(admin, request, &body);
}

void admin_answer_ended(struct admin *admin, uint64_t request, uint64_t ended)
{
    struct str body = {.data = NULL};
    admin_json_ended(&body, ended);
    answer(admin, request, &body);
}

void admin_answer_drain(struct admin *admin, uint64_t request, bool draining, uint64_t left)
{
    struct str body = {.data = NULL};
    admin_json_drain(&body, draining, left);
    answer(admin, request, &body);
}

void admin_answer_error(
    struct admin *admin, uint64_t request, enum admin_error error, struct text why)
{
    static const unsigned statuses[] = {
        [ADMIN_BAD_REQUEST] = 400,
        [ADMIN_REFUSED] = 403,
        [ADMIN_NOT_FOUND] = 404,
        [ADMIN_UNAVAILABLE] = 503,
    };
    struct http_exchange *exchange = find(admin, request);
    if (exchange != NULL)
        respond_error(admin, exchange, statuses[error], no_field, why);
}

/* --- what is asked for --- */

static void serve_health(struct admin *admin, struct http_exchange *exchange)
{
    struct str body = {.data = NULL};
    str_add_string(&body, "ok\n");
    respond(admin, exchange, 200, type_text, no_field, &body);
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
    respond(admin, exchange, is_ready ? 200 : 503, type_text, no_field, &body);
}

static void serve_metrics(struct admin *admin, struct http_exchange *exchange)
{
    struct str body = {.data = NULL};
    admin->api.metrics(admin->api.owner, &body);
    respond(admin, exchange, 200, type_metrics, no_field, &body);
}

static void serve_drain(struct admin *admin, struct http_exchange *exchange)
{
    struct admin_drain_body body;
    if (!admin_drain_body_read(http_exchange_body(exchange), &body)) {
        respond_error(admin, exchange, 400, no_field,
            TEXT("the body must be empty or {\"alternate-server\": \"ADDRESS\"}"));
        return;
    }
    admin->api.drain(admin->api.owner, http_exchange_id(exchange), body.alternates, body.count);
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
        return api->credentials != NULL;
    case ROUTE_ALLOCATIONS:
        return api->allocations != NULL;
    case ROUTE_END_ALLOCATION:
        return api->end_allocation != NULL;
    case ROUTE_END_USER:
        return api->end_user != NULL;
    case ROUTE_DRAIN:
        return api->drain != NULL;
    case ROUTE_UNDRAIN:
        return api->undrain != NULL;
    }
    return false;
}

static void serve(
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
        api->credentials(api->owner, id,
            &(struct admin_credentials_query){
                .user = route->user, .realm = route->realm, .ttl_s = route->seconds});
        break;
    case ROUTE_ALLOCATIONS:
        api->allocations(api->owner, id,
            &(struct admin_allocation_filter){.user = route->user, .limit = route->limit});
        break;
    case ROUTE_END_ALLOCATION:
        api->end_allocation(api->owner, id, route->id);
        break;
    case ROUTE_END_USER:
        api->end_user(api->owner, id,
            &(struct admin_end_user){
                .user = route->user, .realm = route->realm, .revoke_s = route->seconds});
        break;
    case ROUTE_DRAIN:
        serve_drain(admin, exchange);
        break;
    case ROUTE_UNDRAIN:
        api->undrain(api->owner, id);
        break;
    }
}

/* --- who asks --- */

static void warn(struct admin *admin, const struct http_exchange *exchange, const char *why)
{
    char source[ADDRESS_TEXT_SIZE];
    unsigned suppressed;
    if (log_limit_passes(&admin->warnings, WARNINGS_PER_SECOND, uv_now(admin->loop), &suppressed))
        log_event(LOG_WARNING, LOG_NO_CALL, "admin-unauthorized",
            "source=%s path=%s why=\"%s\" suppressed=%u",
            address_text(http_exchange_peer(exchange), source),
            LOG_QUOTED(http_exchange_request(exchange)->path), why, suppressed);
}

/* Answers those who may not. */
static bool is_authorized(struct admin *admin, struct http_exchange *exchange)
{
    const struct address *source = http_exchange_peer(exchange);
    uint64_t now_ms = uv_now(admin->loop);
    if (!admin_throttle_may_try(&admin->throttle, source, now_ms)) {
        warn(admin, exchange, "too many wrong tokens from this source");
        respond_error(admin, exchange, 429, (struct http_field){"Retry-After", "1"},
            TEXT("too many wrong tokens from this address"));
        return false;
    }
    switch (admin_tokens_check(&admin->tokens, http_exchange_request(exchange)->authorization)) {
    case TOKENS_RIGHT:
        return true;
    case TOKENS_WRONG:
        admin_throttle_failed(&admin->throttle, source, now_ms);
        warn(admin, exchange, "wrong token");
        respond_error(admin, exchange, 401,
            (struct http_field){"WWW-Authenticate", "Bearer error=\"invalid_token\""},
            TEXT("wrong token"));
        return false;
    case TOKENS_NONE:
        break;
    }
    warn(admin, exchange, "no token");
    respond_error(admin, exchange, 401, (struct http_field){"WWW-Authenticate", "Bearer"},
        TEXT("a bearer token is needed"));
    return false;
}

/* What changes something, and who was given credentials, is on record. */
static void record(const struct http_exchange *exchange, const struct admin_route *route)
{
    static const char *const actions[] = {
        [ROUTE_CREDENTIALS] = "turn-credentials",
        [ROUTE_END_ALLOCATION] = "end-allocation",
        [ROUTE_END_USER] = "end-user",
        [ROUTE_DRAIN] = "drain",
        [ROUTE_UNDRAIN] = "undrain",
    };
    char source[ADDRESS_TEXT_SIZE];
    if (actions[route->kind] == NULL)
        return;
    log_event(route->kind == ROUTE_CREDENTIALS ? LOG_INFO : LOG_NOTICE, LOG_NO_CALL, "admin",
        "action=%s user=%s realm=%s seconds=%u allocation=%llu source=%s", actions[route->kind],
        LOG_QUOTED(route->user), LOG_QUOTED(route->realm), route->seconds,
        (unsigned long long)route->id, address_text(http_exchange_peer(exchange), source));
}

/* --- from the HTTP server --- */

static void on_request(void *owner, struct http_exchange *exchange)
{
    struct admin *admin = owner;
    const struct http_request *request = http_exchange_request(exchange);
    struct admin_refusal refusal;
    struct admin_route route;

    if (!admin_route_is_open(request) && !is_authorized(admin, exchange))
        return;
    if (!admin_route_find(request, &route, &refusal))
        respond_error(admin, exchange, refusal.status,
            (struct http_field){refusal.allow != NULL ? "Allow" : NULL, refusal.allow},
            text_from(refusal.why));
    else if (!is_served(&admin->api, route.kind))
        respond_error(admin, exchange, 404, no_field, TEXT("not served by this configuration"));
    else {
        record(exchange, &route);
        serve(admin, exchange, &route);
    }
}

static void on_late(void *owner, struct http_exchange *exchange)
{
    respond_error(owner, exchange, 504, no_field, TEXT("no answer in time"));
}

static void on_refused(void *owner, struct http_exchange *exchange, unsigned status)
{
    respond_error(owner, exchange, status, no_field, TEXT("the request is not accepted"));
}

static void on_counted(void *owner, size_t connections)
{
    struct admin *admin = owner;
    counter_set(&admin->counters.connections, connections);
}

static void on_closed(void *owner)
{
    free(owner);
}

/* --- life --- */

int admin_open(
    uv_loop_t *loop, const struct admin_config *config, struct admin **out, struct str *why)
{
    struct admin *admin = calloc(1, sizeof(*admin));
    if (admin == NULL)
        return -ENOMEM;
    struct http_server_config http = {
        .listen = config->listen,
        .max_connections = ADMIN_MAX_CONNECTIONS,
        .read_timeout_ms = READ_TIMEOUT_MS,
        .deadline_ms = config->deadline_ms > 0 ? config->deadline_ms : ADMIN_DEFAULT_DEADLINE_MS,
        .stall_timeout_s = STALL_TIMEOUT_S,
        .request = on_request,
        .late = on_late,
        .refused = on_refused,
        .counted = on_counted,
        .closed = on_closed,
        .owner = admin,
    };
    admin->loop = loop;
    admin->api = config->api;
    admin_throttle_init(&admin->throttle);
    int error = admin_tokens_read(config->tokens, config->token_count, &admin->tokens, why);
    if (error == 0)
        error = http_server_open(loop, &http, &admin->http, why);
    if (error != 0) {
        free(admin);
        return error;
    }
    *out = admin;
    return 0;
}

int admin_set_tokens(
    struct admin *admin, const struct text *tokens, size_t token_count, struct str *why)
{
    return admin_tokens_read(tokens, token_count, &admin->tokens, why);
}

size_t admin_address_count(const struct admin *admin)
{
    return http_server_address_count(admin->http);
}

const struct address *admin_address(const struct admin *admin, size_t index)
{
    return http_server_address(admin->http, index);
}

const struct admin_counters *admin_counters(const struct admin *admin)
{
    return &admin->counters;
}

void admin_close(struct admin *admin)
{
    if (admin != NULL)
        http_server_close(admin->http);
}
