/* SPDX-License-Identifier: Apache-2.0 */
#include "net/packet_control.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>

/* Not of <netinet/ip_icmp.h>: its macros have the names of our fields. */
enum { DEST_UNREACHABLE = 3, FRAGMENTATION_NEEDED = 4, PACKET_TOO_BIG6 = 2 };

/* Nothing waits so long in a socket while its worker is alive. */
#define STAMP_AGE_MAX_NS UINT64_C(2000000000)

static uint64_t ns_of(const struct timespec *t)
{
    return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec;
}

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
    if (error == 0 && config->want_timestamp)
        error = set_option(config->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    return error;
}

void packet_control_set_df(int fd, enum address_family family, bool dont_fragment)
{
    (void)set_df(fd, family, dont_fragment); /* it could be set before, so it can be now */
}

static uint64_t read_ns(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return ns_of(&now);
}

struct packet_clock packet_clock_now(void)
{
    struct packet_clock clock = {.now_ns = read_ns(CLOCK_MONOTONIC)};
    clock.real_past_ns = read_ns(CLOCK_REALTIME) - clock.now_ns;
    return clock;
}

/* When the wall clock was set in between, the stamp means nothing: a packet comes from the past,
 * and from no more of it than it may have waited in its socket. */
static uint64_t arrival_of(const struct packet_clock *clock, const void *stamp)
{
    struct timespec at;
    memcpy(&at, stamp, sizeof(at));
    uint64_t age_ns = clock->now_ns - (ns_of(&at) - clock->real_past_ns);
    return age_ns <= STAMP_AGE_MAX_NS ? clock->now_ns - age_ns : clock->now_ns;
}

void packet_control_received(
    struct msghdr *message, const struct packet_clock *clock, struct packet *p)
{
    p->tos = 0;
    p->arrival_ns = clock->now_ns;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            p->tos = *CMSG_DATA(c);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            int value;
            memcpy(&value, CMSG_DATA(c), sizeof(value));
            p->tos = (uint8_t)value;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            p->arrival_ns = arrival_of(clock, CMSG_DATA(c));
        }
    }
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
