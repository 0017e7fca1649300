/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/link.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/container.h"
#include "net/name_lookup.h"
#include "redis/channel.h"

enum { READ_SIZE = 64 << 10, PLAIN_SIZE = 16 << 10, KEEPALIVE_S = 30 };

struct redis_link {
    uv_loop_t *loop;
    struct redis_link_events events;
    char *host;                     /* owned */
    struct redis_tls *tls;          /* NULL: plain */
    struct redis_channel *channel;  /* the same; since the connection */
    struct name_lookup *look_up;    /* NULL: none is under way */
    struct addrinfo *addresses;     /* owned */
    const struct addrinfo *address; /* the one tried now */
    uv_tcp_t socket;
    uv_connect_t connect;
    bool has_socket; /* not yet closed */
    bool is_closed;  /* by redis_link_close() */
    size_t unsent;
    char buffer[READ_SIZE];
};

struct write_request {
    uv_write_t request;
    struct redis_link *link;
    struct redis_block *block;
};

static void free_when_idle(struct redis_link *link)
{
    if (!link->is_closed || link->has_socket)
        return;
    uv_freeaddrinfo(link->addresses);
    redis_channel_free(link->channel);
    redis_tls_unref(link->tls);
    free(link->host);
    free(link);
}

static void fail(struct redis_link *link, const char *why)
{
    if (!link->is_closed)
        link->events.failed(link->events.owner, why);
}

static const char *words_for(int error)
{
    return error == UV_EOF ? "connection closed" : uv_strerror(error);
}

/* --- writing --- */

/* A lost connection is told by the reader. */
static void on_written(uv_write_t *request, int status)
{
    struct write_request *write = CONTAINER_OF(request, struct write_request, request);
    (void)status;
    write->link->unsent -= write->block->len;
    redis_block_unref(write->block);
    free(write);
}

static int send_block(struct redis_link *link, struct redis_block *block)
{
    struct write_request *write = malloc(sizeof(*write));
    if (write == NULL)
        return -ENOMEM;
    write->link = link;
    write->block = redis_block_ref(block);
    link->unsent += block->len; /* before: it may be written at once */
    uv_buf_t buffer = uv_buf_init((char *)block->data, (unsigned)block->len);
    int error = uv_write(&write->request, (uv_stream_t *)&link->socket, &buffer, 1, on_written);
    if (error != 0)
        on_written(&write->request, error);
    return error;
}

static int send_output(struct redis_link *link)
{
    struct redis_block *block;
    if (!redis_channel_output(link->channel, &block))
        return -ENOMEM;
    int error = block != NULL ? send_block(link, block) : 0;
    redis_block_unref(block);
    return error;
}

static int send_sealed(struct redis_link *link, struct bytes plain)
{
    int error = 0;
    while (plain.len > 0 && error == 0) {
        size_t len = plain.len < REDIS_CHANNEL_PART ? plain.len : REDIS_CHANNEL_PART;
        if (!redis_channel_write(link->channel, bytes_of(plain.data, len)))
            return -EPROTO;
        error = send_output(link);
        plain = bytes_of(plain.data + len, plain.len - len);
    }
    return error;
}

int redis_link_write(struct redis_link *link, struct redis_block *block)
{
    return link->channel != NULL ? send_sealed(link, bytes_of(block->data, block->len))
                                 : send_block(link, block);
}

size_t redis_link_unsent(const struct redis_link *link)
{
    return link->unsent;
}

/* --- reading --- */

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct redis_link *link = handle->data;
    (void)suggested;
    *out = uv_buf_init(link->buffer, sizeof(link->buffer));
}

/* Does what TLS has to do now: handshake, plain bytes, answers of its own. */
static void run_channel(struct redis_link *link)
{
    uint8_t plain[PLAIN_SIZE];
    while (!link->is_closed) {
        size_t len = 0;
        enum redis_channel_step step =
            redis_channel_read(link->channel, plain, sizeof(plain), &len);
        int error = send_output(link); /* an alert too */
        if (step == REDIS_CHANNEL_ENDED || error != 0) {
            fail(link, error != 0 ? words_for(error) : redis_channel_why(link->channel));
            return;
        }
        if (step == REDIS_CHANNEL_WAITS)
            return;
        if (step == REDIS_CHANNEL_OPENED)
            link->events.connected(link->events.owner);
        else
            link->events.received(link->events.owner, bytes_of(plain, len));
    }
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    struct redis_link *link = stream->data;
    if (len < 0) {
        fail(link, words_for((int)len));
        return;
    }
    struct bytes received = bytes_of(buffer->base, (size_t)len);
    if (len == 0)
        return;
    if (link->channel == NULL)
        link->events.received(link->events.owner, received);
    else if (redis_channel_feed(link->channel, received))
        run_channel(link);
    else
        fail(link, words_for(-ENOMEM));
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
        fail(link, words_for(error));
}

static void start(struct redis_link *link)
{
    if (link->tls == NULL) {
        link->events.connected(link->events.owner);
        return;
    }
    link->channel = redis_channel_new(link->tls, link->host);
    if (link->channel != NULL)
        run_channel(link);
    else
        fail(link, words_for(-ENOMEM));
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
        start(link);
        return;
    }
    link->address = link->address->ai_next;
    if (link->address != NULL)
        uv_close((uv_handle_t *)&link->socket, on_attempt_closed);
    else
        fail(link, words_for(status));
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

static void on_looked_up(void *owner, int status, struct addrinfo *addresses)
{
    struct redis_link *link = owner;
    link->look_up = NULL;
    link->addresses = addresses;
    link->address = addresses;
    if (status == 0)
        status = addresses != NULL ? try_address(link) : UV_EAI_NONAME;
    if (status != 0)
        fail(link, words_for(status));
}

int redis_link_open(uv_loop_t *loop, const char *host, uint16_t port, struct redis_tls *tls,
    const struct redis_link_events *events, struct redis_link **out)
{
    struct redis_link *link = calloc(1, sizeof(*link));
    char service[8];
    if (link == NULL)
        return -ENOMEM;
    link->loop = loop;
    link->events = *events;
    link->tls = redis_tls_ref(tls);
    link->host = text_dup(text_from(host));
    snprintf(service, sizeof(service), "%u", port);
    int error = link->host == NULL
                    ? -ENOMEM
                    : name_lookup_start(loop, host, service, on_looked_up, link, &link->look_up);
    if (error != 0) {
        link->is_closed = true;
        free_when_idle(link);
        return error;
    }
    *out = link;
    return 0;
}

void redis_link_close(struct redis_link *link)
{
    if (link == NULL)
        return;
    link->is_closed = true;
    name_lookup_cancel(link->look_up);
    link->look_up = NULL;
    if (link->has_socket && !uv_is_closing((uv_handle_t *)&link->socket))
        uv_close((uv_handle_t *)&link->socket, on_socket_closed);
    free_when_idle(link);
}
