/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_redis.h"

#include <signal.h>
#include <stdlib.h>

#include "../../fuzz/require.h"

enum { PATIENCE_MS = 5000 };

struct fake_client {
    uv_tcp_t socket;
    struct fake_redis *fake;
    struct redis_stream *stream;
    char buffer[65536];
};

static void on_client_closed(uv_handle_t *handle)
{
    struct fake_client *client = handle->data;
    redis_stream_free(client->stream);
    free(client);
}

static void close_client(struct fake_client *client)
{
    if (client->fake->client == client)
        client->fake->client = NULL;
    if (!uv_is_closing((uv_handle_t *)&client->socket))
        uv_close((uv_handle_t *)&client->socket, on_client_closed);
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct fake_client *client = handle->data;
    (void)suggested;
    *out = uv_buf_init(client->buffer, sizeof(client->buffer));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    struct fake_client *client = stream->data;
    struct redis_reply *command;
    bool broken = false;
    if (len < 0) {
        close_client(client);
        return;
    }
    require(redis_stream_feed(client->stream, bytes_of(buffer->base, (size_t)len)));
    while ((command = redis_stream_next(client->stream, &broken)) != NULL) {
        client->fake->commands++;
        client->fake->script(client->fake, command);
        redis_reply_free(command);
    }
    require(!broken);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct fake_redis *fake = listener->data;
    struct fake_client *client = calloc(1, sizeof(*client));
    require(status == 0 && client != NULL);
    client->fake = fake;
    client->stream =
        redis_stream_new((struct redis_reply_limits){.string = 16 << 20, .reply = 32 << 20});
    client->socket.data = client;
    require(uv_tcp_init(fake->loop, &client->socket) == 0);
    require(uv_accept(listener, (uv_stream_t *)&client->socket) == 0);
    require(uv_read_start((uv_stream_t *)&client->socket, give_buffer, on_read) == 0);
    fake->client = client;
    fake->connections++;
}

void fake_redis_start(struct fake_redis *fake, uv_loop_t *loop, uint16_t port, fake_script *script)
{
    struct sockaddr_in address;
    int len = sizeof(address);
    signal(SIGPIPE, SIG_IGN); /* the other side may be gone, as the daemon knows */
    *fake = (struct fake_redis){.loop = loop, .script = script, .owner = fake->owner};
    require(uv_ip4_addr("127.0.0.1", port, &address) == 0);
    require(uv_tcp_init(loop, &fake->listener) == 0);
    fake->listener.data = fake;
    require(uv_tcp_bind(&fake->listener, (struct sockaddr *)&address, 0) == 0);
    require(uv_listen((uv_stream_t *)&fake->listener, 16, on_connection) == 0);
    require(uv_tcp_getsockname(&fake->listener, (struct sockaddr *)&address, &len) == 0);
    fake->port = ntohs(address.sin_port);
    fake->is_listening = true;
}

struct said {
    uv_write_t request;
    char data[];
};

static void on_said(uv_write_t *request, int status)
{
    (void)status;
    free(request); /* its first member */
}

void fake_redis_say(struct fake_redis *fake, const void *data, size_t len)
{
    struct said *said = malloc(sizeof(*said) + len);
    require(said != NULL && fake->client != NULL);
    memcpy(said->data, data, len);
    uv_buf_t buffer = uv_buf_init(said->data, (unsigned)len);
    require(
        uv_write(&said->request, (uv_stream_t *)&fake->client->socket, &buffer, 1, on_said) == 0);
}

void fake_redis_say_text(struct fake_redis *fake, const char *text)
{
    fake_redis_say(fake, text, strlen(text));
}

void fake_redis_hang_up(struct fake_redis *fake)
{
    if (fake->client != NULL)
        close_client(fake->client);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct fake_redis *fake = handle->data;
    fake->is_listening = false;
}

void fake_redis_stop(struct fake_redis *fake)
{
    fake_redis_hang_up(fake);
    uv_close((uv_handle_t *)&fake->listener, on_listener_closed);
    while (fake->is_listening)
        uv_run(fake->loop, UV_RUN_ONCE);
}

bool command_is(const struct redis_reply *command, size_t count, const struct text *words)
{
    if (command->kind != REDIS_ARRAY || command->count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!text_equal(command->items[i]->text, words[i]))
            return false;
    return true;
}

bool fake_redis_greet(struct fake_redis *fake, const struct redis_reply *command)
{
    struct text verb = command->items[0]->text;
    char reply[256];
    if (text_is(verb, "AUTH") || text_is(verb, "SELECT")) {
        fake_redis_say_text(fake, "+OK\r\n");
    } else if (text_is(verb, "PING")) {
        fake_redis_say_text(fake, "+PONG\r\n");
    } else if (text_is(verb, "SUBSCRIBE")) {
        struct text name = command->items[1]->text;
        snprintf(reply, sizeof(reply), "*3\r\n$9\r\nsubscribe\r\n$%zu\r\n%.*s\r\n:1\r\n", name.len,
            TEXT_ARG(name));
        fake_redis_say_text(fake, reply);
    } else {
        return false;
    }
    return true;
}

static void on_time(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void run(uv_loop_t *loop, unsigned ms, const unsigned *done, unsigned wanted)
{
    bool is_over = false;
    uv_timer_t timer = {.data = &is_over};
    uv_update_time(loop);
    require(uv_timer_init(loop, &timer) == 0);
    require(uv_timer_start(&timer, on_time, ms, 0) == 0);
    while (!is_over && (done == NULL || *done < wanted))
        uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
}

bool run_until(uv_loop_t *loop, const unsigned *done, unsigned wanted)
{
    run(loop, PATIENCE_MS, done, wanted);
    return *done >= wanted;
}

void run_for(uv_loop_t *loop, unsigned ms)
{
    run(loop, ms, NULL, 0);
}
