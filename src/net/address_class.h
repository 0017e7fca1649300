/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/address_class.h - what kind of address it is, whatever way it is spelled.
 *
 * The one place that sees an IPv4 address through its IPv6 spellings: mapped ::ffff:0:0/96,
 * translated ::ffff:0:0:0/96, compatible ::/96, 6to4 2002::/16, NAT64 64:ff9b::/96 and
 * 64:ff9b:1::/48 (RFC 6052), Teredo 2001::/32 (RFC 4380), ISATAP in any prefix (RFC 5214). Ports
 * play no part. Pure.
 */
#ifndef NET_ADDRESS_CLASS_H
#define NET_ADDRESS_CLASS_H

#include "mediaferry/address.h"

enum address_class {
    ADDRESS_CLASS_PUBLIC,
    ADDRESS_CLASS_THIS_NETWORK, /* 0.0.0.0/8, :: */
    ADDRESS_CLASS_LOOPBACK,
    ADDRESS_CLASS_PRIVATE, /* RFC 1918, and 100.64.0.0/10 of carriers */
    ADDRESS_CLASS_LINK_LOCAL,
    ADDRESS_CLASS_UNIQUE_LOCAL,
    ADDRESS_CLASS_SITE_LOCAL,
    ADDRESS_CLASS_MULTICAST,
    ADDRESS_CLASS_RESERVED,   /* broadcast, documentation, benchmarks, not given out */
    ADDRESS_CLASS_TRANSITION, /* an IPv6 spelling of a public IPv4 address */
    ADDRESS_CLASS_COUNT,
};

/* In lower case with a dash: "link-local". For logs and metrics. */
const char *address_class_name(enum address_class class);

/* An IPv6 spelling has the class of the IPv4 address in it, or TRANSITION when that is public. */
enum address_class address_classify(const struct address *a);

static inline bool address_is_loopback(const struct address *a)
{
    return address_classify(a) == ADDRESS_CLASS_LOOPBACK;
}

/* Needs a network interface beside it to mean anything. */
static inline bool address_is_link_local(const struct address *a)
{
    return address_classify(a) == ADDRESS_CLASS_LINK_LOCAL;
}

/* An address of 6to4, Teredo and ISATAP at once. */
enum { ADDRESS_INNER_MAX = 6 };

/* The IPv4 addresses, with the port of `a`, that the IPv6 address `a` stands for or leads to;
 * returns how many, 0 for an address that is no such spelling. The one meant first. */
size_t address_inner(const struct address *a, struct address out[ADDRESS_INNER_MAX]);

/* The IPv4 address that an IPv6 spelling stands for, else the address itself. */
struct address address_canonical(const struct address *a);

#endif
