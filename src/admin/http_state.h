/* SPDX-License-Identifier: Apache-2.0 */
/* admin/http_state.h - what http_server.c (the loop) and http_exchange.c (a request) share. */
#ifndef ADMIN_HTTP_STATE_H
#define ADMIN_HTTP_STATE_H

#include <microhttpd.h>

#include "admin/http_server.h"
#include "admin/local_listener.h"
#include "base/list.h"
#include "net/tcp_listener.h"

struct http_server {
    uv_loop_t *loop;
    struct http_server_config config;
    struct tcp_listener *listeners[LISTEN_MAX];
    size_t listener_count;
    struct local_listener *local; /* NULL: none */
    struct MHD_Daemon *mhd;
    uv_poll_t ready;
    uv_timer_t timer;
    unsigned open_handles;
    struct list exchanges;
    size_t exchange_count;
    uint64_t last_id;
};

/* Makes the library run in the next turn of the loop. */
void http_server_wake(struct http_server *server);

/* So many connections are open now. */
void http_server_count(struct http_server *server, size_t connections);

/* The library's callbacks; `owner` is the server. The target is taken before the library decodes
 * it: route.c does that, after it was split. */
void *http_exchange_target(void *owner, const char *target, struct MHD_Connection *connection);
enum MHD_Result http_exchange_continue(void *owner, struct MHD_Connection *connection,
    const char *url, const char *method, const char *version, const char *data, size_t *data_len,
    void **context);
void http_exchange_come_and_go(void *owner, struct MHD_Connection *connection, void **context,
    enum MHD_ConnectionNotificationCode code);

/* Does what is due at `now_ms`. */
void http_exchanges_expire(struct http_server *server, uint64_t now_ms);

/* When it is to be done next; UINT64_MAX: never. */
uint64_t http_exchanges_due(const struct http_server *server);

/* Lets go of those that wait, as the library must know before it is stopped. */
void http_exchanges_release(struct http_server *server);

#endif
