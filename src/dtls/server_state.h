/* SPDX-License-Identifier: Apache-2.0 */
/* dtls/server_state.h - what the front door and its sessions share; for nobody else. */
#ifndef DTLS_SERVER_STATE_H
#define DTLS_SERVER_STATE_H

#include "dtls/client_hello.h"
#include "dtls/server.h"

struct bio_method_st;

enum { DTLS_SECRET_SIZE = 32, DTLS_SECRET_MS = 60000 };

struct dtls_server {
    struct ssl_ctx_st *context;
    struct bio_method_st *method;
    size_t mtu;
    bool has_secrets;
    uint64_t secret_since_ms;
    uint8_t secrets[2][DTLS_SECRET_SIZE]; /* the one in use, the one before */
    uint8_t plain[16384];                 /* one decrypted record */
};

/* Whether a cookie is one of ours for this address, by the secrets as they are. */
bool dtls_server_knows_cookie(
    const struct dtls_server *server, const struct address *client, struct bytes cookie);

struct ssl_st;

/* Called by OpenSSL, which lets cookies be judged by functions of the context only; for the
 * connection of a session. */
int dtls_session_judge_cookie(struct ssl_st *ssl, const unsigned char *cookie, unsigned len);

#endif
