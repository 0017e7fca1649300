/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>

#include "admin/http_state.h"
#include "net/sockaddr.h"

/* A body too long is read up to here before it is refused: who still sends when the connection is
 * closed may lose the answer to a reset (RFC 9112, section 9.6). */
enum { MAX_DISCARDED = 1 << 20 };

enum exchange_state { READING, ANSWERING, WRITING, CUT_OFF };

struct http_exchange {
    struct list link;
    struct http_server *server;
    struct MHD_Connection *connection; /* borrowed */
    enum exchange_state state;
    bool has_head;
    bool is_suspended;
    uint64_t id;
    uint64_t due_ms;
    struct address peer;
    struct http_request request;
    size_t target_len;
    size_t body_len; /* all of it, whether kept or not */
    unsigned status;
    struct MHD_Response *response; /* not yet given to the library */
    char target[HTTP_MAX_TARGET + 1];
    char body[HTTP_MAX_BODY];
};

static void allow(struct http_exchange *exchange, unsigned ms)
{
    exchange->due_ms = uv_now(exchange->server->loop) + ms;
}

/* --- connections --- */

static const union MHD_ConnectionInfo *info_of(
    struct MHD_Connection *connection, enum MHD_ConnectionInfoType type)
{
    return MHD_get_connection_info(connection, type);
}

