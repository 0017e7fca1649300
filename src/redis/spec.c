/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/spec.h"

#include <errno.h>
#include <string.h>

#include "base/percent.h"

static bool holds(struct text t, char c)
{
    return t.len > 0 && memchr(t.data, c, t.len) != NULL;
}

static int refuse(struct str *why, const char *sentence)
{
    str_add_string(why, sentence);
    return -EINVAL;
}

/* --- numbers --- */

int redis_spec_port(struct text value, uint64_t *out, struct str *why)
{
    if (!text_to_u64(value, UINT16_MAX, out)) {
        str_addf(why, "the port must be a number of at most %u", (unsigned)UINT16_MAX);
        return -EINVAL;
    }
    return *out > 0 ? 0 : refuse(why, "the port must not be 0");
}

int redis_spec_db(struct redis_spec *spec, struct text value, struct str *why)
{
    if (text_to_u64(value, REDIS_MAX_DB, &spec->db))
        return 0;
    str_addf(why, "the database must be a number of at most %u", (unsigned)REDIS_MAX_DB);
    return -EINVAL;
}

/* --- hosts --- */

int redis_spec_host_port(struct text text, struct text *host, uint64_t *port, struct str *why)
{
    if (text_starts_with(text, "[")) {
        text = text_skip(text, 1);
        if (!holds(text, ']'))
            return refuse(why, "']' is missing");
        *host = text_cut(&text, ']');
        if (text.len == 0)
            return 0;
        if (text.data[0] != ':')
            return refuse(why, "a colon must follow ']'");
        return redis_spec_port(text_skip(text, 1), port, why);
    }
    struct text rest = text;
    struct text name = text_cut(&rest, ':');
    if (holds(rest, ':')) {
        *host = text;
        return 0;
    }
    *host = name;
    return name.len == text.len ? 0 : redis_spec_port(rest, port, why);
}

int redis_spec_check_host(struct text host, struct str *why)
{
    if (host.len == 0)
        return refuse(why, "the host is missing");
    if (host.len > 255)
        return refuse(why, "the host is not a name or an address");
    for (size_t i = 0; i < host.len; i++)
        if ((unsigned char)host.data[i] <= ' ' || strchr("/@?&,[]", host.data[i]) != NULL)
            return refuse(why, "the host is not a name or an address");
    return 0;
}

/* --- names and passwords --- */

static int decode(struct redis_spec *spec, struct text encoded, struct text *out, struct str *why)
{
    if (!percent_decode(encoded, PERCENT_PLUS_IS_PLUS, spec->memory, out))
        return refuse(why, "'%' must be followed by two hexadecimal digits");
    spec->memory += out->len;
    return 0;
}

/* Everything up to the last '@': a password may hold one. */
int redis_spec_cut_login(struct redis_spec *spec, struct text *rest, struct str *why)
{
    const char *at = rest->len > 0 ? memrchr(rest->data, '@', rest->len) : NULL;
    if (at == NULL)
        return 0;
    struct text password = text_of(rest->data, (size_t)(at - rest->data));
    *rest = text_skip(*rest, password.len + 1);
    struct text user = text_cut(&password, ':');
    int error = decode(spec, user, &spec->user, why);
    return error == 0 ? decode(spec, password, &spec->password, why) : error;
}

/* --- the query --- */

int redis_spec_verify(struct redis_spec *spec, struct text value, struct str *why)
{
    static const char *const words[] = {
        [REDIS_VERIFY_HOST] = "host", [REDIS_VERIFY_CA] = "ca", [REDIS_VERIFY_NONE] = "none"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (text_is_nocase(value, words[i])) {
            spec->verify = (enum redis_verify)i;
            return 0;
        }
    }
    return refuse(why, "verify must be host, ca or none");
}

static struct text *text_named(struct redis_spec *spec, struct text name)
{
    if (text_is(name, "sentinel-user"))
        return &spec->sentinel_user;
    if (text_is(name, "sentinel-password"))
        return &spec->sentinel_password;
    if (text_is(name, "ca"))
        return &spec->ca;
    if (text_is(name, "certificate"))
        return &spec->certificate;
    return text_is(name, "key") ? &spec->key : NULL;
}

/* The name is not shown: it may be the second half of a password. */
static int set_pair(struct redis_spec *spec, struct text pair, struct str *why)
{
    struct text name = text_cut(&pair, '=');
    struct text *to = text_named(spec, name);
    if (text_is(name, "verify"))
        return redis_spec_verify(spec, pair, why);
    if (to == NULL)
        return refuse(why, "an unknown name behind '?'; sentinel-user, sentinel-password, verify, "
                           "ca, certificate and key are known");
    return decode(spec, pair, to, why);
}

/* A password in front may hold a '?': the query is what comes behind the last '@' and a '?'. */
int redis_spec_cut_query(struct redis_spec *spec, struct text *rest, struct str *why)
{
    const char *at = rest->len > 0 ? memrchr(rest->data, '@', rest->len) : NULL;
    size_t from = at != NULL ? (size_t)(at - rest->data) : 0;
    struct text query = text_skip(*rest, from);
    struct text before = text_cut(&query, '?');
    int error = 0;

    *rest = text_of(rest->data, from + before.len);
    while (query.len > 0 && error == 0)
        error = set_pair(spec, text_cut(&query, '&'), why);
    return error;
}

/* --- the whole --- */

int redis_spec_check(const struct redis_spec *spec, struct str *why)
{
    const struct text all[] = {spec->user, spec->password, spec->sentinel_user,
        spec->sentinel_password, spec->ca, spec->certificate, spec->key};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (holds(all[i], '\0'))
            return refuse(why, "names and passwords cannot hold a zero byte");
    if ((spec->user.len > 0 && spec->password.len == 0) ||
        (spec->sentinel_user.len > 0 && spec->sentinel_password.len == 0))
        return refuse(why, "a user without a password");
    if ((spec->certificate.len > 0) != (spec->key.len > 0))
        return refuse(why, "a certificate and its key are needed together");
    return 0;
}

bool redis_spec_dup(struct text text, char **out)
{
    *out = text.len > 0 ? text_dup(text) : NULL;
    return text.len == 0 || *out != NULL;
}

bool redis_spec_build_tls(const struct redis_spec *spec, struct redis_tls_words *out)
{
    *out = (struct redis_tls_words){.is_wanted = spec->tls, .verify = spec->verify};
    return redis_spec_dup(spec->ca, &out->ca) &&
           redis_spec_dup(spec->certificate, &out->certificate) &&
           redis_spec_dup(spec->key, &out->key);
}
