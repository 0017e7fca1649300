/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/turn_lists.h - the structured values of the section [turn], parsed.
 *
 * What is `struct text` here is a view into the options' texts (struct turn_options), which must
 * live as long; turn_lists_done() frees the rest. A list as text has an entry on each line.
 */
#ifndef DAEMON_TURN_LISTS_H
#define DAEMON_TURN_LISTS_H

#include "base/str.h"
#include "credentials/auth.h"
#include "net/address_ranges.h"
#include "net/host_addresses.h"
#include "net/tls_context.h"

struct turn_addresses {
    struct address *list;
    size_t count;
};

/* `inner` is the address of this machine that is seen as `outer` from outside; of no family when it
 * was left out, which means every address of the family of `outer`. Ports 0. */
struct turn_mapping {
    struct address outer, inner;
};

struct turn_mappings {
    struct turn_mapping *list;
    size_t count;
};

struct turn_texts {
    struct text *list;
    size_t count;
};

struct turn_origins {
    struct auth_origin_config *list;
    size_t count;
};

struct turn_users {
    struct auth_user_config *list;
    size_t count;
};

struct turn_oauth_keys {
    struct oauth_key *list;
    size_t count;
};

/* The strings are owned. */
struct turn_certificates {
    struct tls_pair *list;
    size_t count;
};

struct turn_lists {
    struct turn_addresses listening; /* IPs, port 0; never empty after config_resolve() */
    struct turn_addresses relay;     /* IPs, port 0; may be empty */
    struct turn_mappings external;
    struct address_ranges proxies; /* sealed, as the two below */
    struct address_ranges allowed, denied;
    struct turn_addresses alternates, tls_alternates; /* with ports */
    struct turn_certificates certificates;

    struct turn_texts realms; /* at least one */
    struct turn_origins origins;
    struct turn_users users;
    struct turn_texts secrets;
    struct turn_texts nonce_secrets; /* at most two */
    struct turn_oauth_keys oauth_keys;
    struct turn_texts uris;
};

/* Frees what it holds, and makes it empty. */
void turn_lists_done(struct turn_lists *lists);

/* Goes to the next entry of a list, which is never empty; false at its end. */
NODISCARD bool turn_list_next(struct text *rest, struct text *entry);

/*
 * The readers below return 0 and fill `out`, which was empty; or -EINVAL, with a sentence that
 * never shows a secret in `why`, or -ENOMEM. After an error `out` is to be done with all the same.
 */

/* IP addresses, names of network interfaces, and "any", "0.0.0.0", "::" for all of the machine;
 * each once. */
NODISCARD int turn_read_addresses(struct text list, const struct host_addresses *host,
    struct turn_addresses *out, struct str *why);

/* IP[:PORT]. */
NODISCARD int turn_read_endpoints(
    struct text list, uint16_t default_port, struct turn_addresses *out, struct str *why);

/* PUBLIC[/PRIVATE]; PUBLIC may be a host name, which is looked up and may block. */
NODISCARD int turn_read_mappings(struct text list, struct turn_mappings *out, struct str *why);

/* ADDRESS, ADDRESS/LENGTH, ADDRESS-ADDRESS; sealed. */
NODISCARD int turn_read_ranges(struct text list, struct address_ranges *out, struct str *why);

/* As many of each. */
NODISCARD int turn_read_certificates(
    struct text certificates, struct text keys, struct turn_certificates *out, struct str *why);

NODISCARD int turn_read_texts(struct text list, struct turn_texts *out);

/* ORIGIN=REALM, the realm being one of `realms`. */
NODISCARD int turn_read_origins(
    struct text list, const struct turn_texts *realms, struct turn_origins *out, struct str *why);

/* NAME:PASSWORD or NAME:0xKEY. */
NODISCARD int turn_read_users(struct text list, struct turn_users *out, struct str *why);

/* KID:ALGORITHM:BASE64[:TIMESTAMP:LIFETIME]. */
NODISCARD int turn_read_oauth_keys(struct text list, struct turn_oauth_keys *out, struct str *why);

#endif
