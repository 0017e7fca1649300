/* SPDX-License-Identifier: Apache-2.0 */
/* net/host_addresses.h - the IP addresses of this machine, as its network interfaces have them. */
#ifndef NET_HOST_ADDRESSES_H
#define NET_HOST_ADDRESSES_H

#include "mediaferry/address.h"

enum { NIC_NAME_SIZE = 16 };

struct host_address {
    char nic[NIC_NAME_SIZE];
    struct address ip;
    bool is_loopback;
};

struct host_addresses {
    struct host_address *list;
    size_t count;
};

/* Reads the addresses of all network interfaces that are up; returns 0 or a negative errno. The
 * caller calls host_addresses_done(). */
NODISCARD int host_addresses_read(struct host_addresses *out);
void host_addresses_done(struct host_addresses *host);

/* Whether both are the same addresses in the same order. */
bool host_addresses_equal(const struct host_addresses *a, const struct host_addresses *b);

/* What to use when nothing was configured: the first address that is neither loopback nor
 * link-local, IPv4 before IPv6; else the loopback's. False when there is none at all. */
NODISCARD bool host_addresses_default(const struct host_addresses *host, struct address *out);

#endif
