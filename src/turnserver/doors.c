/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/doors.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "mediaferry/proxy_protocol.h"
#include "net/tcp_listener.h"
#include "net/tcp_socket.h"
#include "net/udp_socket.h"
#include "turnserver/stream_clients.h"

/* Clients that one proxy address stands for at one door, and how long without a datagram. */
enum { MAX_PROXIED = 65536, PROXIED_SILENT_MS = 600 * 1000 };

/* Of a UDP socket: what the calls of a thousand clients send while a flood is dealt with. */
enum { RECEIVE_BUFFER = 4 << 20 };

/* A proxy sends the datagrams of each client from a port of its own. */
struct proxied {
    struct address_node by_hop;
    struct address client;
    uint64_t seen_ms;
};

/* --- behind a proxy ----------------------------------------------------------------------------
 */

static struct proxied *find_proxied(const struct door *door, const struct address *hop)
{
    struct address_node *node = address_map_find(&door->proxied, hop);
    return node == NULL ? NULL : CONTAINER_OF(node, struct proxied, by_hop);
}

static void forget(struct door *door, struct proxied *proxied)
{
    address_map_remove(&door->proxied, &proxied->by_hop);
    free(proxied);
}

static struct proxied *remember(
    struct door *door, const struct address *hop, const struct address *client)
{
    struct proxied *proxied = find_proxied(door, hop);
    if (proxied == NULL && door->proxied.count < MAX_PROXIED &&
        (proxied = calloc(1, sizeof(*proxied))) != NULL) {
        address_map_put(&door->proxied, &proxied->by_hop, hop);
    }
    if (proxied != NULL)
        proxied->client = *client;
    return proxied;
}

void door_remember(
    struct door *door, const struct address *hop, const struct address *client, uint64_t now_ms)
{
    struct proxied *proxied = remember(door, hop, client);
    if (proxied != NULL)
        proxied->seen_ms = now_ms;
}

bool door_ask_proxy(struct door *door, struct packet *p, uint64_t now_ms, struct address *client)
{
    *client = p->peer;
    if (!address_ranges_contain(&door->worker->settings->proxies, &p->peer))
        return true;

    struct proxy_header header;
    struct proxied *proxied = NULL;
    switch (proxy_parse(packet_bytes(p), &header, NULL)) {
    case PROXY_OK:
        p->data += header.size;
        p->len -= header.size;
        if (header.source.family == ADDRESS_NONE)
            return true; /* the proxy speaks for itself */
        proxied = remember(door, &p->peer, &header.source);
        break;
    case PROXY_NOT_PROXY:
        proxied = find_proxied(door, &p->peer);
        break;
    case PROXY_NEED_MORE: /* a datagram is whole */
    case PROXY_BAD:
        break;
    }
    if (proxied == NULL) {
        p->drop = DROP_TURN_PROXY;
        return false;
    }
    proxied->seen_ms = now_ms;
    *client = proxied->client;
    return true;
}

void doors_sweep(struct turn_worker *w, uint64_t now_ms)
{
    for (size_t i = 0; i < w->door_count; i++) {
        map_for_each (at, &w->doors[i].proxied) {
            struct proxied *proxied = CONTAINER_OF(at, struct proxied, by_hop.link);
            if (now_ms - proxied->seen_ms > PROXIED_SILENT_MS)
                forget(&w->doors[i], proxied);
        }
    }
}

/* --- sockets -----------------------------------------------------------------------------------
 */

static int complain(const struct address *at, const char *protocol, int error, struct str *why)
{
    char text[ADDRESS_TEXT_SIZE];
    str_addf(
        why, "cannot listen on %s/%s: %s", address_text(at, text), protocol, uv_strerror(error));
    return error;
}

static int open_udp(struct turn_worker *w, const struct address *at, struct str *why)
{
    struct udp_socket_config udp = {
        .bind = *at,
        .reuse_port = true,
        .free_bind = true, /* a standby gets the shared address when it takes over */
        .receive_buffer = RECEIVE_BUFFER,
        .tos = w->server->config.tos,
    };
    struct door *door = &w->doors[w->door_count];
    struct packet_socket_config config = {.local = *at,
        .channel = PACKET_CHANNEL_TURN,
        .want_tos = true,
        .tos = (uint8_t)udp.tos,
        .user = door};

    int error = udp_socket_open(&udp, &config.fd);
    if (error != 0)
        return complain(at, "udp", error, why);
    error = worker_open_socket(w->module, &config, &door->socket);
    if (error != 0) {
        close(config.fd);
        return complain(at, "udp", error, why);
    }
    door->worker = w;
    map_init(&door->proxied);
    w->door_count++;
    return 0;
}

static int open_tcp(struct turn_worker *w, const struct address *at, struct str *why)
{
    struct tcp_listener_config config = {
        .bind = *at,
        .share_port = true,
        .free_bind = true,
        .on_connection = stream_clients_accept,
        .owner = w,
    };
    int error =
        tcp_listener_open(worker_loop(w->worker), &config, &w->listeners[w->listener_count]);
    if (error != 0)
        return complain(at, "tcp", error, why);
    w->listener_count++;
    return 0;
}

/* Sockets that share a port would share it with another process of the same user, which would get
 * its part of the clients. So the first worker tries whether it can have the port alone. */
static int try_alone(
    const struct turnserver_config *config, const struct address *at, struct str *why)
{
    struct udp_socket_config udp = {.bind = *at, .free_bind = true};
    struct tcp_socket_config tcp = {.bind = *at, .free_bind = true};
    int fd, error = 0;
    if (config->udp || config->dtls) {
        error = udp_socket_open(&udp, &fd);
        if (error != 0)
            return complain(at, "udp", error, why);
        close(fd);
    }
    if (config->tcp || config->tls) {
        error = tcp_socket_listen(&tcp, &fd);
        if (error != 0)
            return complain(at, "tcp", error, why);
        close(fd);
    }
    return 0;
}

int doors_open(struct turn_worker *w, struct str *why)
{
    const struct turnserver_config *config = &w->server->config;
    w->doors = calloc(config->listen_count + 1, sizeof(*w->doors));
    w->listeners = calloc(config->listen_count + 1, sizeof(struct tcp_listener *));
    if (w->doors == NULL || w->listeners == NULL)
        return -ENOMEM;

    int error = 0;
    for (size_t i = 0; i < config->listen_count && error == 0; i++) {
        if (w->index == 0)
            error = try_alone(config, &config->listen[i], why);
        if (error == 0 && (config->udp || config->dtls))
            error = open_udp(w, &config->listen[i], why);
        if (error == 0 && (config->tcp || config->tls))
            error = open_tcp(w, &config->listen[i], why);
    }
    return error;
}

void doors_close(struct turn_worker *w)
{
    worker_flush(w->worker);
    for (size_t i = 0; i < w->door_count; i++) {
        struct door *door = &w->doors[i];
        map_for_each (at, &door->proxied)
            forget(door, CONTAINER_OF(at, struct proxied, by_hop.link));
        map_done(&door->proxied);
        worker_close_socket(w->worker, door->socket);
    }
    for (size_t i = 0; i < w->listener_count; i++)
        tcp_listener_close(w->listeners[i]);
    w->door_count = w->listener_count = 0;
}

struct door *door_at(const struct turn_worker *w, const struct address *local)
{
    for (size_t i = 0; i < w->door_count; i++)
        if (address_equal(&w->doors[i].socket->local, local))
            return &w->doors[i];
    return NULL;
}
