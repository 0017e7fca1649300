/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/port.h"

#include <errno.h>
#include <stdlib.h>

#include "relay/pipeline.h"
#include "relay/transport.h"

static struct map *new_tuples(void)
{
    struct map *map = malloc(sizeof(*map));
    if (map != NULL)
        map_init(map);
    return map;
}

static void free_tuples(struct port *port)
{
    if (port->tuples == NULL)
        return;
    map_for_each (at, port->tuples)
        tuple_free(CONTAINER_OF(at, struct tuple, by_source.link));
    map_done(port->tuples);
    free(port->tuples);
    port->tuples = NULL;
}

int port_open(struct port *port, struct relay *relay, const struct packet_socket_config *config)
{
    struct packet_socket_config own = *config;
    own.user = port;
    own.reachable = true;
    own.want_timestamp = true; /* for jitter and round-trip times */

    *port = (struct port){.relay = relay, .channel = config->channel};
    if (config->channel == PACKET_CHANNEL_SHARED && (port->tuples = new_tuples()) == NULL)
        return -ENOMEM;
    int error = worker_open_socket(relay->module, &own, &port->socket);
    if (error != 0)
        free_tuples(port);
    return error;
}

void port_close(struct port *port)
{
    if (port->socket == NULL)
        return;
    free_tuples(port);
    pipeline_slow_forget(port->relay, port->socket);
    worker_flush(port->relay->worker);
    worker_close_socket(port->relay->worker, port->socket);
    port->socket = NULL;
}

struct tuple *port_find_tuple(const struct port *port, const struct address *source)
{
    struct address_node *node = address_map_find(port->tuples, source);
    return node == NULL ? NULL : CONTAINER_OF(node, struct tuple, by_source);
}

static struct tuple *new_tuple(struct port *port, struct transport *transport)
{
    if (transport->tuple_count == PORT_MAX_TUPLES)
        tuple_free(CONTAINER_OF(list_first(&transport->tuples), struct tuple, link));
    struct tuple *tuple = pool_take(&port->relay->tuples);
    if (tuple == NULL)
        counter_add(&port->relay->counters.errors, 1);
    return tuple;
}

void port_bind_tuple(
    struct port *port, const struct address *source, struct transport *transport, uint8_t index)
{
    struct tuple *tuple = port_find_tuple(port, source);
    if (tuple != NULL && tuple->transport == transport) {
        tuple->index = index;
        list_remove(&tuple->link);
        list_push_back(&transport->tuples, &tuple->link);
        return;
    }
    if (tuple != NULL)
        tuple_free(tuple);
    tuple = new_tuple(port, transport);
    if (tuple == NULL)
        return;
    *tuple = (struct tuple){.port = port, .transport = transport, .index = index};
    address_map_put(port->tuples, &tuple->by_source, source);
    list_push_back(&transport->tuples, &tuple->link);
    transport->tuple_count++;
}

void tuple_free(struct tuple *tuple)
{
    address_map_remove(tuple->port->tuples, &tuple->by_source);
    list_remove(&tuple->link);
    tuple->transport->tuple_count--;
    pool_give(&tuple->port->relay->tuples, tuple);
}
