/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - a client of the long-term mechanism, for the tests of the server's side. */
#ifndef CREDENTIALS_TEST_CLIENT_H
#define CREDENTIALS_TEST_CLIENT_H

#include "credentials/auth.h"

/* A text where the language wants a constant. */
#define FIXED(literal)                                                                             \
    {                                                                                              \
        .data = literal, .len = sizeof(literal) - 1                                                \
    }

enum { CLIENT_NOW_S = 1700000000 };

/* A request in the making. What is empty is left out; what is NULL too. */
struct client_request {
    struct text username;
    struct bytes userhash;
    struct text realm;
    struct text nonce;
    unsigned algorithm;     /* of PASSWORD-ALGORITHM; 0: none */
    const char *algorithms; /* PASSWORD-ALGORITHMS, in hex */
    struct bytes token;
    struct text origin;
    bool refresh;     /* in place of Allocate */
    bool ticket;      /* MOBILITY-TICKET */
    struct bytes key; /* empty: unsigned */
    bool sha1, sha256;
    bool late_username; /* the name stands behind the integrity */
};

/* The list that the server offers. */
#define CLIENT_OFFERED "0002 0000 0001 0000"

/* The address that requests come from. */
struct address client_address(void);

/* Writes a request and reads it again; the message borrows `memory`. */
struct stun_message client_write(const struct client_request *request, uint8_t memory[2048]);

/* Runs a request through the check. The caller gives the result to auth_result_done(). */
struct auth_result client_ask(const struct auth *auth, const struct client_request *request,
    int64_t now_s, const struct auth_identity *known);

/* The nonce that the server gives to this client at `now_s`, which must lie in `memory`. */
struct text client_nonce(const struct auth *auth, int64_t now_s, char memory[NONCE_MAX_SIZE]);

/* Asks with a fresh nonce, signed with SHA-1 and the MD5 key of the three. */
struct auth_result client_log_in(const struct auth *auth, struct text username, struct text realm,
    struct text password, const struct auth_identity *known);

#endif
