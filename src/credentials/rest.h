/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials/rest.h - time-limited credentials made by a web service that shares a secret with the
 * server: the name is "END:USER", where END is a time in seconds since 1970, and the password is
 * base64(HMAC-SHA1(secret, name)) (draft-uberti-behave-turn-rest-00).
 *
 * "USER:END" and a bare "END" are understood too, and the separator may be another character.
 */
#ifndef CREDENTIALS_REST_H
#define CREDENTIALS_REST_H

#include "credentials/long_term.h"

enum { REST_PASSWORD_SIZE = 28 };

struct rest_name {
    int64_t expires_s;
    struct text user; /* a view into the name; empty for a bare time */
};

/* False when the name carries no time. */
NODISCARD bool rest_parse(struct text username, char separator, struct rest_name *out);

/* The password that belongs to a name; false when the library fails. */
NODISCARD bool rest_password(
    struct text username, struct text secret, char out[REST_PASSWORD_SIZE]);

struct rest_credentials {
    char username[LONG_TERM_MAX_NAME];
    size_t username_len;
    char password[REST_PASSWORD_SIZE];
};

/* Makes credentials that end at `expires_s`; false when the name gets too long. `user` may be
 * empty. */
NODISCARD bool rest_issue(struct text user, char separator, int64_t expires_s, struct text secret,
    struct rest_credentials *out);

#endif