static struct http_exchange *exchange_of(struct MHD_Connection *connection)
{
    return info_of(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void know_peer(struct http_exchange *exchange)
{
    const struct sockaddr *from =
        info_of(exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    struct sockaddr_storage address = {.ss_family = from->sa_family};
    exchange->peer = (struct address){.family = ADDRESS_NONE};
    if (from->sa_family != AF_INET && from->sa_family != AF_INET6)
        return;
    memcpy(&address, from,
        from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
    if (!address_from_sockaddr(&address, &exchange->peer))
        exchange->peer = (struct address){.family = ADDRESS_NONE};
}

static struct http_exchange *come(struct http_server *server, struct MHD_Connection *connection)
{
    struct http_exchange *exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL)
        return NULL; /* its request will find none */
    exchange->server = server;
    exchange->connection = connection;
    exchange->id = ++server->last_id;
    know_peer(exchange);
    allow(exchange, server->config.read_timeout_ms);
    list_push_back(&server->exchanges, &exchange->link);
    http_server_count(server, server->exchange_count + 1);
    return exchange;
}

static void go(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    if (exchange->response != NULL)
        MHD_destroy_response(exchange->response);
    list_remove(&exchange->link);
    free(exchange);
    http_server_count(server, server->exchange_count - 1);
}

void http_exchange_come_and_go(void *owner, struct MHD_Connection *connection, void **context,
    enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        *context = come(owner, connection);
    else if (*context != NULL)
        go(*context);
}

/* --- answers --- */

static struct MHD_Response *make_response(struct http_response *from)
{
    size_t len = from->body.len;
    char *body = str_take(&from->body);
    if (body == NULL)
        return NULL;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(body);
        return NULL;
    }
    const struct http_field fields[] = {
        {"Content-Type", from->content_type},
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"Connection", "close"}, /* no second request: nothing to smuggle one in with */
        from->field,
    };
    for (size_t i = 0; i < COUNT_OF(fields) && fields[i].name != NULL; i++) {
        if (MHD_add_response_header(response, fields[i].name, fields[i].value) == MHD_YES)
            continue;
        MHD_destroy_response(response);
        return NULL;
    }
    return response;
}

void http_respond(struct http_exchange *exchange, struct http_response *response)
{
    assert(exchange->state == READING || exchange->state == ANSWERING);
    exchange->status = response->status;
    exchange->response = make_response(response);
    exchange->state = WRITING;
    exchange->due_ms = UINT64_MAX; /* the library looks after the rest */
    if (!exchange->is_suspended)
        return;
    exchange->is_suspended = false;
    MHD_resume_connection(exchange->connection);
    http_server_wake(exchange->server);
}

/* Without an answer, for lack of memory, the connection is closed. */
static enum MHD_Result hand_over_response(struct http_exchange *exchange)
{
    struct MHD_Response *response = exchange->response;
    if (response == NULL)
        return MHD_NO;
    exchange->response = NULL;
    enum MHD_Result result = MHD_queue_response(exchange->connection, exchange->status, response);
    MHD_destroy_response(response);
    return result;
}

/* --- requests --- */

void *http_exchange_target(void *owner, const char *target, struct MHD_Connection *connection)
{
    struct http_exchange *exchange = exchange_of(connection);
    (void)owner;
    if (exchange != NULL && target != NULL) {
        exchange->target_len = strnlen(target, sizeof(exchange->target));
        memcpy(exchange->target, target, exchange->target_len);
    }
    return NULL;
}

struct head {
    struct http_request *request;
    int status;
};

static enum MHD_Result read_field(void *owner, enum MHD_ValueKind kind, const char *name,
    size_t name_len, const char *value, size_t value_len)
{
    struct head *head = owner;
    (void)kind;
    head->status = http_request_field(
        head->request, text_of(name, name_len), text_of(value, value != NULL ? value_len : 0));
    return head->status == 200 ? MHD_YES : MHD_NO;
}

static void refuse(struct http_exchange *exchange, unsigned status)
{
    const struct http_server_config *config = &exchange->server->config;
    config->refused(config->owner, exchange, status);
}

static enum MHD_Result read_head(struct http_exchange *exchange, const char *method)
{
    struct head head = {.request = &exchange->request};
    size_t head_len =
        info_of(exchange->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
    exchange->has_head = true;
    head.status = http_request_line(
        head.request, text_from(method), text_of(exchange->target, exchange->target_len));
    if (head.status == 200 && head_len > HTTP_MAX_HEAD)
        head.status = 431;
    if (head.status == 200)
        MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, read_field, &head);
    if (head.status == 200 && exchange->request.content_length > MAX_DISCARDED)
        head.status = 413;
    if (head.status == 200)
        return MHD_YES;
    refuse(exchange, (unsigned)head.status);
    return hand_over_response(exchange);
}

static void keep_body(struct http_exchange *exchange, const char *data, size_t len)
{
    size_t before = exchange->body_len;
    exchange->body_len += len;
    if (exchange->body_len <= sizeof(exchange->body))
        memcpy(exchange->body + before, data, len);
}

static enum MHD_Result ask(struct http_exchange *exchange)
{
    const struct http_server_config *config = &exchange->server->config;
    if (exchange->body_len > sizeof(exchange->body)) {
        refuse(exchange, 413);
        return hand_over_response(exchange);
    }
    exchange->state = ANSWERING;
    allow(exchange, config->deadline_ms);
    config->request(config->owner, exchange);
    exchange->request.authorization = text_of(NULL, 0); /* the library's memory */
    if (exchange->state == WRITING)
        return hand_over_response(exchange);
    exchange->is_suspended = true;
    MHD_suspend_connection(exchange->connection);
    return MHD_YES;
}

enum MHD_Result http_exchange_continue(void *owner, struct MHD_Connection *connection,
    const char *url, const char *method, const char *version, const char *data, size_t *data_len,
    void **context)
{
    struct http_exchange *exchange = exchange_of(connection);
    (void)owner, (void)url, (void)version, (void)context;
    if (exchange == NULL)
        return MHD_NO;
    if (!exchange->has_head)
        return read_head(exchange, method);
    if (exchange->state != READING)
        return hand_over_response(exchange);
    if (*data_len == 0)
        return ask(exchange);
    keep_body(exchange, data, *data_len);
    *data_len = 0;
    return MHD_YES;
}

/* --- time --- */

/* The library sees the end of the connection, and closes it. */
static void cut_off(struct http_exchange *exchange)
{
    int fd = info_of(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    exchange->state = CUT_OFF;
    exchange->due_ms = UINT64_MAX;
    shutdown(fd, SHUT_RDWR);
}

void http_exchanges_expire(struct http_server *server, uint64_t now_ms)
{
    list_for_each (at, &server->exchanges) {
        struct http_exchange *exchange = CONTAINER_OF(at, struct http_exchange, link);
        if (exchange->due_ms > now_ms)
            continue;
        if (exchange->state == ANSWERING)
            server->config.late(server->config.owner, exchange);
        else
            cut_off(exchange);
    }
}

uint64_t http_exchanges_due(const struct http_server *server)
{
    uint64_t due_ms = UINT64_MAX;
    list_for_each (at, &server->exchanges) {
        const struct http_exchange *exchange = CONTAINER_OF(at, struct http_exchange, link);
        if (exchange->due_ms < due_ms)
            due_ms = exchange->due_ms;
    }
    return due_ms;
}

void http_exchanges_release(struct http_server *server)
{
    list_for_each (at, &server->exchanges) {
        struct http_exchange *exchange = CONTAINER_OF(at, struct http_exchange, link);
        if (exchange->is_suspended)
            MHD_resume_connection(exchange->connection);
        exchange->is_suspended = false;
    }
}

/* --- for those who answer --- */

uint64_t http_exchange_id(const struct http_exchange *exchange)
{
    return exchange->id;
}

struct http_exchange *http_server_find(struct http_server *server, uint64_t id)
{
    list_for_each (at, &server->exchanges) {
        struct http_exchange *exchange = CONTAINER_OF(at, struct http_exchange, link);
        if (exchange->id == id)
            return exchange->state == ANSWERING ? exchange : NULL;
    }
    return NULL;
}

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
    return &exchange->request;
}

struct text http_exchange_body(const struct http_exchange *exchange)
{
    return text_of(exchange->body, exchange->body_len);
}

const struct address *http_exchange_peer(const struct http_exchange *exchange)
{
    return &exchange->peer;
}

bool http_exchange_local_peer(const struct http_exchange *exchange, uid_t *out)
{
    return local_peer(
        info_of(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd, out);
}
