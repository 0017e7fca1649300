/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials/realm.h - one realm of a snapshot: its users, by name and by USERHASH, and its
 * secrets. Immutable once filled.
 */
#ifndef CREDENTIALS_REALM_H
#define CREDENTIALS_REALM_H

#include "base/map.h"
#include "credentials/auth.h"

struct static_user;

struct realm {
    struct text name;
    struct static_user *users;
    size_t user_count;
    struct map by_name, by_hash;
    struct text *secrets;
    size_t secret_count;
    unsigned features; /* of the nonces it gives */
};

/* Copies a realm. On failure `culprit` is the wrong name, and the realm is still to be given to
 * realm_done(). */
NODISCARD enum auth_config_error realm_init(
    struct realm *realm, const struct auth_realm_config *config, struct text *culprit);
void realm_done(struct realm *realm);

/* Borrowed; NULL when there is no such user. */
const struct auth_identity *realm_find_user(const struct realm *realm, struct text username);
const struct auth_identity *realm_find_hash(const struct realm *realm, struct bytes userhash);

#endif
