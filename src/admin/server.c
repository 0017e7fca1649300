/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/server.h"

#include <errno.h>
#include <stdlib.h>

#include "admin/json.h"
#include "admin/state.h"
#include "base/log.h"

enum { READ_TIMEOUT_MS = 5000, STALL_TIMEOUT_S = 10 };

const char admin_type_json[] = "application/json";
const struct http_field admin_no_field;

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

void admin_respond(struct admin *admin, struct http_exchange *exchange, unsigned status,
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

void admin_respond_error(struct admin *admin, struct http_exchange *exchange, unsigned status,
    struct http_field field, struct text why)
{
    struct str body = {.data = NULL};
    admin_json_error(&body, why);
    admin_respond(admin, exchange, status, admin_type_json, field, &body);
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
        admin_respond(admin, exchange, 200, admin_type_json, admin_no_field, body);
    str_done(body);
}

void admin_answer_json(struct admin *admin, uint64_t request, struct str *json)
{
    if (str_ok(json))
        str_add_char(json, '\n');
    answer(admin, request, json);
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
        admin_respond_error(admin, exchange, statuses[error], admin_no_field, why);
}

/* --- from the HTTP server --- */

static void on_request(void *owner, struct http_exchange *exchange)
{
    struct admin *admin = owner;
    const struct http_request *request = http_exchange_request(exchange);
    struct admin_refusal refusal;
    struct admin_route route;

    if (!admin_may_ask(admin, exchange))
        return;
    if (!admin_route_find(request, &route, &refusal))
        admin_respond_error(admin, exchange, refusal.status,
            (struct http_field){refusal.allow != NULL ? "Allow" : NULL, refusal.allow},
            text_from(refusal.why));
    else
        admin_serve(admin, exchange, &route);
}

static void on_late(void *owner, struct http_exchange *exchange)
{
    admin_respond_error(owner, exchange, 504, admin_no_field, TEXT("no answer in time"));
}

static void on_refused(void *owner, struct http_exchange *exchange, unsigned status)
{
    admin_respond_error(
        owner, exchange, status, admin_no_field, TEXT("the request is not accepted"));
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
        .local = config->local,
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
    int error = config->listen->count == 0
                    ? 0
                    : admin_tokens_read(config->tokens, config->token_count, &admin->tokens, why);
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
