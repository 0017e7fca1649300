/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/spec.h - the pieces that endpoints and targets are written with; for these two only.
 *
 * Each function returns 0, or -EINVAL with a sentence, which never shows a password, in `why`.
 */
#ifndef REDIS_SPEC_H
#define REDIS_SPEC_H

#include "redis/endpoint.h"

/* What was read so far; borrows from what is read, or from `memory`. */
struct redis_spec {
    struct text host;
    uint64_t port;
    uint64_t db;
    struct text user;
    struct text password;
    struct text sentinel_user;
    struct text sentinel_password;
    uint64_t connect_timeout_s; /* 0: not said */
    bool tls;
    enum redis_verify verify;
    struct text ca;
    struct text certificate;
    struct text key;
    char *memory; /* for what is decoded; grows by at most as much as was read */
};

int redis_spec_port(struct text value, uint64_t *out, struct str *why);
int redis_spec_db(struct redis_spec *spec, struct text value, struct str *why);

/* An address in brackets, or one of IPv6 without a port, or a name or address of IPv4. `*port`
 * stays when there is none. */
int redis_spec_host_port(struct text text, struct text *host, uint64_t *port, struct str *why);

/* Takes "USER:PASSWORD@", percent-encoded, from the front of `rest`, when it is there. */
int redis_spec_cut_login(struct redis_spec *spec, struct text *rest, struct str *why);

/* Takes "?NAME=WORD&NAME=WORD" from the end, when it is there. */
int redis_spec_cut_query(struct redis_spec *spec, struct text *rest, struct str *why);

/* coturn's "NAME=WORD NAME=WORD". */
int redis_spec_words(struct redis_spec *spec, struct text words, struct str *why);

/* Whether the text starts as such words do. */
bool redis_spec_are_words(struct text text);

int redis_spec_verify(struct redis_spec *spec, struct text value, struct str *why);

/* Of a host, and of what has been read of the rest. */
int redis_spec_check_host(struct text host, struct str *why);
int redis_spec_check(const struct redis_spec *spec, struct str *why);

/* A copy, or NULL when it is empty; false when out of memory. */
bool redis_spec_dup(struct text text, char **out);

/* The part of TLS; false when out of memory, the strings made so far then belong to `out`. */
bool redis_spec_build_tls(const struct redis_spec *spec, struct redis_tls_words *out);

#endif
