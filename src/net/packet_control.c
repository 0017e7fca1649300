/* SPDX-License-Identifier: Apache-2.0 */
#include "net/packet_control.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>

/* Not of <netinet/ip_icmp.h>: its macros have the names of our fields. */
enum { DEST_UNREACHABLE = 3, FRAGMENTATION_NEEDED = 4, PACKET_TOO_BIG6 = 2 };

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

/*
 * What IPv4 does with a datagram that may be fragmented: with OMIT, the DF bit is clear, as with
 * DONT, but "fragmentation needed" for an earlier one with DF still is an error that is told, and
 * forged ones do not shrink the path MTU. IPv6 has no such bit: the sender fragments, so the kernel
 * must know the path.
 */
static int set_df(int fd, enum address_family family, bool dont_fragment)
{
    if (family == ADDRESS_IP6)
        return set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
            dont_fragment ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT);
    return set_option(
        fd, IPPROTO_IP, IP_MTU_DISCOVER, dont_fragment ? IP_PMTUDISC_DO : IP_PMTUDISC_OMIT);
}

int packet_control_set_up(const struct packet_socket_config *config)
{
    enum address_family family = config->local.family;
    bool is_ip6 = family == ADDRESS_IP6;
    int error = 0;

    if (config->want_tos)
        error = is_ip6 ? set_option(config->fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1)
                       : set_option(config->fd, IPPROTO_IP, IP_RECVTOS, 1);
    if (error == 0 && config->want_icmp)
        error = is_ip6 ? set_option(config->fd, IPPROTO_IPV6, IPV6_RECVERR, 1)
                       : set_option(config->fd, IPPROTO_IP, IP_RECVERR, 1);
    if (error == 0 && config->want_df)
        error = set_df(config->fd, family, false);
    return error;
}

void packet_control_set_df(int fd, enum address_family family, bool dont_fragment)
{
    (void)set_df(fd, family, dont_fragment); /* it could be set before, so it can be now */
}

uint8_t packet_control_tos(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
            return *CMSG_DATA(c);
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            int value;
            memcpy(&value, CMSG_DATA(c), sizeof(value));
            return (uint8_t)value;
        }
    }
    return 0;
}

void packet_control_put_tos(
    struct msghdr *message, union packet_control_tos *room, enum address_family family, uint8_t tos)
{
    bool is_ip6 = family == ADDRESS_IP6;
    int value = tos;
    *room = (union packet_control_tos){0};
    message->msg_control = room;
    message->msg_controllen = sizeof(*room);
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    c->cmsg_level = is_ip6 ? IPPROTO_IPV6 : IPPROTO_IP;
    c->cmsg_type = is_ip6 ? IPV6_TCLASS : IP_TOS;
    c->cmsg_len = CMSG_LEN(sizeof(value));
    memcpy(CMSG_DATA(c), &value, sizeof(value));
}

static bool find_error(struct msghdr *message, struct sock_extended_err *out, bool *is_ip6)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        bool of_ip4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
        bool of_ip6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
        if ((!of_ip4 && !of_ip6) || c->cmsg_len < CMSG_LEN(sizeof(*out)))
            continue;
        memcpy(out, CMSG_DATA(c), sizeof(*out));
        *is_ip6 = of_ip6;
        return true;
    }
    return false;
}

bool packet_control_error(struct msghdr *message, struct packet *p)
{
    struct sock_extended_err error;
    bool is_ip6;
    if (!find_error(message, &error, &is_ip6))
        return false;

    if (error.ee_origin == SO_EE_ORIGIN_LOCAL && error.ee_errno == EMSGSIZE) {
        error.ee_type = is_ip6 ? PACKET_TOO_BIG6 : DEST_UNREACHABLE;
        error.ee_code = is_ip6 ? 0 : FRAGMENTATION_NEEDED;
    } else if (error.ee_origin != (is_ip6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP)) {
        return false;
    }
    p->kind = PACKET_ICMP;
    p->icmp_type = error.ee_type;
    p->icmp_code = error.ee_code;
    p->icmp_data = error.ee_info;
    return true;
}
