/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/http_server.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "base/list.h"
#include "net/sockaddr.h"

enum { BACKLOG = 64, LINGER_MS = 1000 };

struct listener {
    uv_tcp_t socket;
    struct http_server *server;
    struct address address;
};

struct http_server {
    uv_loop_t *loop;
    struct http_server_config config;
    struct listener *listeners[LISTEN_MAX];
    size_t listener_count;
    struct list exchanges;
    size_t exchange_count;
    size_t open_listeners; /* handles not closed yet */
    uint64_t last_id;
    bool is_closing;
};

enum exchange_state { READING, ANSWERING, WRITING, LINGERING, CLOSING };

struct http_exchange {
    struct list link;
    struct http_server *server;
    uv_tcp_t socket;
    uv_timer_t timer;
    unsigned open_handles;
    enum exchange_state state;
    uint64_t id;
    struct address peer;
    struct http_request request;
    size_t len; /* received */
    char received[HTTP_MAX_HEAD + HTTP_MAX_BODY];
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct str head;
    struct str body;
};

/* --- the end --- */

static void free_when_closed(struct http_server *server)
{
    if (!server->is_closing || server->open_listeners > 0 || server->exchange_count > 0)
        return;
    void (*closed)(void *) = server->config.closed;
    void *owner = server->config.owner;
    free(server);
    if (closed != NULL)
        closed(owner);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct http_exchange *exchange = handle->data;
    struct http_server *server = exchange->server;
    if (--exchange->open_handles > 0)
        return;
    list_remove(&exchange->link);
    str_done(&exchange->head);
    str_done(&exchange->body);
    explicit_bzero(exchange->received, sizeof(exchange->received)); /* there is a token in it */
    free(exchange);
    server->exchange_count--;
    server->config.counted(server->config.owner, server->exchange_count);
    free_when_closed(server);
}

static void close_exchange(struct http_exchange *exchange)
{
    if (exchange->state == CLOSING)
        return;
    exchange->state = CLOSING;
    uv_close((uv_handle_t *)&exchange->socket, on_handle_closed);
    uv_close((uv_handle_t *)&exchange->timer, on_handle_closed);
}

/* --- time --- */

static void on_timer(uv_timer_t *timer)
{
    struct http_exchange *exchange = timer->data;
    const struct http_server_config *config = &exchange->server->config;
    if (exchange->state == READING && exchange->len > 0)
        config->refused(config->owner, exchange, 408);
    else if (exchange->state == ANSWERING)
        config->late(config->owner, exchange);
    else
        close_exchange(exchange);
}

static void allow(struct http_exchange *exchange, unsigned ms)
{
    uv_timer_start(&exchange->timer, on_timer, ms, 0);
}

/* --- writing --- */

static void on_discarded(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    (void)buffer;
    if (len < 0)
        close_exchange(stream->data);
}

static void give_scratch(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct http_exchange *exchange = handle->data;
    (void)suggested;
    *out = uv_buf_init(exchange->received, sizeof(exchange->received));
}

static void on_shut_down(uv_shutdown_t *request, int status)
{
    (void)request; /* the timer sees to the rest */
    (void)status;
}

/* Whoever still sends would get a reset from close(), and might lose the answer to it: so the rest
 * is read first, for a while (RFC 9112, section 9.6). */
static void on_written(uv_write_t *request, int status)
{
    struct http_exchange *exchange = request->data;
    uv_stream_t *stream = (uv_stream_t *)&exchange->socket;
    if (exchange->state == CLOSING)
        return;
    exchange->state = LINGERING;
    allow(exchange, LINGER_MS);
    if (status != 0 || uv_shutdown(&exchange->shutdown, stream, on_shut_down) != 0 ||
        uv_read_start(stream, give_scratch, on_discarded) != 0)
        close_exchange(exchange);
}

static const char *reason_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

static void write_head(struct str *head, const struct http_response *response)
{
    char date[64];
    struct tm utc;
    time_t now = time(NULL);
    gmtime_r(&now, &utc);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    str_addf(head,
        "HTTP/1.1 %u %s\r\n"
        "Date: %s\r\n"
        "Content-Type: %s\r\n"
        "Content-Length: %zu\r\n"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "%s"
        "Connection: close\r\n"
        "\r\n",
        response->status, reason_of(response->status), date, response->content_type,
        response->body.len, response->fields != NULL ? response->fields : "");
}

void http_respond(struct http_exchange *exchange, struct http_response *response)
{
    assert(exchange->state == READING || exchange->state == ANSWERING);
    bool has_body = exchange->request.method != HTTP_HEAD && response->body.len > 0;
    write_head(&exchange->head, response);
    exchange->body = response->body;
    response->body = (struct str){.data = NULL};
    if (!str_ok(&exchange->head)) {
        close_exchange(exchange);
        return;
    }
    uv_buf_t buffers[] = {
        uv_buf_init(exchange->head.data, (unsigned)exchange->head.len),
        uv_buf_init(exchange->body.data, (unsigned)exchange->body.len),
    };
    exchange->state = WRITING;
    exchange->write.data = exchange;
    uv_read_stop((uv_stream_t *)&exchange->socket);
    allow(exchange, exchange->server->config.write_timeout_ms);
    if (uv_write(&exchange->write, (uv_stream_t *)&exchange->socket, buffers, has_body ? 2 : 1,
            on_written) != 0)
        close_exchange(exchange);
}

/* --- reading --- */

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct http_exchange *exchange = handle->data;
    (void)suggested;
    *out = uv_buf_init(
        exchange->received + exchange->len, (unsigned)(sizeof(exchange->received) - exchange->len));
}

