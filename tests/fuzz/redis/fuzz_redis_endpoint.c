/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was read can be written as a URL, and reads the same again; what was not read has a reason,
 * which never shows a password.
 */
#include "../require.h"
#include "redis/endpoint.h"

static void add_encoded(struct str *out, const char *part)
{
    for (; part != NULL && *part != '\0'; part++)
        str_addf(out, "%%%02x", (unsigned)(unsigned char)*part);
}

static void write_url(const struct redis_endpoint *e, struct str *out)
{
    bool is_ip6 = strchr(e->host, ':') != NULL;
    str_add_string(out, e->tls.is_wanted ? "rediss://" : "redis://");
    add_encoded(out, e->user);
    str_add_char(out, ':');
    add_encoded(out, e->password);
    str_addf(out, "@%s%s%s:%u/%u", is_ip6 ? "[" : "", e->host, is_ip6 ? "]" : "", e->port, e->db);
    str_addf(out, "?verify=%s&ca=",
        e->tls.verify == REDIS_VERIFY_HOST ? "host"
        : e->tls.verify == REDIS_VERIFY_CA ? "ca"
                                           : "none");
    add_encoded(out, e->tls.ca);
    str_add_string(out, "&certificate=");
    add_encoded(out, e->tls.certificate);
    str_add_string(out, "&key=");
    add_encoded(out, e->tls.key);
}

static bool same(const char *a, const char *b)
{
    return text_equal(text_from(a), text_from(b));
}

static bool same_tls(const struct redis_tls_words *a, const struct redis_tls_words *b)
{
    return a->is_wanted == b->is_wanted && a->verify == b->verify && same(a->ca, b->ca) &&
           same(a->certificate, b->certificate) && same(a->key, b->key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct redis_endpoint first = {.host = NULL}, again = {.host = NULL};
    struct str url = {.data = NULL}, why = {.data = NULL};
    if (redis_endpoint_parse(text_of((const char *)data, size), &first, &why) != 0) {
        require(why.len > 0 && first.host == NULL);
        require(strstr(str_string(&why), "Geheim") == NULL);
    } else {
        write_url(&first, &url);
        require(redis_endpoint_parse(str_text(&url), &again, &why) == 0);
        require(same(first.host, again.host) && first.port == again.port && first.db == again.db);
        require(same(first.user, again.user) && same(first.password, again.password));
        require(same_tls(&first.tls, &again.tls));
    }
    redis_endpoint_done(&first);
    redis_endpoint_done(&again);
    str_done(&url);
    str_done(&why);
    return 0;
}
