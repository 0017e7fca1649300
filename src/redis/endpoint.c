/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/percent.h"

enum { MAX_CONNECT_TIMEOUT_S = 600 };

/* What was read so far; borrows from the text, or from `decoded`. */
struct parts {
    struct text host;
    struct text user;
    struct text password;
    uint64_t port;
    uint64_t db;
    uint64_t connect_timeout_s; /* 0: not said */
};

/* --- values --- */

static int set_number(
    uint64_t *to, struct text value, uint64_t max, const char *what, struct str *why)
{
    if (text_to_u64(value, max, to))
        return 0;
    str_addf(why, "the %s must be a number of at most %llu", what, (unsigned long long)max);
    return -EINVAL;
}

static int set_port(struct parts *parts, struct text value, struct str *why)
{
    int error = set_number(&parts->port, value, UINT16_MAX, "port", why);
    if (error == 0 && parts->port == 0) {
        str_add_string(why, "the port must not be 0");
        return -EINVAL;
    }
    return error;
}

static int set_db(struct parts *parts, struct text value, struct str *why)
{
    return set_number(&parts->db, value, REDIS_MAX_DB, "database", why);
}

static bool is_one_of(struct text word, const char *const *names)
{
    for (; *names != NULL; names++)
        if (text_is_nocase(word, *names))
            return true;
    return false;
}

/* --- "ip=... port=..." --- */

static bool means_off(struct text value)
{
    static const char *const off[] = {"", "0", "no", "off", "false", NULL};
    return is_one_of(value, off);
}

/* The name is not shown: it may be the second half of a password. */
static int set_other(struct text name, struct text value, struct str *why)
{
    static const char *const tls[] = {
        "tls", "ca", "capath", "cert", "clientkey", "sni", "verify", NULL};

    if (is_one_of(name, tls) && means_off(value))
        return 0;
    str_add_string(why, is_one_of(name, tls)
                            ? "TLS to Redis is not supported"
                            : "an unknown name; ip, port, dbname, user, password and "
                              "connect_timeout are known");
    return -EINVAL;
}

static int set_pair(struct parts *parts, struct text name, struct text value, struct str *why)
{
    static const char *const host[] = {"ip", "host", "addr", "ipaddr", "hostaddr", NULL};
    static const char *const db[] = {"dbname", "db", "database", NULL};
    static const char *const user[] = {"user", "uname", "name", "username", NULL};
    static const char *const password[] = {"password", "pwd", "passwd", "secret", NULL};
    static const char *const port[] = {"port", "p", NULL};
    static const char *const timeout[] = {"connect_timeout", "timeout", NULL};

    if (is_one_of(name, host))
        parts->host = value;
    else if (is_one_of(name, user))
        parts->user = value;
    else if (is_one_of(name, password))
        parts->password = value;
    else if (is_one_of(name, db))
        return set_db(parts, value, why);
    else if (is_one_of(name, port))
        return set_port(parts, value, why);
    else if (is_one_of(name, timeout))
        return set_number(
            &parts->connect_timeout_s, value, MAX_CONNECT_TIMEOUT_S, "timeout in seconds", why);
    else
        return set_other(name, value, why);
    return 0;
}

static int parse_pairs(struct text spec, struct parts *parts, struct str *why)
{
    int error = 0;
    while (error == 0) {
        struct text value = text_word(&spec, ' ');
        if (value.len == 0)
            return 0;
        if (memchr(value.data, '=', value.len) == NULL) {
            /* Not shown: it may be the second half of a password. */
            str_add_string(why, "a word without '='; values cannot hold spaces");
            return -EINVAL;
        }
        struct text name = text_cut(&value, '=');
        error = set_pair(parts, name, value, why);
    }
    return error;
}

/* --- "host:port/db" --- */

/* An address in brackets, or one of IPv6 without a port, or a name or address of IPv4. */
static int parse_host_port(struct text spec, struct parts *parts, struct str *why)
{
    if (text_starts_with(spec, "[")) {
        spec = text_skip(spec, 1);
        if (spec.len == 0 || memchr(spec.data, ']', spec.len) == NULL) {
            str_add_string(why, "']' is missing");
            return -EINVAL;
        }
        parts->host = text_cut(&spec, ']');
        if (spec.len == 0)
            return 0;
        if (spec.data[0] != ':') {
            str_add_string(why, "a colon must follow ']'");
            return -EINVAL;
        }
        return set_port(parts, text_skip(spec, 1), why);
    }
    struct text port = spec;
    struct text host = text_cut(&port, ':');
    if (port.len > 0 && memchr(port.data, ':', port.len) != NULL) {
        parts->host = spec;
        return 0;
    }
    parts->host = host;
    return host.len == spec.len ? 0 : set_port(parts, port, why);
}

