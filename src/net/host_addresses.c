/* SPDX-License-Identifier: Apache-2.0 */
#include "net/host_addresses.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/address_class.h"
#include "net/sockaddr.h"

static bool read_one(const struct ifaddrs *from, struct host_address *out)
{
    struct sockaddr_storage storage = {0};
    struct host_address found = {.is_loopback = (from->ifa_flags & IFF_LOOPBACK) != 0};

    if (from->ifa_addr == NULL || (from->ifa_flags & IFF_UP) == 0)
        return false;
    if (from->ifa_addr->sa_family == AF_INET)
        memcpy(&storage, from->ifa_addr, sizeof(struct sockaddr_in));
    else if (from->ifa_addr->sa_family == AF_INET6)
        memcpy(&storage, from->ifa_addr, sizeof(struct sockaddr_in6));
    if (!address_from_sockaddr(&storage, &found.ip))
        return false;
    snprintf(found.nic, sizeof(found.nic), "%s", from->ifa_name);
    *out = found;
    return true;
}

int host_addresses_read(struct host_addresses *out)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) != 0)
        return -errno;

    size_t room = 1;
    for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next)
        room++;
    struct host_addresses host = {.list = calloc(room, sizeof(struct host_address))};
    for (const struct ifaddrs *at = all; host.list != NULL && at != NULL; at = at->ifa_next)
        host.count += read_one(at, &host.list[host.count]);
    freeifaddrs(all);
    if (host.list == NULL)
        return -ENOMEM;
    *out = host;
    return 0;
}

void host_addresses_done(struct host_addresses *host)
{
    free(host->list);
    *host = (struct host_addresses){.list = NULL};
}

bool host_addresses_equal(const struct host_addresses *a, const struct host_addresses *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!address_equal(&a->list[i].ip, &b->list[i].ip) ||
            strcmp(a->list[i].nic, b->list[i].nic) != 0)
            return false;
    return true;
}

bool host_addresses_default(const struct host_addresses *host, struct address *out)
{
    static const struct {
        enum address_family family;
        bool is_loopback;
    } wishes[] = {
        {ADDRESS_IP4, false}, {ADDRESS_IP6, false}, {ADDRESS_IP4, true}, {ADDRESS_IP6, true}};

    for (size_t w = 0; w < COUNT_OF(wishes); w++) {
        for (size_t i = 0; i < host->count; i++) {
            const struct host_address *a = &host->list[i];
            if (a->ip.family == wishes[w].family && a->is_loopback == wishes[w].is_loopback &&
                !address_is_link_local(&a->ip)) {
                *out = a->ip;
                return true;
            }
        }
    }
    return false;
}
