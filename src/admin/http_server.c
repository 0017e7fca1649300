/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/http_server.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/http_state.h"
#include "base/log.h"
#include "net/sockaddr.h"

/* Of a connection, for the library: the head, its fields, and the head of the answer. */
enum { CONNECTION_MEMORY = 2 * HTTP_MAX_HEAD };

/* --- the library's turn --- */

static void on_timer(uv_timer_t *timer);

static void set_timer(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG library_ms;
    uint64_t now_ms = uv_now(server->loop);
    uint64_t due_ms = http_exchanges_due(server);
    uint64_t wait_ms = due_ms == UINT64_MAX ? UINT64_MAX : due_ms > now_ms ? due_ms - now_ms : 0;
    if (MHD_get_timeout(server->mhd, &library_ms) == MHD_YES && library_ms < wait_ms)
        wait_ms = library_ms;
    if (wait_ms == UINT64_MAX)
        uv_timer_stop(&server->timer);
    else
        uv_timer_start(&server->timer, on_timer, wait_ms, 0);
}

static void run(struct http_server *server)
{
    http_exchanges_expire(server, uv_now(server->loop));
    MHD_run(server->mhd);
    set_timer(server);
}

static void on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void on_ready(uv_poll_t *ready, int status, int events)
{
    (void)status, (void)events;
    run(ready->data);
}

void http_server_wake(struct http_server *server)
{
    uv_timer_start(&server->timer, on_timer, 0, 0);
}

void http_server_count(struct http_server *server, size_t connections)
{
    size_t most = server->config.max_connections, last = most + HTTP_LOCAL_RESERVE;
    size_t before = server->exchange_count;
    bool was_full = before >= most, is_full = connections >= most;
    server->exchange_count = connections;
    if (server->local != NULL && (before >= last) != (connections >= last))
        (connections >= last ? local_listener_pause : local_listener_resume)(server->local);
    for (size_t i = 0; i < server->listener_count && was_full != is_full; i++)
        (is_full ? tcp_listener_pause : tcp_listener_resume)(server->listeners[i]);
    server->config.counted(server->config.owner, connections);
}

/* --- start --- */

static void on_message(void *owner, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void on_message(void *owner, const char *format, va_list arguments)
{
    char text[LOG_QUOTED_SIZE];
    (void)owner;
    if (log_get_level() < LOG_DEBUG)
        return;
    vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    /* On a unix socket it tries the options of TCP, and says so each time. */
    if (text_starts_with(text_from(text), "Setting TCP_") ||
        text_starts_with(text_from(text), "Failed to push the data"))
        return;
    log_event(LOG_DEBUG, LOG_NO_CALL, "admin-http", "message=%s", LOG_QUOTED(text_from(text)));
}

/* It accepts no connections itself: when descriptors run out, it would spin. */
static struct MHD_Daemon *start_library(struct http_server *server)
{
    const struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_message, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)server->config.max_connections + HTTP_LOCAL_RESERVE,
            NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, server->config.stall_timeout_s, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_exchange_target, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)http_exchange_come_and_go, server},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags =
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    return MHD_start_daemon(flags, 0, NULL, NULL, http_exchange_continue, server, MHD_OPTION_ARRAY,
        options, MHD_OPTION_END);
}

static void on_accepted(
    void *owner, int fd, const struct address *remote, const struct address *local)
{
    struct http_server *server = owner;
    struct sockaddr_storage address;
    socklen_t len = sockaddr_from_address(remote, &address);
    (void)local;
    /* Takes `fd`, and closes it when it fails. */
    (void)MHD_add_connection(server->mhd, fd, (struct sockaddr *)&address, len);
    http_server_wake(server);
}

static void on_accepted_local(void *owner, int fd)
{
    struct http_server *server = owner;
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    (void)MHD_add_connection(server->mhd, fd, (struct sockaddr *)&address, sizeof(address));
    http_server_wake(server);
}

static int listen_locally(struct http_server *server, const char *path, struct str *why)
{
    struct local_listener_config config = {
        .path = path, .on_connection = on_accepted_local, .owner = server};
    return path == NULL ? 0 : local_listener_open(server->loop, &config, &server->local, why);
}

static int listen_everywhere(
    struct http_server *server, const struct listen_addresses *wanted, struct str *why)
{
    char text[ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < wanted->count; i++) {
        struct tcp_listener_config config = {
            .bind = wanted->list[i].address,
            .on_connection = on_accepted,
            .owner = server,
        };
        int error =
            tcp_listener_open(server->loop, &config, &server->listeners[server->listener_count]);
        if (error == 0) {
            server->listener_count++;
        } else if (!wanted->list[i].is_optional) {
            str_addf(why, "cannot listen on %s/tcp: %s", address_text(&config.bind, text),
                uv_strerror(error));
            return error;
        }
    }
    return 0;
}

static void close_listeners(struct http_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++)
        tcp_listener_close(server->listeners[i]);
    server->listener_count = 0;
    local_listener_close(server->local);
    server->local = NULL;
}

static int watch_library(struct http_server *server)
{
    int fd = MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int error = uv_poll_init(server->loop, &server->ready, fd);
    if (error != 0)
        return error;
    uv_timer_init(server->loop, &server->timer); /* never fails */
    server->ready.data = server;
    server->timer.data = server;
    server->open_handles = 2;
    uv_poll_start(&server->ready, UV_READABLE, on_ready);
    return 0;
}

int http_server_open(uv_loop_t *loop, const struct http_server_config *config,
    struct http_server **out, struct str *why)
{
    struct http_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return -ENOMEM;
    server->loop = loop;
    server->config = *config;
    server->config.listen = NULL;
    list_init(&server->exchanges);
    server->config.local = NULL;
    int error = listen_everywhere(server, config->listen, why);
    if (error == 0)
        error = listen_locally(server, config->local, why);
    if (error == 0) {
        server->mhd = start_library(server);
        error = server->mhd == NULL ? -ENOMEM : watch_library(server);
    }
    if (error == 0) {
        *out = server;
        return 0;
    }
    close_listeners(server);
    if (server->mhd != NULL)
        MHD_stop_daemon(server->mhd);
    free(server);
    return error;
}

/* --- the end --- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;
    void (*closed)(void *) = server->config.closed;
    void *owner = server->config.owner;
    if (--server->open_handles > 0)
        return;
    free(server);
    closed(owner);
}

void http_server_close(struct http_server *server)
{
    close_listeners(server);
    /* Before the library closes the descriptor that is watched. */
    uv_close((uv_handle_t *)&server->ready, on_handle_closed);
    uv_close((uv_handle_t *)&server->timer, on_handle_closed);
    http_exchanges_release(server);
    MHD_stop_daemon(server->mhd);
}

size_t http_server_address_count(const struct http_server *server)
{
    return server->listener_count;
}

const struct address *http_server_address(const struct http_server *server, size_t index)
{
    assert(index < server->listener_count);
    return tcp_listener_address(server->listeners[index]);
}