static int parse_location(struct text spec, struct parts *parts, struct str *why)
{
    struct text db = spec;
    struct text host = text_cut(&db, '/');
    int error = parse_host_port(host, parts, why);
    return error == 0 && db.len > 0 ? set_db(parts, db, why) : error;
}

/* --- "redis://user:password@host:port/db" --- */

/* Everything up to the last '@': a password may hold one. */
static bool cut_user(struct text *spec, struct text *user)
{
    const char *at = spec->len > 0 ? memrchr(spec->data, '@', spec->len) : NULL;
    if (at == NULL)
        return false;
    *user = text_of(spec->data, (size_t)(at - spec->data));
    *spec = text_skip(*spec, user->len + 1);
    return true;
}

static int parse_url(struct text spec, struct parts *parts, char *memory, struct str *why)
{
    struct text user;
    if (cut_user(&spec, &user)) {
        parts->password = user;
        parts->user = text_cut(&parts->password, ':');
        if (!percent_decode(parts->user, PERCENT_PLUS_IS_PLUS, memory, &parts->user) ||
            !percent_decode(parts->password, PERCENT_PLUS_IS_PLUS, memory + parts->user.len,
                &parts->password)) {
            str_add_string(why, "'%' must be followed by two hexadecimal digits");
            return -EINVAL;
        }
    }
    return parse_location(spec, parts, why);
}

/* --- the whole --- */

static int parse_parts(struct text spec, struct parts *parts, char *memory, struct str *why)
{
    if (text_starts_with(spec, "rediss://")) {
        str_add_string(why, "TLS to Redis (rediss://) is not supported");
        return -EINVAL;
    }
    if (text_starts_with(spec, "redis://"))
        return parse_url(text_skip(spec, strlen("redis://")), parts, memory, why);
    if (spec.len > 0 && memchr(spec.data, '=', spec.len) != NULL)
        return parse_pairs(spec, parts, why);
    return parse_location(spec, parts, why);
}

static bool holds(struct text t, char c)
{
    return t.len > 0 && memchr(t.data, c, t.len) != NULL;
}

static int check(const struct parts *parts, struct str *why)
{
    if (parts->host.len == 0)
        str_add_string(why, "the host is missing");
    else if (parts->host.len > 255 || holds(parts->host, '\0') || holds(parts->host, ' '))
        str_add_string(why, "the host is not a name or an address");
    else if (parts->user.len > 0 && parts->password.len == 0)
        str_add_string(why, "a user without a password");
    else if (holds(parts->user, '\0') || holds(parts->password, '\0'))
        str_add_string(why, "user and password cannot hold a zero byte");
    else
        return 0;
    return -EINVAL;
}

static bool dup_unless_empty(struct text t, char **out)
{
    *out = t.len > 0 ? text_dup(t) : NULL;
    return t.len == 0 || *out != NULL;
}

static int build(const struct parts *parts, struct redis_endpoint *out)
{
    struct redis_endpoint built = {
        .port = (uint16_t)parts->port,
        .db = (unsigned)parts->db,
        .connect_timeout_ms = parts->connect_timeout_s > 0
                                  ? (unsigned)parts->connect_timeout_s * 1000
                                  : REDIS_DEFAULT_CONNECT_TIMEOUT_MS,
    };
    if (!dup_unless_empty(parts->host, &built.host) ||
        !dup_unless_empty(parts->user, &built.user) ||
        !dup_unless_empty(parts->password, &built.password)) {
        redis_endpoint_done(&built);
        return -ENOMEM;
    }
    *out = built;
    return 0;
}

int redis_endpoint_parse(struct text spec, struct redis_endpoint *out, struct str *why)
{
    struct parts parts = {.port = REDIS_DEFAULT_PORT};
    spec = text_trim(spec);
    char *memory = malloc(spec.len + 1);
    if (memory == NULL) {
        str_add_string(why, "out of memory");
        return -ENOMEM;
    }
    int error = parse_parts(spec, &parts, memory, why);
    if (error == 0)
        error = check(&parts, why);
    if (error == 0)
        error = build(&parts, out);
    explicit_bzero(memory, spec.len + 1);
    free(memory);
    return error;
}

int redis_endpoint_copy(const struct redis_endpoint *from, struct redis_endpoint *out)
{
    struct parts parts = {
        .host = text_from(from->host),
        .user = text_from(from->user),
        .password = text_from(from->password),
        .port = from->port,
        .db = from->db,
    };
    int error = build(&parts, out);
    if (error == 0)
        out->connect_timeout_ms = from->connect_timeout_ms;
    return error;
}

void redis_endpoint_done(struct redis_endpoint *endpoint)
{
    if (endpoint->password != NULL)
        explicit_bzero(endpoint->password, strlen(endpoint->password));
    free(endpoint->password);
    free(endpoint->user);
    free(endpoint->host);
    *endpoint = (struct redis_endpoint){.host = NULL};
}
