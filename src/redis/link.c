/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/link.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/container.h"

enum { READ_SIZE = 16 << 10, KEEPALIVE_S = 30 };

struct redis_link {
    uv_loop_t *loop;
    struct redis_link_events events;
    uv_getaddrinfo_t look_up;
    struct addrinfo *addresses;     /* owned */
    const struct addrinfo *address; /* the one tried now */
    uv_tcp_t socket;
    uv_connect_t connect;
    bool is_looking_up;
    bool has_socket; /* not yet closed */
    bool is_closed;  /* by redis_link_close() */
    char buffer[READ_SIZE];
};

struct write_request {
    uv_write_t request;
    char data[];
};

static void free_when_idle(struct redis_link *link)
{
    if (!link->is_closed || link->is_looking_up || link->has_socket)
        return;
    uv_freeaddrinfo(link->addresses);
    free(link);
}

static void fail(struct redis_link *link, int error)
{
    if (!link->is_closed)
        link->events.failed(link->events.owner, error);
}

/* --- reading and writing --- */

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct redis_link *link = handle->data;
    (void)suggested;
    *out = uv_buf_init(link->buffer, sizeof(link->buffer));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    struct redis_link *link = stream->data;
    if (len > 0)
        link->events.received(link->events.owner, bytes_of(buffer->base, (size_t)len));
    else if (len < 0)
        fail(link, (int)len);
}

/* A lost connection is told by the reader. */
static void on_written(uv_write_t *request, int status)
{
    (void)status;
    free(CONTAINER_OF(request, struct write_request, request));
}

int redis_link_write(struct redis_link *link, struct bytes data)
{
    struct write_request *write = malloc(sizeof(*write) + data.len);
    if (write == NULL)
        return -ENOMEM;
    memcpy(write->data, data.data, data.len);
    uv_buf_t buffer = uv_buf_init(write->data, (unsigned)data.len);
    int error = uv_write(&write->request, (uv_stream_t *)&link->socket, &buffer, 1, on_written);
    if (error != 0)
        free(write);
    return error;
}

/* --- connecting --- */

static int try_address(struct redis_link *link);

static void on_socket_closed(uv_handle_t *handle)
{
    struct redis_link *link = handle->data;
    link->has_socket = false;
    free_when_idle(link);
}

/* The socket of an attempt that failed is closed before the next is opened in its place. */
static void on_attempt_closed(uv_handle_t *handle)
{
    struct redis_link *link = handle->data;
    link->has_socket = false;
    if (link->is_closed) {
        free_when_idle(link);
        return;
    }
    int error = try_address(link);
    if (error != 0)
        fail(link, error);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct redis_link *link = request->data;
    if (link->is_closed)
        return;
    if (status == 0) {
        uv_tcp_nodelay(&link->socket, 1);
        uv_tcp_keepalive(&link->socket, 1, KEEPALIVE_S);
        status = uv_read_start((uv_stream_t *)&link->socket, give_buffer, on_read);
    }
    if (status == 0) {
        link->events.connected(link->events.owner);
        return;
    }
    link->address = link->address->ai_next;
    if (link->address != NULL)
        uv_close((uv_handle_t *)&link->socket, on_attempt_closed);
    else
        fail(link, status);
}

static int try_address(struct redis_link *link)
{
    int error = uv_tcp_init(link->loop, &link->socket);
    if (error != 0)
        return error;
    link->has_socket = true;
    link->socket.data = link;
    link->connect.data = link;
    return uv_tcp_connect(&link->connect, &link->socket, link->address->ai_addr, on_connected);
}

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct redis_link *link = request->data;
    link->is_looking_up = false;
    link->addresses = addresses;
    link->address = addresses;
    if (link->is_closed) {
        free_when_idle(link);
        return;
    }
    if (status == 0)
        status = addresses != NULL ? try_address(link) : UV_EAI_NONAME;
    if (status != 0)
        fail(link, status);
}

int redis_link_open(uv_loop_t *loop, const char *host, uint16_t port,
    const struct redis_link_events *events, struct redis_link **out)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct redis_link *link = calloc(1, sizeof(*link));
    char service[8];
    if (link == NULL)
        return -ENOMEM;
    link->loop = loop;
    link->events = *events;
    link->look_up.data = link;
    snprintf(service, sizeof(service), "%u", port);
    int error = uv_getaddrinfo(loop, &link->look_up, on_looked_up, host, service, &hints);
    if (error != 0) {
        free(link);
        return error;
    }
    link->is_looking_up = true;
    *out = link;
    return 0;
}

void redis_link_close(struct redis_link *link)
{
    if (link == NULL)
        return;
    link->is_closed = true;
    if (link->is_looking_up)
        uv_cancel((uv_req_t *)&link->look_up);
    if (link->has_socket && !uv_is_closing((uv_handle_t *)&link->socket))
        uv_close((uv_handle_t *)&link->socket, on_socket_closed);
    free_when_idle(link);
}