/* 200: whole; 0: not yet; else the status that refuses it. */
static int look_at(struct http_exchange *exchange)
{
    struct text received = text_of(exchange->received, exchange->len);
    int status = http_request_parse(received, &exchange->request);
    if (status != 200)
        return status;
    if (exchange->request.content_length > HTTP_MAX_BODY)
        return 413;
    return received.len - exchange->request.head_len >= exchange->request.content_length ? 200 : 0;
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    struct http_exchange *exchange = stream->data;
    const struct http_server_config *config = &exchange->server->config;
    (void)buffer;
    if (len < 0)
        close_exchange(exchange);
    if (len <= 0)
        return;
    exchange->len += (size_t)len;
    int status = look_at(exchange);
    if (status == 0)
        return;
    uv_read_stop(stream);
    if (status != 200) {
        config->refused(config->owner, exchange, (unsigned)status);
        return;
    }
    exchange->state = ANSWERING;
    allow(exchange, config->deadline_ms);
    config->request(config->owner, exchange);
}

/* --- connections --- */

static void know_peer(struct http_exchange *exchange)
{
    struct sockaddr_storage address;
    int len = sizeof(address);
    if (uv_tcp_getpeername(&exchange->socket, (struct sockaddr *)&address, &len) != 0 ||
        !address_from_sockaddr(&address, &exchange->peer))
        exchange->peer = (struct address){.family = ADDRESS_NONE};
}

static struct http_exchange *new_exchange(struct http_server *server)
{
    struct http_exchange *exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL)
        return NULL;
    if (uv_tcp_init(server->loop, &exchange->socket) != 0) {
        free(exchange);
        return NULL;
    }
    uv_timer_init(server->loop, &exchange->timer);
    exchange->server = server;
    exchange->socket.data = exchange;
    exchange->timer.data = exchange;
    exchange->open_handles = 2;
    exchange->id = ++server->last_id;
    list_push_back(&server->exchanges, &exchange->link);
    server->exchange_count++;
    return exchange;
}

static void on_connection(uv_stream_t *stream, int status)
{
    const struct listener *listener = stream->data;
    struct http_server *server = listener->server;
    struct http_exchange *exchange = status == 0 ? new_exchange(server) : NULL;
    if (exchange == NULL)
        return;
    if (uv_accept(stream, (uv_stream_t *)&exchange->socket) != 0 ||
        server->exchange_count > server->config.max_connections) {
        close_exchange(exchange);
        return;
    }
    server->config.counted(server->config.owner, server->exchange_count);
    know_peer(exchange);
    allow(exchange, server->config.read_timeout_ms);
    if (uv_read_start((uv_stream_t *)&exchange->socket, give_buffer, on_read) != 0)
        close_exchange(exchange);
}

/* --- the server --- */

static void on_listener_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    struct http_server *server = listener->server;
    free(listener);
    server->open_listeners--;
    free_when_closed(server);
}

static int bind_and_listen(struct listener *listener, const struct address *address)
{
    struct sockaddr_storage bound = {.ss_family = AF_UNSPEC};
    int len = sizeof(bound);
    unsigned flags = address->family == ADDRESS_IP6 ? UV_TCP_IPV6ONLY : 0;
    sockaddr_from_address(address, &bound);
    int error = uv_tcp_bind(&listener->socket, (struct sockaddr *)&bound, flags);
    if (error == 0)
        error = uv_listen((uv_stream_t *)&listener->socket, BACKLOG, on_connection);
    if (error == 0)
        error = uv_tcp_getsockname(&listener->socket, (struct sockaddr *)&bound, &len);
    if (error == 0 && !address_from_sockaddr(&bound, &listener->address))
        error = -EINVAL;
    return error;
}

static int listen_on(struct http_server *server, const struct address *address)
{
    struct listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL)
        return -ENOMEM;
    int error = uv_tcp_init(server->loop, &listener->socket);
    if (error != 0) {
        free(listener);
        return error;
    }
    listener->server = server;
    listener->socket.data = listener;
    server->open_listeners++;
    error = bind_and_listen(listener, address);
    if (error == 0)
        server->listeners[server->listener_count++] = listener;
    else
        uv_close((uv_handle_t *)&listener->socket, on_listener_closed);
    return error;
}

int http_server_open(uv_loop_t *loop, const struct http_server_config *config,
    struct http_server **out, struct str *why)
{
    char text[ADDRESS_TEXT_SIZE];
    struct http_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return -ENOMEM;
    server->loop = loop;
    server->config = *config;
    server->config.listen = NULL;
    list_init(&server->exchanges);
    for (size_t i = 0; i < config->listen->count; i++) {
        const struct listen_address *wanted = &config->listen->list[i];
        int error = listen_on(server, &wanted->address);
        if (error == 0 || wanted->is_optional)
            continue;
        str_addf(why, "cannot listen on %s/tcp: %s", address_text(&wanted->address, text),
            uv_strerror(error));
        server->config.closed = NULL;
        http_server_close(server);
        return error;
    }
    *out = server;
    return 0;
}

void http_server_close(struct http_server *server)
{
    server->is_closing = true;
    for (size_t i = 0; i < server->listener_count; i++)
        uv_close((uv_handle_t *)&server->listeners[i]->socket, on_listener_closed);
    list_for_each (at, &server->exchanges)
        close_exchange(CONTAINER_OF(at, struct http_exchange, link));
    free_when_closed(server);
}

size_t http_server_address_count(const struct http_server *server)
{
    return server->listener_count;
}

const struct address *http_server_address(const struct http_server *server, size_t index)
{
    assert(index < server->listener_count);
    return &server->listeners[index]->address;
}

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
    return text_of(
        exchange->received + exchange->request.head_len, (size_t)exchange->request.content_length);
}

const struct address *http_exchange_peer(const struct http_exchange *exchange)
{
    return &exchange->peer;
}
