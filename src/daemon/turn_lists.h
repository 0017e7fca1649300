/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/turn_lists.h - the structured values of the section [turn], parsed.
 *
 * Entries of a list stand on a line each. Everything here is plain data; turn_lists_done() frees
 * it.
 */
#ifndef DAEMON_TURN_LISTS_H
#define DAEMON_TURN_LISTS_H

#include "base/str.h"
#include "mediaferry/address.h"

enum { TURN_USER_KEY_SIZE = 16, TURN_OAUTH_KEY_MAX = 32 };

struct turn_addresses {
    struct address *list;
    size_t count;
};

/* `inner` is the address of this machine that is seen as `outer` from outside; of no family when it
 * was left out, which means every address of the family of `outer`. */
struct turn_mapping {
    struct address outer, inner;
};

struct turn_origin {
    char *origin, *realm;
};

struct turn_user {
    char *name;
    char *password;                  /* NULL: only the key is known */
    uint8_t key[TURN_USER_KEY_SIZE]; /* MD5 of name, realm and password; without a password */
};

enum turn_oauth_algorithm { TURN_A128GCM, TURN_A256GCM };

struct turn_oauth_key {
    char *kid;
    enum turn_oauth_algorithm algorithm;
    uint8_t key[TURN_OAUTH_KEY_MAX];
    size_t key_len;
    int64_t timestamp_s; /* valid from; 0: always */
    int64_t lifetime_s;  /* and for so long; 0: for ever */
};

/* All addresses from the first to the last, of one family; ports 0. */
struct turn_range {
    struct address first, last;
};

struct turn_ranges {
    struct turn_range *list;
    size_t count;
};

struct turn_lists {
    struct turn_addresses listening; /* IPs, port 0; never empty after config_resolve() */
    struct turn_addresses relay;     /* IPs, port 0; may be empty */
    struct turn_mapping *mappings;
    size_t mapping_count;
    struct turn_origin *origins;
    size_t origin_count;
    struct turn_user *users;
    size_t user_count;
    struct turn_oauth_key *oauth_keys;
    size_t oauth_key_count;
    struct turn_addresses alternates, tls_alternates; /* with ports */
    struct turn_ranges allowed, denied;               /* peers */
    struct turn_ranges proxies;                       /* sources that speak the PROXY protocol */
};

/* Goes to the next entry of a list, which is never empty; false at its end. */
NODISCARD bool turn_list_next(struct text *rest, struct text *entry);

/* Frees what it holds, and makes it empty. */
void turn_lists_done(struct turn_lists *lists);

#endif
