/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/interfaces.h - the logical interfaces of the `interface` option.
 *
 *     [NAME/]ADDRESS[!ADVERTISED]    ALIAS=NAME        several separated by ';'
 *
 * ADDRESS is an IP, the name of a network interface (all its addresses), a host name (resolved
 * once) or `any`. NAME is `default` unless told; a name of several entries has several addresses,
 * in the order given. Names BASE:SUFFIX form the group BASE, whose members take turns. Immutable
 * once parsed.
 */
#ifndef NET_INTERFACES_H
#define NET_INTERFACES_H

#include "base/str.h"
#include "net/host_addresses.h"

enum { FOUNDATION_LEN = 16 };

struct local_address {
    struct address bind;                 /* port 0 */
    struct address advertised;           /* what SDP shows; equals `bind` unless told. Port 0 */
    unsigned bind_index;                 /* into `binds` of the interfaces */
    char foundation[FOUNDATION_LEN + 1]; /* of the ICE host candidate, random */
};

struct interface {
    char *name;
    struct local_address *addresses; /* at least one, the preferred first */
    size_t count;
};

struct interface_alias {
    char *name;
    char *target; /* an interface or a group */
};

struct interfaces {
    struct interface *list; /* at least one; the first is the default */
    size_t count;
    struct address *binds; /* each bind address once: two names may share one */
    size_t bind_count;
    struct interface_alias *aliases;
    size_t alias_count;
};

/* Returns 0 and a new set in `out`, which interfaces_free() frees; or -EINVAL or -ENOMEM, with a
 * sentence in `why`. Host names are looked up, which may block. */
NODISCARD int interfaces_parse(
    struct text spec, const struct host_addresses *host, struct interfaces **out, struct str *why);

void interfaces_free(struct interfaces *interfaces);

/* The interface with that name or alias; NULL when there is none (a group's base is no name). */
const struct interface *interfaces_find(const struct interfaces *interfaces, struct text name);

/*
 * The same, or for the base of a group the next member in turn that suits: members are tried from
 * number `turn` on, `suits` may be NULL. NULL when none is known or none suits.
 */
const struct interface *interfaces_pick(const struct interfaces *interfaces, struct text name,
    unsigned turn, bool (*suits)(const struct interface *interface, void *arg), void *arg);

static inline const struct interface *interfaces_default(const struct interfaces *interfaces)
{
    return &interfaces->list[0];
}

/* The first address of a family, or of any for ADDRESS_NONE; NULL when there is none. */
const struct local_address *interface_address(
    const struct interface *interface, enum address_family family);

#endif
