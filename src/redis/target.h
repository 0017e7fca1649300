/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/target.h - what an option says of a Redis that may be several: one server, one found
 * through Sentinels, or a Cluster.
 *
 * Pure: nothing is looked up here.
 */
#ifndef REDIS_TARGET_H
#define REDIS_TARGET_H

#include "redis/endpoint.h"

enum {
    REDIS_DEFAULT_SENTINEL_PORT = 26379,
    REDIS_MAX_HOSTS = 32,
};

enum redis_topology {
    REDIS_SINGLE,
    REDIS_SENTINEL, /* `hosts` are Sentinels, which know the master of `service` */
    REDIS_CLUSTER,  /* `hosts` are some of its nodes */
};

struct redis_host {
    char *name; /* or an address without brackets */
    uint16_t port;
};

/* All strings are owned. */
struct redis_target {
    enum redis_topology topology;
    struct redis_host hosts[REDIS_MAX_HOSTS];
    size_t host_count;
    char *service; /* of SENTINEL */
    unsigned db;
    char *user;     /* NULL: none, as before Redis 6 */
    char *password; /* NULL: no AUTH */
    char *sentinel_user;
    char *sentinel_password;     /* NULL: no AUTH with the Sentinels */
    struct redis_tls_words tls;  /* with the Sentinels too */
    unsigned connect_timeout_ms; /* 0: not said */
};

/*
 * Reads what redis_endpoint_parse() reads, for one server, or one of
 *     redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/SERVICE/DB
 *     redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT
 * or these with "rediss", for TLS. All but a host and the service may be left out. Behind a '?'
 * may follow, with '&' between them,
 *     sentinel-user=NAME, sentinel-password=WORD             what the Sentinels themselves want
 *     verify=host|ca|none, ca=FILE, certificate=FILE, key=FILE                           of TLS
 * Percent-encoding is undone in names and words. Returns 0, or -EINVAL or -ENOMEM with a sentence,
 * which never shows a password, in `why`; `out` is then untouched.
 */
NODISCARD int redis_target_parse(struct text text, struct redis_target *out, struct str *why);

/* Replaces user and password by those of other options; of the two, what is empty stays as it is.
 * Returns 0 or -ENOMEM. */
NODISCARD int redis_target_set_login(
    struct redis_target *target, struct text user, struct text password);

NODISCARD int redis_target_copy(const struct redis_target *from, struct redis_target *out);

/* What it is, for people, without user and password: "127.0.0.1:6379/2", "service of h1:p, h2:p"
 * or "cluster of h1:p, h2:p". */
void redis_target_write(const struct redis_target *target, struct str *out);

/* "10.0.0.5:6379", "[::1]:6379". */
void redis_host_write(const char *name, uint16_t port, struct str *out);

/* Frees the strings, passwords wiped; accepts all zeros. */
void redis_target_done(struct redis_target *target);

#endif
