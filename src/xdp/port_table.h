/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/port_table.h - whose frames these are: a worker's sockets by local address and port.
 *
 * The other half of the program's table (xdp/program.h), which knows only the worker. A look-up is
 * two reads. Used in the worker's thread.
 */
#ifndef XDP_PORT_TABLE_H
#define XDP_PORT_TABLE_H

#include "mediaferry/bytes.h"
#include "xdp/program_layout.h"

struct packet_socket;

/* All zeros is an empty one. */
struct port_table {
    struct packet_socket **by_port[XDP_ADDRESSES_MAX]; /* 65,536 each, or NULL */
};

/* Borrows `socket`. Returns 0, -EEXIST when another one is there, or -ENOMEM. */
NODISCARD int port_table_put(
    struct port_table *table, unsigned address, uint16_t port, struct packet_socket *socket);

/* Takes `socket` out; false when it is not there. */
bool port_table_remove(
    struct port_table *table, unsigned address, uint16_t port, const struct packet_socket *socket);

void port_table_done(struct port_table *table);

/* NULL when there is none. */
static inline struct packet_socket *port_table_find(
    const struct port_table *table, unsigned address, uint16_t port)
{
    return table->by_port[address] != NULL ? table->by_port[address][port] : NULL;
}

#endif
