/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/tls.h - the files and settings that connections to Redis over TLS are made from.
 *
 * TLS 1.2 and 1.3. The certificate of the server must lead to the CA file, or to the system's CAs
 * when there is none, and be for the host that was connected to, unless told otherwise. Files that
 * were written since are read again for the next connection; while they cannot be used, the former
 * ones stay. Reading them blocks for as long as a small file takes.
 */
#ifndef REDIS_TLS_H
#define REDIS_TLS_H

#include "base/str.h"
#include "redis/endpoint.h"

struct redis_tls;
struct ssl_st;

/* PEM; each may be NULL or empty. Borrowed for the call. */
struct redis_tls_files {
    const char *ca;          /* NULL: the system's */
    const char *certificate; /* ours, then those that lead to its root; NULL: we show none */
    const char *key;         /* of it */
};

/* `files` may be NULL. Returns 0 and one reference in `out`; else -EINVAL or -ENOMEM with a
 * sentence that names the file in `why`. */
NODISCARD int redis_tls_new(const struct redis_tls_files *files, enum redis_verify verify,
    struct redis_tls **out, struct str *why);

/* What an option asks for, with files of other options in the place of its own (may be NULL).
 * `*out` is NULL when no TLS is wanted. */
NODISCARD int redis_tls_wanted(const struct redis_tls_words *words,
    const struct redis_tls_files *files, struct redis_tls **out, struct str *why);

/* Accepts NULL, and gives it back. */
struct redis_tls *redis_tls_ref(struct redis_tls *tls);
void redis_tls_unref(struct redis_tls *tls);

/* A new connection to `host`, a name or an address; NULL when out of memory. */
NODISCARD struct ssl_st *redis_tls_connection(struct redis_tls *tls, const char *host);

#endif
