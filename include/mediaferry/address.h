/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mediaferry/address.h - transport addresses: an IP address of either family and a port.
 *
 * Plain values, compared and copied by value, free of the types of the socket interface.
 */
#ifndef MEDIAFERRY_ADDRESS_H
#define MEDIAFERRY_ADDRESS_H

#include "mediaferry/bytes.h"

enum address_family { ADDRESS_NONE, ADDRESS_IP4, ADDRESS_IP6 };

struct address {
    enum address_family family;
    uint16_t port;  /* host byte order; 0 when not known */
    uint8_t ip[16]; /* network byte order; IPv4 uses the first 4, the rest is zero */
};

/* Long enough for "[IPv6]:65535" and a terminator. */
enum { ADDRESS_TEXT_SIZE = 56 };

/* Reads a literal IPv4 or IPv6 address, without brackets, port or zone; the port becomes 0. */
NODISCARD bool address_parse(struct text literal, struct address *out);

/* Reads "1.2.3.4:5", "[::1]:5", or without a port, then `default_port`. */
NODISCARD bool address_parse_with_port(
    struct text literal, uint16_t default_port, struct address *out);

/* Writes the IP alone, terminated, into `out` and returns `out`; "-" when there is none. */
const char *address_ip_text(const struct address *a, char out[ADDRESS_TEXT_SIZE]);

/* Writes "1.2.3.4:5" or "[::1]:5", terminated, into `out` and returns `out`. */
const char *address_text(const struct address *a, char out[ADDRESS_TEXT_SIZE]);

static inline size_t address_ip_len(const struct address *a)
{
    return a->family == ADDRESS_IP4 ? 4 : a->family == ADDRESS_IP6 ? 16 : 0;
}

static inline struct bytes address_ip(const struct address *a)
{
    return bytes_of(a->ip, address_ip_len(a));
}

static inline struct address address_from_ip(
    enum address_family family, const void *ip, uint16_t port)
{
    struct address a = {.family = family, .port = port};
    memcpy(a.ip, ip, family == ADDRESS_IP4 ? 4 : 16);
    return a;
}

static inline bool address_same_ip(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static inline bool address_equal(const struct address *a, const struct address *b)
{
    return a->port == b->port && address_same_ip(a, b);
}

/* Whether the IP is the unspecified one (0.0.0.0 or ::), or there is no address at all. */
bool address_is_unspecified(const struct address *a);

/* A well mixed hash of family, IP and port; `seed` keeps strangers from choosing collisions. */
uint64_t address_hash(const struct address *a, uint64_t seed);

#endif
