/* SPDX-License-Identifier: Apache-2.0 */
/* turnserver/relays.h - relayed transport addresses: a UDP socket, or a listening TCP port. */
#ifndef TURNSERVER_RELAYS_H
#define TURNSERVER_RELAYS_H

#include "turnserver/relay_ports.h"
#include "turnserver/state.h"

struct relay_socket {
    struct turn_relay base; /* first */
    struct turn_worker *worker;
    size_t address;                /* index into the configured relays */
    struct packet_socket *socket;  /* UDP */
    struct tcp_listener *listener; /* TCP */
};

/* As turn_host.open_relay() and close_relay(). */
NODISCARD int relay_socket_open(struct turn_worker *w, const struct turn_relay_wish *wish,
    const struct turn_path *path, struct turn_relay **out);
/* The same for a port that is taken, for UDP, with the address that clients and peers were told.
 * Takes port and descriptor; with an error it has given them back. */
NODISCARD int relay_socket_adopt(struct turn_worker *w, const struct relay_port *port,
    const struct address *relayed, struct turn_relay **out);
void relay_socket_close(struct turn_worker *w, struct turn_relay *relay);

#endif
