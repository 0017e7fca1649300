/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turnserver/relay_ports.h - the ports of relayed transport addresses, shared by all workers.
 *
 * A port is drawn at random and its socket bound here, so that a port in use by somebody else is
 * found out at once and another one drawn. Ports kept by EVEN-PORT wait, bound, for the client that
 * shows the token (RFC 8656, sections 7.2 and 18.7). Any thread; nothing blocks but bind(2).
 */
#ifndef TURNSERVER_RELAY_PORTS_H
#define TURNSERVER_RELAY_PORTS_H

#include "mediaferry/address.h"
#include "turn/turn.h"

enum { RESERVATION_MS = 30000, MAX_RESERVATIONS = 1024 };

struct relay_ports;

/* Returns a new set of ports min..max on each address (ports 0), or NULL when out of memory. */
NODISCARD struct relay_ports *relay_ports_new(
    const struct address *addresses, size_t count, uint16_t min, uint16_t max, unsigned tos);

/* Closes what is reserved; accepts NULL. */
void relay_ports_free(struct relay_ports *ports);

/* Never gives `port` away: one that we listen on, which TCP would let a relayed address share.
 * Before the first is taken. */
void relay_ports_keep_out(struct relay_ports *ports, uint16_t port);

struct relay_port {
    size_t address; /* index */
    uint16_t port;
    bool tcp;
    int fd; /* UDP: bound and non-blocking, the caller takes it; TCP: -1, the number alone */
};

/* What is asked of relay_ports_take(). */
struct relay_port_wish {
    size_t address;
    bool tcp, even, reserve_next;
    uint64_t payer;        /* stands for the user who reserves */
    uint64_t max_reserved; /* ports that wait for him; 0: no limit */
};

/* Takes a port. With `reserve_next` the port after it is kept under the new `token`. Returns 0, or
 * -ENOSPC when there is none, or another negative errno. */
NODISCARD int relay_ports_take(struct relay_ports *ports, const struct relay_port_wish *wish,
    uint64_t now_ms, struct relay_port *out, uint8_t token[TURN_TOKEN_SIZE]);

/* Takes just this port, for UDP. Returns 0; -ERANGE: it is not one of ours to give, -EBUSY:
 * somebody of ours has it; or another negative errno. */
NODISCARD int relay_ports_take_at(
    struct relay_ports *ports, size_t address, uint16_t port, struct relay_port *out);

/* Takes the port kept under `token`; -ENOENT when there is none (any more). */
NODISCARD int relay_ports_redeem(struct relay_ports *ports, const uint8_t token[TURN_TOKEN_SIZE],
    uint64_t now_ms, struct relay_port *out);

/* Gives a port back, once its socket is closed. */
void relay_ports_give(struct relay_ports *ports, size_t address, uint16_t port);

/* Gives back what nobody came for. */
void relay_ports_sweep(struct relay_ports *ports, uint64_t now_ms);

struct relay_ports_usage {
    uint64_t total, used, reserved;
};

struct relay_ports_usage relay_ports_usage(struct relay_ports *ports);

#endif
