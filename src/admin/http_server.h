/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin/http_server.h - libmicrohttpd on a libuv loop: small requests, one a connection.
 *
 *     READING --- request whole ---> ANSWERING --- http_respond() ---> WRITING ---> closed
 *        |                              |                                 |
 *        +-- refused() --> WRITING      +-- deadline: late() --> WRITING  +-- stalled --> closed
 *        +-- timeout ----> closed
 *
 * The library speaks HTTP, never blocks and knows no loop: here is what it leaves to its user. Its
 * epoll descriptor is watched, its timeouts and ours share a timer, and a connection that waits for
 * an answer is suspended. Everything is bounded: connections, head, body, and the time in each
 * state. A request may be answered at any time after it came. One loop's thread only.
 */
#ifndef ADMIN_HTTP_SERVER_H
#define ADMIN_HTTP_SERVER_H

#include <sys/types.h>
#include <uv.h>

#include "admin/http_request.h"
#include "base/str.h"
#include "net/listen_address.h"

enum { HTTP_MAX_HEAD = 8192, HTTP_MAX_BODY = 4096 }; /* bytes */

/* Connections over the unix socket that find room when those over TCP have taken all. */
enum { HTTP_LOCAL_RESERVE = 8 };

struct http_server;

/* A connection, and the request on it. */
struct http_exchange;

struct http_field {
    const char *name; /* NULL: none */
    const char *value;
};

struct http_response {
    unsigned status;
    const char *content_type;
    struct http_field field; /* one more */
    struct str body;         /* taken */
};

struct http_server_config {
    const struct listen_addresses *listen; /* borrowed for the call */
    const char *local;                     /* path of a unix socket, copied; NULL: none */
    size_t max_connections;                /* others wait in the kernel */
    unsigned read_timeout_ms; /* for the whole request, from the connection on; then closed */
    unsigned deadline_ms;     /* for its answer */
    unsigned stall_timeout_s; /* without a byte in either direction */

    /* A request to answer, now or later. */
    void (*request)(void *owner, struct http_exchange *exchange);
    /* The deadline has passed: to be answered now. */
    void (*late)(void *owner, struct http_exchange *exchange);
    /* Not acceptable: to be answered now, with this status. What the library itself cannot read it
     * answers alone. */
    void (*refused)(void *owner, struct http_exchange *exchange, unsigned status);
    /* The number of connections has changed. */
    void (*counted)(void *owner, size_t connections);
    /* After http_server_close(): the memory is free. */
    void (*closed)(void *owner);
    void *owner; /* borrowed */
};

/* Returns 0 and a new server in `out`, or a negative errno or UV_E code with a sentence in `why`;
 * then `closed` is not called. */
NODISCARD int http_server_open(uv_loop_t *loop, const struct http_server_config *config,
    struct http_server **out, struct str *why);

size_t http_server_address_count(const struct http_server *server);
const struct address *http_server_address(const struct http_server *server, size_t index);

/* Of each exchange, never 0. */
uint64_t http_exchange_id(const struct http_exchange *exchange);

/* The one that waits for its answer; NULL when it is gone or answered. */
struct http_exchange *http_server_find(struct http_server *server, uint64_t id);

/* Borrowed until it is answered, `authorization` and the body within request() only. Of a request
 * that was refused: what was read of it. */
const struct http_request *http_exchange_request(const struct http_exchange *exchange);
struct text http_exchange_body(const struct http_exchange *exchange);
const struct address *http_exchange_peer(const struct http_exchange *exchange);

/* False when it came over TCP; else who is at the other end. Family of the peer: none. */
NODISCARD bool http_exchange_local_peer(const struct http_exchange *exchange, uid_t *out);

/* Once for each exchange handed over. To HEAD the body is measured, but not sent. */
void http_respond(struct http_exchange *exchange, struct http_response *response);

/* Everything open is dropped; `closed` comes from the loop. Not from within a callback. */
void http_server_close(struct http_server *server);

#endif
