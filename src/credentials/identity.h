/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials/identity.h - who somebody proved to be: a name in a realm and the keys that prove it.
 *
 * Immutable and shared by reference between threads. An allocation keeps the identity it was made
 * with, so that no rotation of secrets and no change of the configuration hurts a running session.
 * Small: about a hundred bytes and the two names. Keys are wiped with the last reference.
 */
#ifndef CREDENTIALS_IDENTITY_H
#define CREDENTIALS_IDENTITY_H

#include "credentials/long_term.h"

enum identity_kind {
    IDENTITY_STATIC,   /* from the configuration */
    IDENTITY_REST,     /* proved by a shared secret; the name carries its end */
    IDENTITY_DATABASE, /* looked up */
    IDENTITY_OAUTH,    /* proved by an access token; the name is that of the token's key */
};

enum { IDENTITY_MAX_MAC_KEY = 64 };

/* A name's length is at most LONG_TERM_MAX_NAME. */
struct identity_config {
    enum identity_kind kind;
    struct text username; /* as it stands in USERNAME */
    struct text user;     /* its part without a time, if it has one: a view into `username` */
    struct text realm;
    int64_t expires_s; /* of the credentials, in seconds since 1970; 0: never */
    struct long_term_keys keys;
    struct bytes mac_key; /* IDENTITY_OAUTH only, at most IDENTITY_MAX_MAC_KEY bytes */
};

struct auth_identity;

/* Returns a new identity with one reference, NULL when out of memory or a name is too long. */
NODISCARD struct auth_identity *auth_identity_new(const struct identity_config *config);

/* Returns a new reference to the same. */
NODISCARD struct auth_identity *auth_identity_ref(const struct auth_identity *identity);

/* Accepts NULL. */
void auth_identity_unref(struct auth_identity *identity);

enum identity_kind auth_identity_kind(const struct auth_identity *identity);
struct text auth_identity_username(const struct auth_identity *identity);
struct text auth_identity_realm(const struct auth_identity *identity);

/* Whom quotas and reports mean: the user's name without the time that a REST name carries. */
struct text auth_identity_user(const struct auth_identity *identity);

/* Whether `name` is the whole name, or the part without a time. */
bool auth_identity_is_called(const struct auth_identity *identity, struct text name);

/* Seconds since 1970; 0: never. */
int64_t auth_identity_expires_s(const struct auth_identity *identity);

/* The key to check and sign messages with; empty when the algorithm's key is not known. An OAuth
 * identity has one key, whatever the algorithm. */
struct bytes auth_identity_key(
    const struct auth_identity *identity, enum password_algorithm algorithm);

#endif
