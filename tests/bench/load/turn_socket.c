/* SPDX-License-Identifier: Apache-2.0 */
#include "turn_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "udp.h"

enum { NS_PER_S = 1000000000, BUFFER_SIZE = 16 << 20 };

static void lay_out(struct turn_socket *s)
{
    for (unsigned i = 0; i < TURN_OUT; i++) {
        s->out.parts[i].iov_base = s->out.data[i];
        s->out.messages[i].msg_hdr = (struct msghdr){.msg_name = &s->out.to[i],
            .msg_namelen = sizeof(s->out.to[i]),
            .msg_iov = &s->out.parts[i],
            .msg_iovlen = 1};
    }
    for (unsigned i = 0; i < TURN_IN; i++) {
        s->in.parts[i] = (struct iovec){s->in.data[i], TURN_DATA_MAX};
        s->in.messages[i].msg_hdr = (struct msghdr){.msg_name = &s->in.from[i],
            .msg_iov = &s->in.parts[i],
            .msg_iovlen = 1,
            .msg_control = &s->in.control[i]};
    }
}

/* Room for what thousands of clients are sent, beyond the limits of the system where that is
 * allowed. */
static bool ask_for_all(int fd)
{
    int on = 1, size = BUFFER_SIZE;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) == 0;
}

struct turn_socket *turn_socket_open(const struct address *local)
{
    struct turn_socket *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->fd = udp_bind(local);
    if (s->fd < 0 || !ask_for_all(s->fd)) {
        errno = s->fd < 0 ? -s->fd : errno;
        turn_socket_close(s);
        return NULL;
    }
    lay_out(s);
    return s;
}

void turn_socket_close(struct turn_socket *s)
{
    if (s == NULL)
        return;
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

struct writer turn_socket_room(struct turn_socket *s)
{
    return writer_over(s->out.data[s->queued], TURN_DATA_MAX);
}

static void put_source(struct msghdr *message, union turn_out_control *room, uint32_t source)
{
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(source)};
    message->msg_control = source == 0 ? NULL : room;
    message->msg_controllen = source == 0 ? 0 : sizeof(*room);
    if (source == 0)
        return;
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(info));
    memcpy(CMSG_DATA(c), &info, sizeof(info));
}

void turn_socket_put(struct turn_socket *s, size_t len, uint32_t source,
    const struct sockaddr_in *to, uint64_t *sent_ns)
{
    unsigned i = s->queued++;
    s->out.parts[i].iov_len = len;
    s->out.to[i] = *to;
    s->out.sent_ns[i] = sent_ns;
    put_source(&s->out.messages[i].msg_hdr, &s->out.control[i], source);
    if (s->queued == TURN_OUT)
        turn_socket_flush(s);
}

static void note_sending(struct turn_socket *s, unsigned from, unsigned to, uint64_t now_ns)
{
    for (unsigned i = from; i < to; i++)
        if (s->out.sent_ns[i] != NULL)
            *s->out.sent_ns[i] = now_ns;
}

void turn_socket_flush(struct turn_socket *s)
{
    unsigned at = 0;
    while (at < s->queued) {
        note_sending(s, at, s->queued, udp_now_ns());
        int sent = sendmmsg(s->fd, s->out.messages + at, s->queued - at, 0);
        if (sent > 0) {
            at += (unsigned)sent;
        } else if (errno != EINTR) {
            s->failed++;
            note_sending(s, at, at + 1, 0);
            at++;
        }
    }
    s->queued = 0;
}

unsigned turn_socket_receive(struct turn_socket *s)
{
    struct timespec wall;
    for (unsigned i = 0; i < TURN_IN; i++) {
        s->in.messages[i].msg_hdr.msg_namelen = sizeof(s->in.from[i]);
        s->in.messages[i].msg_hdr.msg_controllen = sizeof(s->in.control[i]);
    }
    int got = recvmmsg(s->fd, s->in.messages, TURN_IN, MSG_DONTWAIT, NULL);
    s->got = got < 0 ? 0 : (unsigned)got;
    clock_gettime(CLOCK_REALTIME, &wall);
    s->clock_offset_ns = (uint64_t)wall.tv_sec * NS_PER_S + (uint64_t)wall.tv_nsec - udp_now_ns();
    return s->got;
}

static void read_control(
    const struct turn_socket *s, struct msghdr *message, struct turn_datagram *out)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        struct in_pktinfo info;
        struct timespec at;
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            out->to_ip = ntohl(info.ipi_addr.s_addr);
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            memcpy(&at, CMSG_DATA(c), sizeof(at));
            out->arrived_ns =
                (uint64_t)at.tv_sec * NS_PER_S + (uint64_t)at.tv_nsec - s->clock_offset_ns;
        }
    }
}

struct turn_datagram turn_socket_at(struct turn_socket *s, unsigned i)
{
    struct turn_datagram d = {
        .data = bytes_of(s->in.data[i], s->in.messages[i].msg_len),
        .from_ip = ntohl(s->in.from[i].sin_addr.s_addr),
        .from_port = ntohs(s->in.from[i].sin_port),
    };
    read_control(s, &s->in.messages[i].msg_hdr, &d);
    return d;
}

void turn_socket_wait(const struct turn_socket *s, uint64_t timeout_ns)
{
    struct pollfd fd = {.fd = s->fd, .events = POLLIN};
    struct timespec timeout = {
        .tv_sec = (time_t)(timeout_ns / NS_PER_S), .tv_nsec = (long)(timeout_ns % NS_PER_S)};
    ppoll(&fd, 1, &timeout, NULL);
}
