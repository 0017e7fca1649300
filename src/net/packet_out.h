/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/packet_out.h - packets laid out for the system calls that send, and what becomes of those
 * that fail. For packet_io back ends.
 */
#ifndef NET_PACKET_OUT_H
#define NET_PACKET_OUT_H

#include "net/packet_control.h"
#include "net/packet_io_socket.h"

enum { PACKET_OUT_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL };

struct packet_out {
    struct packet_io *io; /* borrowed: for its counters */
    struct mmsghdr messages[PACKET_BATCH_MAX];
    struct iovec data[PACKET_BATCH_MAX];
    struct sockaddr_storage to[PACKET_BATCH_MAX];
    union packet_control_tos tos[PACKET_BATCH_MAX];
};

/* Message number `at` becomes that of `p`. */
void packet_out_lay(struct packet_out *out, size_t at, const struct packet *p);

/* Whether only a message with control data says all of it. */
static inline bool packet_out_has_control(const struct packet_out *out, size_t at)
{
    return out->messages[at].msg_hdr.msg_control != NULL;
}

/* Message number `at` failed with a positive errno: counts that, or sends it when the error may be
 * of an earlier one. */
void packet_out_failed(struct packet_out *out, struct io_socket *socket, size_t at, int error);

/* Sends the batch by system calls, and empties it: packet_io_send(). */
void packet_out_send(struct packet_out *out, struct packet_batch *batch);

#endif
