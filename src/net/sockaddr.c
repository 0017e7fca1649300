/* SPDX-License-Identifier: Apache-2.0 */
#include "net/sockaddr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

socklen_t sockaddr_from_address(const struct address *a, struct sockaddr_storage *out)
{
    if (a->family == ADDRESS_IP4) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(a->port)};
        memcpy(&in->sin_addr, a->ip, 4);
        return sizeof(*in);
    }
    if (a->family == ADDRESS_IP6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
        *in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
        memcpy(&in6->sin6_addr, a->ip, 16);
        return sizeof(*in6);
    }
    return 0;
}

bool address_from_sockaddr(const struct sockaddr_storage *from, struct address *out)
{
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)from;
        *out = address_from_ip(ADDRESS_IP4, &in->sin_addr, ntohs(in->sin_port));
        return true;
    }
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
        *out = address_from_ip(ADDRESS_IP6, &in6->sin6_addr, ntohs(in6->sin6_port));
        return true;
    }
    return false;
}

int address_of_socket(int fd, struct address *out)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return -errno;
    return address_from_sockaddr(&address, out) ? 0 : -EAFNOSUPPORT;
}
