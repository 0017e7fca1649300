/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/port_table.h"

#include <errno.h>
#include <stdlib.h>

enum { PORTS = 65536 };

/* Half a megabyte for an address, of which the kernel only gives what ports in use lie in. */
int port_table_put(
    struct port_table *table, unsigned address, uint16_t port, struct packet_socket *socket)
{
    struct packet_socket ***ports = &table->by_port[address];
    if (*ports == NULL)
        *ports = calloc(PORTS, sizeof(**ports));
    if (*ports == NULL)
        return -ENOMEM;
    if ((*ports)[port] != NULL)
        return -EEXIST;
    (*ports)[port] = socket;
    return 0;
}

bool port_table_remove(
    struct port_table *table, unsigned address, uint16_t port, const struct packet_socket *socket)
{
    if (port_table_find(table, address, port) != socket)
        return false;
    table->by_port[address][port] = NULL;
    return true;
}

void port_table_done(struct port_table *table)
{
    for (size_t i = 0; i < COUNT_OF(table->by_port); i++)
        free(table->by_port[i]);
    *table = (struct port_table){.by_port = {NULL}};
}
