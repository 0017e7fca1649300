/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/listener.h"

#include <stdlib.h>

#include "base/log.h"

struct ng_listener {
    struct control_socket *socket;
    struct ng_server *server;
};

static void send_reply(const struct ng_source *source, struct bytes message)
{
    const struct ng_listener *listener = source->owner;
    int error = control_socket_send(listener->socket, &source->peer, message);
    if (error == 0)
        return;
    char remote[ADDRESS_TEXT_SIZE];
    log_event(LOG_WARNING, LOG_NO_CALL, "ng-reply-lost", "source=%s bytes=%zu error=%s",
        address_text(&source->peer.remote, remote), message.len, uv_strerror(error));
}

static void receive(void *owner, struct control_socket *socket, const struct control_peer *peer,
    struct bytes request)
{
    struct ng_listener *listener = owner;
    struct ng_source source = {.send = send_reply, .owner = listener, .peer = *peer};
    (void)socket;
    ng_server_receive(listener->server, request, &source);
}

static void say_absent(const struct ng_listener *listener)
{
    char address[ADDRESS_TEXT_SIZE];
    if (control_socket_is_absent(listener->socket))
        log_event(LOG_NOTICE, LOG_NO_CALL, "ng-address-absent",
            "address=%s/udp why=\"not on this machine now, requests are taken when it comes\"",
            address_text(control_socket_address(listener->socket), address));
}

int ng_listener_open(uv_loop_t *loop, const struct address *address, unsigned tos,
    struct ng_server *server, struct ng_listener **out)
{
    struct ng_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL)
        return -ENOMEM;
    listener->server = server;
    struct control_socket_config config = {
        .listen = *address, .tos = tos, .on_request = receive, .owner = listener};
    int error = control_socket_open(loop, &config, &listener->socket);
    if (error != 0) {
        free(listener);
        return error;
    }
    say_absent(listener);
    *out = listener;
    return 0;
}

const struct address *ng_listener_address(const struct ng_listener *listener)
{
    return control_socket_address(listener->socket);
}

void ng_listener_pause(struct ng_listener *listener)
{
    control_socket_pause(listener->socket);
}

void ng_listener_close(struct ng_listener *listener)
{
    if (listener == NULL)
        return;
    control_socket_close(listener->socket);
    free(listener);
}
