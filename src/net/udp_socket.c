/* SPDX-License-Identifier: Apache-2.0 */
#include "net/udp_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "net/sockaddr.h"

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

/* A privileged process may have more than the system's limit; others get that. */
static int set_receive_buffer(int fd, int size)
{
    return set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, size) == 0
               ? 0
               : set_option(fd, SOL_SOCKET, SO_RCVBUF, size);
}

static int set_options(int fd, const struct udp_socket_config *config)
{
    bool is_ip6 = config->bind.family == ADDRESS_IP6;
    int error = 0;

    if (is_ip6)
        error = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (error == 0 && config->reuse_port)
        error = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (error == 0 && config->free_bind) /* for IPv6 sockets as well */
        error = set_option(fd, IPPROTO_IP, IP_FREEBIND, 1);
    if (error == 0 && config->tell_local)
        error = is_ip6 ? set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                       : set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (error == 0 && config->tos > 0)
        error = is_ip6 ? set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, (int)config->tos)
                       : set_option(fd, IPPROTO_IP, IP_TOS, (int)config->tos);
    if (error == 0 && config->receive_buffer > 0)
        error = set_receive_buffer(fd, config->receive_buffer);
    return error;
}

int udp_socket_open(const struct udp_socket_config *config, int *out)
{
    struct sockaddr_storage address;
    socklen_t len = sockaddr_from_address(&config->bind, &address);
    if (len == 0)
        return -EAFNOSUPPORT;

    int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    if (fd < 0)
        return -errno;
    int error = set_options(fd, config);
    if (error == 0 && bind(fd, (struct sockaddr *)&address, len) != 0)
        error = -errno;
    if (error != 0) {
        close(fd);
        return error;
    }
    *out = fd;
    return 0;
}

int udp_socket_local(int fd, struct address *out)
{
    return address_of_socket(fd, out);
}

/* Room for the packet info of either family, aligned for its header. */
union packet_info {
    struct cmsghdr header;
    char ip4[CMSG_SPACE(sizeof(struct in_pktinfo))];
    char ip6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static struct address local_of(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            return address_from_ip(ADDRESS_IP4, &info.ipi_spec_dst, 0);
        }
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            return address_from_ip(ADDRESS_IP6, &info.ipi6_addr, 0);
        }
    }
    return (struct address){.family = ADDRESS_NONE};
}

int udp_socket_receive(int fd, void *buffer, size_t capacity, struct udp_datagram *out)
{
    struct sockaddr_storage from;
    union packet_info info;
    struct iovec data = {.iov_base = buffer, .iov_len = capacity};
    struct msghdr message = {
        .msg_name = &from,
        .msg_namelen = sizeof(from),
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = &info,
        .msg_controllen = sizeof(info),
    };
    ssize_t len = recvmsg(fd, &message, MSG_DONTWAIT);
    if (len < 0)
        return -errno;

    struct udp_datagram datagram = {
        .bytes = bytes_of(buffer, (size_t)len),
        .local = local_of(&message),
        .truncated = (message.msg_flags & MSG_TRUNC) != 0,
    };
    if (!address_from_sockaddr(&from, &datagram.remote))
        return -EAFNOSUPPORT;
    *out = datagram;
    return 0;
}

/* Asks for `local` as the source; the kernel still chooses the interface. */
static void ask_for_local(
    struct msghdr *message, union packet_info *info, const struct address *local)
{
    if (local == NULL || local->family == ADDRESS_NONE || address_is_unspecified(local))
        return;
    bool is_ip6 = local->family == ADDRESS_IP6;
    struct in_pktinfo info4 = {.ipi_ifindex = 0};
    struct in6_pktinfo info6 = {.ipi6_ifindex = 0};
    size_t len = is_ip6 ? sizeof(info6) : sizeof(info4);
    memcpy(&info4.ipi_spec_dst, local->ip, 4);
    memcpy(&info6.ipi6_addr, local->ip, 16);

    memset(info, 0, sizeof(*info));
    message->msg_control = info;
    message->msg_controllen = CMSG_SPACE(len);
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    c->cmsg_level = is_ip6 ? IPPROTO_IPV6 : IPPROTO_IP;
    c->cmsg_type = is_ip6 ? IPV6_PKTINFO : IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), is_ip6 ? (const void *)&info6 : (const void *)&info4, len);
}

int udp_socket_send(
    int fd, struct bytes bytes, const struct address *local, const struct address *remote)
{
    struct sockaddr_storage to;
    union packet_info info;
    struct iovec data = {.iov_base = (void *)bytes.data, .iov_len = bytes.len};
    struct msghdr message = {
        .msg_name = &to,
        .msg_namelen = sockaddr_from_address(remote, &to),
        .msg_iov = &data,
        .msg_iovlen = 1,
    };
    ask_for_local(&message, &info, local);
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
