/* SPDX-License-Identifier: Apache-2.0 */
#include "udp.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { RECEIVE_BUFFER = 4 << 20 };

void fail(const char *what)
{
    fprintf(stderr, "turn_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct sockaddr_in udp_address(uint32_t ip, unsigned port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(ip)};
}

static void lay_out(struct udp_batch *batch)
{
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        batch->parts[i] = (struct iovec){batch->data[i], UDP_DATA_MAX};
        batch->messages[i].msg_hdr = (struct msghdr){.msg_name = &batch->others[i],
            .msg_namelen = sizeof(batch->others[i]),
            .msg_iov = &batch->parts[i],
            .msg_iovlen = 1};
    }
}

struct udp *udp_open(unsigned port)
{
    struct sockaddr_in own = udp_address(INADDR_ANY, port);
    int size = RECEIVE_BUFFER;
    struct udp *u = calloc(1, sizeof(*u));
    if (u == NULL)
        fail("memory");
    u->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (u->fd < 0 || bind(u->fd, (struct sockaddr *)&own, sizeof(own)) != 0)
        fail("cannot open a socket");
    setsockopt(u->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    setsockopt(u->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    lay_out(&u->in);
    lay_out(&u->out);
    return u;
}

void udp_close(struct udp *u)
{
    close(u->fd);
    free(u);
}

uint8_t *udp_room(struct udp *u)
{
    return u->out.data[u->queued];
}

static void put_source(struct msghdr *message, union udp_source *room, uint32_t source)
{
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(source)};
    if (source == 0) {
        message->msg_control = NULL;
        message->msg_controllen = 0;
        return;
    }
    message->msg_control = room;
    message->msg_controllen = sizeof(*room);
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(info));
    memcpy(CMSG_DATA(c), &info, sizeof(info));
}

void udp_put(struct udp *u, size_t len, uint32_t source, const struct sockaddr_in *to)
{
    unsigned i = u->queued++;
    u->out.parts[i].iov_len = len;
    u->out.others[i] = *to;
    put_source(&u->out.messages[i].msg_hdr, &u->out.sources[i], source);
    if (u->queued == UDP_BATCH)
        udp_flush(u);
}

void udp_flush(struct udp *u)
{
    unsigned at = 0;
    while (at < u->queued) {
        int sent = sendmmsg(u->fd, u->out.messages + at, u->queued - at, 0);
        if (sent > 0) {
            at += (unsigned)sent;
        } else if (errno != EINTR) {
            u->failed++;
            at++;
        }
    }
    u->queued = 0;
}

unsigned udp_receive(struct udp *u)
{
    for (unsigned i = 0; i < UDP_BATCH; i++)
        u->in.messages[i].msg_hdr.msg_namelen = sizeof(u->in.others[i]);
    int got = recvmmsg(u->fd, u->in.messages, UDP_BATCH, MSG_DONTWAIT, NULL);
    return got < 0 ? 0 : (unsigned)got;
}

void udp_wait(const struct udp *a, const struct udp *b, uint64_t timeout_ns)
{
    struct pollfd fds[] = {{.fd = a->fd, .events = POLLIN}, {.fd = b->fd, .events = POLLIN}};
    struct timespec timeout = {
        .tv_sec = (time_t)(timeout_ns / 1000000000u), .tv_nsec = (long)(timeout_ns % 1000000000u)};
    ppoll(fds, 2, &timeout, NULL);
}
