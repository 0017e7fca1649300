/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/interfaces.h - the logical interfaces of the `interface` option.
 *
 *     [NAME/]ADDRESS[!ADVERTISED]    ALIAS=NAME        several separated by ';'
 *
 * ADDRESS is an IP, the name of a network interface (all its addresses), a host name (resolved
 * once) or `any`. ADVERTISED is an IP, a host name or `stun:HOST[:PORT]`: then that server tells
 * what it is. NAME is `default` unless told; a name of several entries has several addresses, in
 * the order given. Names BASE:SUFFIX form the group BASE, whose members take turns. Immutable once
 * parsed, but for what a STUN server tells.
 */
#ifndef NET_INTERFACES_H
#define NET_INTERFACES_H

#include "base/str.h"
#include "net/host_addresses.h"
#include "net/outside.h"

enum { FOUNDATION_LEN = 16 };

struct local_address {
    struct address bind;                 /* port 0 */
    struct address advertised;           /* what SDP shows; equals `bind` unless told. Port 0 */
    char *stun_server;                   /* tells `advertised`; NULL: the option does */
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

/* --- what STUN servers tell; until then such an address is advertised as it is -----------------
 */

/* Asks the servers for `wait_ms` at most, which blocks. Returns 0, or -EINVAL with a sentence in
 * `why`, or -ENOMEM. An IPv6 address that is not told stays as it is, where an IPv4 one is told:
 * there is hardly a NAT for IPv6. */
NODISCARD int interfaces_ask(struct interfaces *interfaces, unsigned wait_ms, struct str *why);

/* The same for who asks in another thread: a new array of questions, which borrow from
 * `interfaces`; NULL when there are none, or no memory. */
struct outside_question *interfaces_questions(const struct interfaces *interfaces, size_t *count);

/* Advertises what has been answered to them. Calls `moved`, which may be NULL, for each address
 * that is advertised as another one from now on. */
void interfaces_answer(struct interfaces *interfaces, const struct outside_question *questions,
    void (*moved)(void *owner, const struct interface *interface, const struct local_address *local,
        const struct address *before),
    void *owner);

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
