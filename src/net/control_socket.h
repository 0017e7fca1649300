/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/control_socket.h - datagrams of a control protocol (ng over UDP) on a loop.
 *
 * Requests of up to 65,535 bytes; every reply leaves from the address its request came to. An
 * address that is not on this machine may come later: requests arrive from then on.
 */
#ifndef NET_CONTROL_SOCKET_H
#define NET_CONTROL_SOCKET_H

#include <uv.h>

#include "mediaferry/address.h"

struct control_socket;

/* Who asked, and to which address of ours: a value, kept until the reply. */
struct control_peer {
    struct address remote;
    struct address local;
};

struct control_socket_config {
    struct address listen;
    unsigned tos;
    /* `request` is borrowed for the call. */
    void (*on_request)(void *owner, struct control_socket *socket, const struct control_peer *peer,
        struct bytes request);
    void *owner; /* borrowed */
};

/* Returns 0 and a new socket in `out`, or a negative errno or UV_E code. */
NODISCARD int control_socket_open(
    uv_loop_t *loop, const struct control_socket_config *config, struct control_socket **out);

/* Returns 0 or a negative errno: -EAGAIN when the send queue is full, -EMSGSIZE. */
NODISCARD int control_socket_send(
    struct control_socket *socket, const struct control_peer *peer, struct bytes reply);

/* No more requests: those that come wait in the socket. Replies can be sent. */
void control_socket_pause(struct control_socket *socket);

/* What it is bound to. */
const struct address *control_socket_address(const struct control_socket *socket);

/* Whether that address was not on this machine when it was opened. */
bool control_socket_is_absent(const struct control_socket *socket);

/* No more requests; the memory is freed from the loop. Accepts NULL. */
void control_socket_close(struct control_socket *socket);

#endif
