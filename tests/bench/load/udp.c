/* SPDX-License-Identifier: Apache-2.0 */
#include "udp.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "net/sockaddr.h"

enum {
    SOCKET_BUFFER = 4 << 20,
    CLOCK_TRIES = 8,
    CLOCK_CLOSE_NS = 500,
    CLOCK_AGE_NS = 10000000,
};

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t udp_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* Beyond the limits of the system where that is allowed: what the load loses says nothing of the
 * relay. */
static void enlarge(int fd)
{
    int size = SOCKET_BUFFER;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

void udp_allow_many(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int close_failed(int fd)
{
    int status = -errno;
    close(fd);
    return status;
}

int udp_bind(const struct address *local)
{
    struct sockaddr_storage own;
    int family = local->family == ADDRESS_IP6 ? AF_INET6 : AF_INET;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socklen_t len = sockaddr_from_address(local, &own);
    if (bind(fd, (struct sockaddr *)&own, len) != 0)
        return close_failed(fd);
    return fd;
}

int udp_connect(const struct address *local, const struct address *remote)
{
    struct sockaddr_storage other;
    int on = 1, fd = udp_bind(local);
    if (fd < 0)
        return fd;
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0)
        return close_failed(fd);
    if (remote != NULL &&
        connect(fd, (struct sockaddr *)&other, sockaddr_from_address(remote, &other)) != 0)
        return close_failed(fd);
    enlarge(fd);
    return fd;
}

bool udp_send(int fd, struct bytes datagram)
{
    if (send(fd, datagram.data, datagram.len, 0) >= 0)
        return true;
    return errno == ECONNREFUSED && send(fd, datagram.data, datagram.len, 0) >= 0;
}

uint64_t udp_drops(int fd)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof(info);
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0)
        return 0;
    return info[SK_MEMINFO_DROPS];
}

struct udp_inbox *udp_inbox_new(void)
{
    struct udp_inbox *inbox = aligned_alloc(64, sizeof(*inbox));
    if (inbox == NULL)
        return NULL;
    memset(inbox, 0, sizeof(*inbox));
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        inbox->list[i].data = inbox->data[i];
        inbox->parts[i] = (struct iovec){inbox->data[i], UDP_DATA_MAX};
        inbox->messages[i].msg_hdr = (struct msghdr){.msg_iov = &inbox->parts[i],
            .msg_iovlen = 1,
            .msg_control = &inbox->control[i],
            .msg_controllen = sizeof(inbox->control[i])};
    }
    return inbox;
}

/* Whoever is held up between two looks at clocks compares wrongly: the closest pair counts. */
static uint64_t compare_clocks(void)
{
    uint64_t offset_ns = 0, closest_ns = UINT64_MAX;
    for (unsigned i = 0; i < CLOCK_TRIES && closest_ns > CLOCK_CLOSE_NS; i++) {
        uint64_t before_ns = udp_now_ns(), real_ns = read_clock(CLOCK_REALTIME);
        uint64_t apart_ns = udp_now_ns() - before_ns;
        if (apart_ns < closest_ns) {
            closest_ns = apart_ns;
            offset_ns = real_ns - before_ns - apart_ns / 2;
        }
    }
    return offset_ns;
}

void udp_inbox_reset(struct udp_inbox *inbox, uint64_t now_ns)
{
    inbox->count = 0;
    if (inbox->compared_ns != 0 && now_ns - inbox->compared_ns < CLOCK_AGE_NS)
        return;
    inbox->clock_offset_ns = compare_clocks();
    inbox->compared_ns = now_ns;
}

static uint64_t arrival_of(struct udp_inbox *inbox, struct msghdr *message)
{
    struct timespec at;
    const struct cmsghdr *c = CMSG_FIRSTHDR(message);
    if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
        return udp_now_ns();
    memcpy(&at, CMSG_DATA(c), sizeof(at));
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec - inbox->clock_offset_ns;
}

unsigned udp_receive(int fd, struct udp_inbox *inbox, void *from)
{
    struct mmsghdr *messages = inbox->messages + inbox->count;
    int got = recvmmsg(fd, messages, UDP_BATCH - inbox->count, 0, NULL);
    for (int i = 0; i < got; i++) {
        struct udp_datagram *d = &inbox->list[inbox->count++];
        d->len = messages[i].msg_len;
        d->arrived_ns = arrival_of(inbox, &messages[i].msg_hdr);
        d->from = from;
        messages[i].msg_hdr.msg_controllen = sizeof(union udp_control);
    }
    return got > 0 ? (unsigned)got : 0;
}
