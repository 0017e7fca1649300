/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/route_socket.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of events: thousands of neighbours may change at once. */
enum { EVENTS_RECEIVE_BUFFER = 1 << 20 };

static const int groups[] = {
    RTNLGRP_LINK,
    RTNLGRP_NEIGH,
    RTNLGRP_IPV4_IFADDR,
    RTNLGRP_IPV6_IFADDR,
    RTNLGRP_IPV4_ROUTE,
    RTNLGRP_IPV6_ROUTE,
    RTNLGRP_IPV4_RULE,
    RTNLGRP_IPV6_RULE,
    RTNLGRP_NEXTHOP,
};

int route_socket_open(int *fd)
{
    struct sockaddr_nl any = {.nl_family = AF_NETLINK};
    int opened = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (opened < 0)
        return -errno;
    if (bind(opened, (struct sockaddr *)&any, sizeof(any)) != 0) {
        int error = -errno;
        close(opened);
        return error;
    }
    *fd = opened;
    return 0;
}

/* As much as was asked for is only for the privileged; others get what they may have. */
static void set_receive_buffer(int fd, int bytes)
{
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

int route_socket_open_events(int receive_buffer, int *fd)
{
    int opened = -1;
    int error = route_socket_open(&opened);
    if (error != 0)
        return error;
    set_receive_buffer(opened, receive_buffer > 0 ? receive_buffer : EVENTS_RECEIVE_BUFFER);
    for (size_t i = 0; i < COUNT_OF(groups) && error == 0; i++)
        if (setsockopt(opened, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])))
            error = -errno;
    if (error != 0)
        close(opened);
    else
        *fd = opened;
    return error;
}

int route_socket_send(int fd, struct bytes requests)
{
    ssize_t sent = send(fd, requests.data, requests.len, 0);
    return sent < 0 ? -errno : (size_t)sent == requests.len ? 0 : -EMSGSIZE;
}

int route_socket_receive(int fd, void *buffer, struct bytes *out)
{
    struct sockaddr_nl from = {0};
    for (;;) {
        socklen_t from_len = sizeof(from);
        ssize_t len = recvfrom(
            fd, buffer, ROUTE_SOCKET_BUFFER, MSG_TRUNC, (struct sockaddr *)&from, &from_len);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return -errno;
        if (from.nl_pid != 0)
            continue; /* not from the kernel */
        if (len > ROUTE_SOCKET_BUFFER)
            return -ENOBUFS;
        *out = bytes_of(buffer, (size_t)len);
        return 0;
    }
}
