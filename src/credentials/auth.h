/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials/auth.h - who may use the server: the long-term credential mechanism of a server
 * (RFC 8489, section 9.2.4) with static users, time-limited credentials, a database of users and
 * access tokens (RFC 7635).
 *
 * A `struct auth` is an immutable snapshot of the configuration, shared by reference; a reload
 * makes a new one. The only thing in it that changes is the user_cache, which it shares with the
 * control thread. Nothing is remembered of somebody who has proved nothing. Nothing here logs or
 * reads the clock.
 *
 *     struct auth_result result;
 *     auth_check(auth, &request, &client, now_s, allocation's identity or NULL, &result);
 *     switch (result.verdict) {
 *     case AUTH_OK:      do it, answer, auth_sign(&reply, &result);
 *     case AUTH_REFUSED: stun_write_error(&reply, result.code, ...);
 *                        if (result.challenge) auth_write_challenge(auth, &reply, ...);
 *                        auth_sign(&reply, &result);
 *     case AUTH_LOOKUP:  ask the database for result.username in result.realm, fill the cache,
 *                        and check the request again
 *     }
 *     auth_result_done(&result);
 *
 * Order of the checks: integrity absent 401; attributes missing 400; nonce 438; algorithm 400;
 * realm, user, expiry and integrity 401. The nonce comes before the integrity, unlike in the RFC:
 * then whoever cannot receive at the address he claims costs one hash and no look-up.
 */
#ifndef CREDENTIALS_AUTH_H
#define CREDENTIALS_AUTH_H

#include "credentials/identity.h"
#include "credentials/nonce.h"
#include "credentials/oauth.h"
#include "credentials/rest.h"
#include "credentials/user_cache.h"
#include "mediaferry/address.h"
#include "mediaferry/stun.h"

struct auth_user_config {
    struct text name;
    struct text stored; /* the password, or "0x" and the hex digits of the MD5 key */
};

struct auth_realm_config {
    struct text name;
    const struct auth_user_config *users;
    size_t user_count;
    const struct text
        *secrets; /* of time-limited credentials; the first is the one to issue with */
    size_t secret_count;
};

/* Who comes from a page of `origin` (the value of ORIGIN) is asked for a user of `realm`. */
struct auth_origin_config {
    struct text origin;
    struct text realm;
};

struct auth_config {
    const struct auth_realm_config *realms; /* at least one; the first is the default */
    size_t realm_count;
    const struct auth_origin_config *origins;
    size_t origin_count;

    struct nonce_keys nonce_keys;
    uint32_t nonce_lifetime_s; /* 0: unlimited */

    bool offer_sha256; /* PASSWORD-ALGORITHMS in the challenge (RFC 8489) */
    /* Ask clients to send USERHASH; only heeded in realms whose users are all known here. */
    bool offer_anonymity;
    char rest_separator; /* 0: ':' */

    struct user_cache *cache; /* may be NULL; the snapshot takes a reference of its own */
    bool lookup;              /* users not known here may be in a database; needs the cache */

    bool oauth;
    struct text server_name; /* what access tokens are made for */
    const struct oauth_key *oauth_keys;
    size_t oauth_key_count;
};

struct auth;

enum auth_config_error {
    AUTH_CONFIG_OK,
    AUTH_CONFIG_NO_REALM,
    AUTH_CONFIG_BAD_NAME,     /* an empty or too long name of a user, realm or key */
    AUTH_CONFIG_TWICE,        /* a realm, a user of a realm, an origin or a key */
    AUTH_CONFIG_BAD_PASSWORD, /* empty, or "0x" without 32 hex digits */
    AUTH_CONFIG_EMPTY_SECRET,
    AUTH_CONFIG_UNKNOWN_REALM,  /* of an origin */
    AUTH_CONFIG_NO_SERVER_NAME, /* access tokens need it */
    AUTH_CONFIG_NO_MEMORY,
};

/* Copies everything. Returns a new snapshot with one reference; NULL with the reason in `error`,
 * and the name that is wrong (borrowed from `config`, may be empty) in `culprit`. */
NODISCARD struct auth *auth_new(
    const struct auth_config *config, enum auth_config_error *error, struct text *culprit);
NODISCARD struct auth *auth_ref(struct auth *auth);
void auth_unref(struct auth *auth); /* accepts NULL */

/* A constant English phrase. */
const char *auth_config_error_text(enum auth_config_error error);

enum auth_verdict { AUTH_OK, AUTH_REFUSED, AUTH_LOOKUP };
enum auth_signature { AUTH_UNSIGNED, AUTH_SIGN_SHA1, AUTH_SIGN_SHA256 };

struct auth_result {
    enum auth_verdict verdict;
    enum stun_error code; /* AUTH_REFUSED: 400, 401, 438 or 441 */
    bool challenge;       /* the refusal carries REALM, NONCE and so on */

    /* A reference, dropped by auth_result_done(): who was proved with AUTH_OK or 441. Who keeps it
     * longer takes one of his own. */
    struct auth_identity *identity;
    enum auth_signature signature; /* how the answer is signed */
    struct bytes key;              /* with this; lies in `identity` */

    /* AUTH_LOOKUP: whom to look up. `realm` borrows from the snapshot, `username` from the message.
     */
    struct text realm;
    struct text username;
};

/*
 * Checks a request of `client`. `known` (borrowed, may be NULL) is the identity of the allocation
 * that the request is for: its keys are used then, so nobody loses a session because a secret was
 * rotated, a user taken out of the configuration, or his time is over (the caller looks at
 * auth_identity_expires_s() if that shall end him). Somebody else who proves who he is gets 441, a
 * revoked user 401. The identity of the result may be another one than `known`, when the same user
 * has a new password or renews his allocation with a new access token (Refresh only): the
 * allocation then goes on with that one.
 */
void auth_check(const struct auth *auth, const struct stun_message *request,
    const struct address *client, int64_t now_s, const struct auth_identity *known,
    struct auth_result *out);

void auth_result_done(struct auth_result *result);

/* Adds REALM, NONCE and, if offered, PASSWORD-ALGORITHMS and THIRD-PARTY-AUTHORIZATION to an error
 * response. The realm is that of the request's REALM or, for a newcomer, of its ORIGIN, or the
 * default. */
void auth_write_challenge(const struct auth *auth, struct writer *w,
    const struct stun_message *request, const struct address *client, int64_t now_s);

/* Signs an answer as the request was signed; does nothing when there is nothing to sign with. */
void auth_sign(struct writer *w, const struct auth_result *result);

/* Whether its user is revoked, by the whole name or by the part without a time: to end running
 * allocations. */
bool auth_identity_is_revoked(const struct auth *auth, const struct auth_identity *identity);

/* Makes time-limited credentials for `user` in `realm` (empty: the default one) with the realm's
 * first secret; false when it has none, or the name is too long. */
NODISCARD bool auth_issue(const struct auth *auth, struct text realm, struct text user,
    int64_t expires_s, struct rest_credentials *out);

struct text auth_default_realm(const struct auth *auth);

#endif
