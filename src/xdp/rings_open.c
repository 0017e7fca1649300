/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "xdp/failure.h"
#include "xdp/program_layout.h"
#include "xdp/rings_state.h"

/* The kernel counts a sent frame, with what it puts around it, against the socket's buffer. A limit
 * is of no use: there are only so many frames. */
static void widen_send_buffer(int fd, size_t frames)
{
    int size = (int)(frames * 2 * XDP_FRAME_SIZE);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* What a process had that has just ended is free after a moment only. */
enum { BUSY_TRIES = 50, BUSY_WAIT_MS = 10 };

static int create_socket(struct rings *rings, const struct rings_config *config)
{
    const struct queue_config *queue = &config->queue->config;
    const struct xsk_socket_config socket = {
        .rx_size = (uint32_t)config->receive_size,
        .tx_size = (uint32_t)queue->send_frames,
        .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
        .bind_flags = XDP_COPY, /* for the first socket; the others do as that one */
    };
    int error = -EBUSY;
    for (int tries = 0; error == -EBUSY && tries < BUSY_TRIES; tries++) {
        if (tries > 0)
            poll(NULL, 0, BUSY_WAIT_MS);
        error = xsk_socket__create(&rings->socket, config->interface, queue->index,
            config->queue->umem, &rings->received, config->sends ? &rings->sending : NULL, &socket);
    }
    return error;
}

static int open_socket(struct rings *rings, const struct rings_config *config, struct str *why)
{
    unsigned index = config->queue->config.index;
    int error = create_socket(rings, config);
    if (error == -EBUSY) {
        str_addf(why, "another program has AF_XDP sockets at queue %u", index);
        return error;
    }
    if (error != 0)
        return xdp_failure(why, error, "open an AF_XDP socket at queue %u", index);
    rings->fd = xsk_socket__fd(rings->socket);
    return 0;
}

static int open_sending(struct rings *rings, const struct rings_config *config, struct str *why)
{
    if (!config->sends)
        return 0;
    rings->sends = true;
    rings->sender = config->sender;
    widen_send_buffer(rings->fd, config->queue->config.send_frames);
    if (queue_make_stack(config->queue, config->sender, &rings->unused) != 0)
        return xdp_failure(why, -ENOMEM, "open an AF_XDP socket");
    return 0;
}

int rings_open(const struct rings_config *config, struct rings **out, struct str *why)
{
    struct rings *rings = cache_line_calloc(1, sizeof(*rings));
    if (rings == NULL)
        return xdp_failure(why, -ENOMEM, "open an AF_XDP socket");
    rings->queue = config->queue;

    int error = open_socket(rings, config, why);
    if (error == 0)
        error = open_sending(rings, config, why);
    if (error != 0) {
        rings_close(rings);
        return error;
    }
    *out = rings;
    return 0;
}

void rings_close(struct rings *rings)
{
    if (rings == NULL)
        return;
    xsk_socket__delete(rings->socket);
    free(rings->unused.addresses);
    free(rings);
}
