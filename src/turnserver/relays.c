/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/relays.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/tcp_listener.h"
#include "turnserver/peers.h"

enum { MAX_TRIES = 64 };

/* The relay address of the IP that the client came to, else the first of the family. */
static int choose_address(const struct turnserver_config *config, enum address_family family,
    const struct turn_path *path, size_t *out)
{
    int error = -EAFNOSUPPORT;
    for (size_t i = 0; i < config->relay_count; i++) {
        const struct address *bind = &config->relays[i].bind;
        if (bind->family != family || (error == 0 && !address_same_ip(bind, &path->server)))
            continue;
        *out = i;
        error = 0;
    }
    return error;
}

static int open_udp(struct turn_worker *w, struct relay_socket *relay, int fd)
{
    struct packet_socket_config config = {
        .fd = fd,
        .local = relay->base.local,
        .advertised = relay->base.relayed,
        .channel = PACKET_CHANNEL_RELAYED,
        .want_tos = true,
        .tos = (uint8_t)w->server->config.tos,
        .want_icmp = true,
        .want_df = true,
        .reachable = true,
        .user = relay,
    };
    int error = worker_open_socket(w->module, &config, &relay->socket);
    if (error != 0)
        close(fd);
    return error;
}

static int open_tcp(struct turn_worker *w, struct relay_socket *relay)
{
    struct tcp_listener_config config = {
        .bind = relay->base.local,
        .share_port = true, /* with the connections that leave from it */
        .on_connection = peers_accept,
        .owner = relay,
    };
    return tcp_listener_open(worker_loop(w->worker), &config, &relay->listener);
}

static int take_port(struct turn_worker *w, const struct turn_relay_wish *wish,
    const struct turn_path *path, struct relay_port *port, uint8_t token[TURN_TOKEN_SIZE])
{
    uint64_t now_ms = worker_now_ms(w->worker);
    if (wish->token != NULL)
        return relay_ports_redeem(w->server->ports, wish->token, now_ms, port);
    struct relay_port_wish own = {
        .tcp = wish->tcp,
        .even = wish->even,
        .reserve_next = wish->reserve_next,
        .payer = quotas_number(w->server->quotas, auth_identity_realm(wish->identity),
            auth_identity_user(wish->identity)),
        .max_reserved = w->settings->user_quota,
    };
    int error = choose_address(&w->server->config, wish->family, path, &own.address);
    return error != 0 ? error : relay_ports_take(w->server->ports, &own, now_ms, port, token);
}

static int open_at(struct turn_worker *w, struct relay_socket *relay, const struct relay_port *port,
    const struct address *relayed)
{
    relay->worker = w;
    relay->address = port->address;
    relay->base.local = w->server->config.relays[port->address].bind;
    relay->base.relayed = *relayed;
    relay->base.local.port = relay->base.relayed.port = port->port;
    int error = port->tcp ? open_tcp(w, relay) : open_udp(w, relay, port->fd);
    if (error != 0)
        relay_ports_give(w->server->ports, port->address, port->port);
    return error;
}

int relay_socket_open(struct turn_worker *w, const struct turn_relay_wish *wish,
    const struct turn_path *path, struct turn_relay **out)
{
    struct relay_socket *relay = calloc(1, sizeof(*relay));
    struct relay_port port;
    int error, tries = 0;
    if (relay == NULL)
        return -ENOMEM;
    do { /* a TCP port is only found out to be somebody else's by listening on it */
        error = take_port(w, wish, path, &port, relay->base.reserved);
        if (error == 0)
            error = open_at(w, relay, &port, &w->server->config.relays[port.address].external);
    } while (error == -EADDRINUSE && wish->tcp && ++tries < MAX_TRIES);
    if (error != 0) {
        free(relay);
        return error;
    }
    *out = &relay->base;
    return 0;
}

int relay_socket_adopt(struct turn_worker *w, const struct relay_port *port,
    const struct address *relayed, struct turn_relay **out)
{
    struct relay_socket *relay = calloc(1, sizeof(*relay));
    int error = relay == NULL ? -ENOMEM : 0;
    if (relay == NULL) {
        close(port->fd);
        relay_ports_give(w->server->ports, port->address, port->port);
    } else {
        error = open_at(w, relay, port, relayed);
    }
    if (error != 0) {
        free(relay);
        return error;
    }
    *out = &relay->base;
    return 0;
}

void relay_socket_close(struct turn_worker *w, struct turn_relay *base)
{
    struct relay_socket *relay = (struct relay_socket *)base;
    worker_close_socket(w->worker, relay->socket);
    tcp_listener_close(relay->listener);
    relay_ports_give(w->server->ports, relay->address, base->local.port);
    free(relay);
}
