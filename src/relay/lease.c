/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/lease.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "relay/state.h"

struct lease *lease_new(struct relay *relay, const struct relay_sockets *sockets)
{
    struct lease *lease = calloc(1, sizeof(*lease));
    if (lease == NULL)
        return NULL;
    lease->relay = relay;
    lease->listener = relay->config.listener;
    lease->id = sockets->lease;
    lease->advertised = sockets->advertised;
    lease->fds[0] = sockets->rtp_fd;
    lease->fds[1] = sockets->rtcp_fd;
    return lease;
}

struct port *lease_use(struct lease *lease, unsigned component, const struct address *local,
    struct transport *transport, uint8_t index)
{
    struct port *port = &lease->ports[component];
    if (port->socket == NULL) {
        struct packet_socket_config config = {
            .fd = lease->fds[component],
            .local = *local,
            .channel = component == 0 ? PACKET_CHANNEL_RTP : PACKET_CHANNEL_RTCP,
            .advertised = lease->advertised,
        };
        if (config.fd < 0)
            return NULL;
        int error = port_open(port, lease->relay, &config);
        if (error != 0) {
            counter_add(&lease->relay->counters.errors, 1);
            log_event(LOG_ERR, LOG_NO_CALL, "socket-failed", "lease=%u error=%s", lease->id,
                uv_strerror(error));
            return NULL;
        }
    }
    port->transport = transport;
    port->index = index;
    return port;
}

/* Marking is a wish: a kernel that refuses it still carries the packets. */
void lease_set_tos(const struct lease *lease, uint8_t tos)
{
    int value = tos;
    for (unsigned i = 0; i < COUNT_OF(lease->ports); i++) {
        const struct port *port = &lease->ports[i];
        if (port->socket == NULL)
            continue;
        port->socket->tos = tos;
        if (port->socket->local.family == ADDRESS_IP6)
            (void)setsockopt(lease->fds[i], IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value));
        else
            (void)setsockopt(lease->fds[i], IPPROTO_IP, IP_TOS, &value, sizeof(value));
    }
}

bool lease_is_used(const struct lease *lease)
{
    return lease->ports[0].transport != NULL || lease->ports[1].transport != NULL;
}

static void tell_closed(struct message *self, void *owner)
{
    struct lease *lease = CONTAINER_OF(self, struct lease, message);
    (void)owner;
    lease->listener.lease_closed(lease->listener.owner, lease->id);
    free(lease);
}

void lease_close(struct lease *lease)
{
    for (unsigned i = 0; i < COUNT_OF(lease->ports); i++) {
        if (lease->ports[i].socket != NULL)
            port_close(&lease->ports[i]);
        else if (lease->fds[i] >= 0)
            close(lease->fds[i]);
    }
    list_remove(&lease->link);
    lease->message.deliver = tell_closed;
    mailbox_post(lease->relay->config.control, &lease->message);
}
