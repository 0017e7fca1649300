/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/endpoint.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "redis/spec.h"

static bool holds(struct text text, char c)
{
    return text.len > 0 && memchr(text.data, c, text.len) != NULL;
}

static int parse_location(struct text text, struct redis_spec *spec, struct str *why)
{
    struct text db = text;
    struct text host = text_cut(&db, '/');
    int error = redis_spec_host_port(host, &spec->host, &spec->port, why);
    return error == 0 && db.len > 0 ? redis_spec_db(spec, db, why) : error;
}

static int parse_url(struct text text, struct redis_spec *spec, struct str *why)
{
    int error = redis_spec_cut_query(spec, &text, why);
    if (error == 0)
        error = redis_spec_cut_login(spec, &text, why);
    return error == 0 ? parse_location(text, spec, why) : error;
}

/* Letters, digits and "+-.", then "://" (RFC 3986, section 3.1). */
static bool has_scheme(struct text text)
{
    size_t len = 0;
    while (len < text.len && (isalnum((unsigned char)text.data[len]) != 0 ||
                                 memchr("+-.", text.data[len], 3) != NULL))
        len++;
    return len > 0 && text_starts_with(text_skip(text, len), "://");
}

/* "PASSWORD@HOST:PORT/DB": the password is as it is. */
static int parse_plain(struct text text, struct redis_spec *spec, struct str *why)
{
    /* Taken for a password, it would be sent without the TLS that was meant, perhaps. */
    if (has_scheme(text)) {
        str_add_string(why, "only redis:// and rediss:// are known, alone or as "
                            "redis+sentinel:// and redis+cluster://");
        return -EINVAL;
    }
    const char *at = text.len > 0 ? memrchr(text.data, '@', text.len) : NULL;
    if (at != NULL) {
        spec->password = text_of(text.data, (size_t)(at - text.data));
        text = text_skip(text, spec->password.len + 1);
    }
    return parse_location(text, spec, why);
}

static int parse_spec(struct text text, struct redis_spec *spec, struct str *why)
{
    static const char *const several[] = {
        "redis+sentinel:", "rediss+sentinel:", "redis+cluster:", "rediss+cluster:"};

    for (size_t i = 0; i < COUNT_OF(several); i++) {
        if (text_starts_with(text, several[i])) {
            str_add_string(why, "Sentinel and Cluster are not supported here");
            return -EINVAL;
        }
    }
    spec->tls = text_starts_with(text, "rediss://");
    if (spec->tls)
        return parse_url(text_skip(text, strlen("rediss://")), spec, why);
    if (text_starts_with(text, "redis://"))
        return parse_url(text_skip(text, strlen("redis://")), spec, why);
    if (redis_spec_are_words(text) || (holds(text, '=') && !holds(text, '@')))
        return redis_spec_words(spec, text, why);
    return parse_plain(text, spec, why);
}

static int check(const struct redis_spec *spec, struct str *why)
{
    int error = redis_spec_check_host(spec->host, why);
    if (error == 0)
        error = redis_spec_check(spec, why);
    if (error == 0 && spec->sentinel_password.len > 0) {
        str_add_string(why, "sentinel-password without redis+sentinel");
        error = -EINVAL;
    }
    return error;
}

static int build(const struct redis_spec *spec, struct redis_endpoint *out)
{
    struct redis_endpoint built = {
        .port = (uint16_t)spec->port,
        .db = (unsigned)spec->db,
        .connect_timeout_ms = (unsigned)spec->connect_timeout_s * 1000,
    };
    if (!redis_spec_dup(spec->host, &built.host) || !redis_spec_dup(spec->user, &built.user) ||
        !redis_spec_dup(spec->password, &built.password) ||
        !redis_spec_build_tls(spec, &built.tls)) {
        redis_endpoint_done(&built);
        return -ENOMEM;
    }
    *out = built;
    return 0;
}

int redis_endpoint_parse(struct text text, struct redis_endpoint *out, struct str *why)
{
    text = text_trim(text);
    char *memory = malloc(text.len + 1);
    if (memory == NULL) {
        str_add_string(why, "out of memory");
        return -ENOMEM;
    }
    struct redis_spec spec = {.port = REDIS_DEFAULT_PORT, .memory = memory};
    int error = parse_spec(text, &spec, why);
    if (error == 0)
        error = check(&spec, why);
    if (error == 0)
        error = build(&spec, out);
    if (error == -ENOMEM)
        str_add_string(why, "out of memory");
    explicit_bzero(memory, text.len + 1);
    free(memory);
    return error;
}

int redis_endpoint_copy(const struct redis_endpoint *from, struct redis_endpoint *out)
{
    const struct redis_spec spec = {
        .host = text_from(from->host),
        .user = text_from(from->user),
        .password = text_from(from->password),
        .port = from->port,
        .db = from->db,
        .tls = from->tls.is_wanted,
        .verify = from->tls.verify,
        .ca = text_from(from->tls.ca),
        .certificate = text_from(from->tls.certificate),
        .key = text_from(from->tls.key),
    };
    int error = build(&spec, out);
    if (error == 0)
        out->connect_timeout_ms = from->connect_timeout_ms;
    return error;
}

void redis_secret_free(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void redis_tls_words_done(struct redis_tls_words *words)
{
    free(words->ca);
    free(words->certificate);
    free(words->key);
    *words = (struct redis_tls_words){.ca = NULL};
}

void redis_endpoint_done(struct redis_endpoint *endpoint)
{
    redis_secret_free(endpoint->password);
    free(endpoint->user);
    free(endpoint->host);
    redis_tls_words_done(&endpoint->tls);
    *endpoint = (struct redis_endpoint){.host = NULL};
}
