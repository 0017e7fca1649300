/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/endpoint.h - which Redis, which database, as whom: what options say of a connection.
 *
 * Pure: nothing is looked up here.
 */
#ifndef REDIS_ENDPOINT_H
#define REDIS_ENDPOINT_H

#include "base/str.h"

enum {
    REDIS_DEFAULT_PORT = 6379,
    REDIS_DEFAULT_CONNECT_TIMEOUT_MS = 5000,
    REDIS_MAX_DB = 1 << 20,
};

/* What the certificate of a server is held to. */
enum redis_verify {
    REDIS_VERIFY_HOST, /* it leads to a known CA and is for the host */
    REDIS_VERIFY_CA,   /* it leads to a known CA: for servers that tell addresses of each other */
    REDIS_VERIFY_NONE,
};

/* All strings are owned, and may be NULL. */
struct redis_tls_words {
    bool is_wanted;
    enum redis_verify verify;
    char *ca; /* files, in PEM, as in redis/tls.h */
    char *certificate;
    char *key;
};

struct redis_endpoint {
    char *host; /* a name, or an address without brackets */
    uint16_t port;
    unsigned db;
    char *user;                  /* NULL: none, as before Redis 6 */
    char *password;              /* NULL: no AUTH */
    unsigned connect_timeout_ms; /* 0: not said */
    struct redis_tls_words tls;
};

/*
 * Reads one of
 *     ip=HOST port=N dbname=N user=NAME password=WORD connect_timeout=SECONDS
 *         tls=yes ca=FILE cert=FILE clientkey=FILE verify=host|ca|none        (coturn's words)
 *     redis://USER:PASSWORD@HOST:PORT/DB                           (percent-encoding undone)
 *     rediss://USER:PASSWORD@HOST:PORT/DB?ca=FILE&certificate=FILE&key=FILE&verify=host|ca|none
 *     PASSWORD@HOST:PORT/DB                                        (rtpengine's: as it is)
 * where all but the host may be left out. Returns 0, or -EINVAL or -ENOMEM with a sentence, which
 * never shows the password, in `why`; `out` is then untouched.
 */
NODISCARD int redis_endpoint_parse(struct text text, struct redis_endpoint *out, struct str *why);

NODISCARD int redis_endpoint_copy(const struct redis_endpoint *from, struct redis_endpoint *out);

/* Frees the strings, the password wiped; accepts all zeros. */
void redis_endpoint_done(struct redis_endpoint *endpoint);

void redis_tls_words_done(struct redis_tls_words *words);

/* Wipes and frees; accepts NULL. */
void redis_secret_free(char *secret);

#endif
