/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tcp_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "net/sockaddr.h"

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

static int open_bound(const struct tcp_socket_config *config, int *out)
{
    struct sockaddr_storage address;
    socklen_t len = sockaddr_from_address(&config->bind, &address);
    if (len == 0)
        return -EAFNOSUPPORT;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0)
        return -errno;

    int error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (error == 0 && address.ss_family == AF_INET6)
        error = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (error == 0 && config->share_port)
        error = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (error == 0 && config->free_bind) /* for IPv6 sockets as well */
        error = set_option(fd, IPPROTO_IP, IP_FREEBIND, 1);
    if (error == 0 && bind(fd, (struct sockaddr *)&address, len) != 0)
        error = -errno;
    if (error != 0) {
        close(fd);
        return error;
    }
    *out = fd;
    return 0;
}

int tcp_socket_listen(const struct tcp_socket_config *config, int *out)
{
    int fd;
    int error = open_bound(config, &fd);
    if (error != 0)
        return error;
    if (listen(fd, config->backlog > 0 ? config->backlog : SOMAXCONN) != 0) {
        error = -errno;
        close(fd);
        return error;
    }
    *out = fd;
    return 0;
}

int tcp_socket_connect(const struct address *local, const struct address *remote, int *out)
{
    struct tcp_socket_config config = {.bind = *local, .share_port = true};
    struct sockaddr_storage to;
    socklen_t len = sockaddr_from_address(remote, &to);
    int fd;

    if (local->family == ADDRESS_NONE)
        config = (struct tcp_socket_config){.bind = {.family = remote->family}};
    int error = open_bound(&config, &fd);
    if (error != 0)
        return error;
    if (connect(fd, (struct sockaddr *)&to, len) != 0 && errno != EINPROGRESS) {
        error = -errno;
        close(fd);
        return error;
    }
    *out = fd;
    return 0;
}

int tcp_socket_accept(int fd, struct address *remote, int *out)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof(from);
    int accepted = accept4(fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0)
        return -errno;
    if (!address_from_sockaddr(&from, remote)) {
        close(accepted);
        return -EAFNOSUPPORT;
    }
    *out = accepted;
    return 0;
}

void tcp_socket_no_delay(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

size_t tcp_socket_available(int fd)
{
    int available = 0;
    return ioctl(fd, FIONREAD, &available) == 0 ? (size_t)available : 0;
}

void tcp_socket_wake_at(int fd, size_t bytes)
{
    int low_water = (int)bytes;
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof(low_water));
}

int tcp_socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? -error : -errno;
}
