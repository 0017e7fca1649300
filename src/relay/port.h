/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/port.h - one UDP socket and who is behind it.
 *
 * A leased port serves one component of one transport. A shared port serves many transports, told
 * apart by the address a packet comes from: such a 5-tuple is bound by a connectivity check that
 * has proven itself (or by SDP, for a peer that sends no checks, if nobody has it), and each
 * transport has a bounded number of them.
 */
#ifndef RELAY_PORT_H
#define RELAY_PORT_H

#include "base/list.h"
#include "base/map.h"
#include "net/packet_io.h"

struct relay;
struct transport;

enum { PORT_MAX_TUPLES = 16 /* of one transport */ };

struct port {
    struct relay *relay;
    struct packet_socket *socket; /* NULL: not open */
    struct transport *transport;  /* of a leased port; NULL: nobody uses it now */
    enum packet_channel channel;
    uint8_t index;      /* of a leased port: number among the transport's addresses */
    struct map *tuples; /* of a shared port: struct tuple; NULL: a leased one */
};

struct tuple {
    struct address_node by_source;
    struct list link; /* in the transport's list, the longest idle first */
    struct port *port;
    struct transport *transport;
    uint8_t index; /* of the port among the transport's addresses */
};

/* Takes the descriptor of `config` when it succeeds; returns 0 or a negative errno. `port` is where
 * it will stay. Others in the process may send to it without the kernel. */
NODISCARD int port_open(
    struct port *port, struct relay *relay, const struct packet_socket_config *config);

/* Lets go what waits to be sent, closes the socket and forgets all 5-tuples; harmless when it is
 * not open. */
void port_close(struct port *port);

/* The bound 5-tuple of a packet from `source` to a shared port, or NULL. */
struct tuple *port_find_tuple(const struct port *port, const struct address *source);

/* Binds a 5-tuple to `transport`, whoever had it before. When the transport has too many, the
 * one bound longest ago gives way. */
void port_bind_tuple(
    struct port *port, const struct address *source, struct transport *transport, uint8_t index);

void tuple_free(struct tuple *tuple);

#endif
