/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "redis/spec.h"

struct scheme {
    const char *start;
    enum redis_topology topology;
    bool tls;
};

static const struct scheme schemes[] = {
    {"redis+sentinel://", REDIS_SENTINEL, false},
    {"rediss+sentinel://", REDIS_SENTINEL, true},
    {"redis+cluster://", REDIS_CLUSTER, false},
    {"rediss+cluster://", REDIS_CLUSTER, true},
};

static const struct scheme *scheme_of(struct text text)
{
    for (size_t i = 0; i < COUNT_OF(schemes); i++)
        if (text_starts_with(text, schemes[i].start))
            return &schemes[i];
    return NULL;
}

static int refuse(struct str *why, const char *sentence)
{
    str_add_string(why, sentence);
    return -EINVAL;
}

/* --- hosts --- */

static int add_host(struct redis_target *target, struct text text, struct str *why)
{
    struct text name = {.len = 0};
    uint64_t port = target->topology == REDIS_SENTINEL ? (uint64_t)REDIS_DEFAULT_SENTINEL_PORT
                                                       : (uint64_t)REDIS_DEFAULT_PORT;
    if (target->host_count == REDIS_MAX_HOSTS)
        return refuse(why, "too many hosts");
    int error = redis_spec_host_port(text, &name, &port, why);
    if (error == 0)
        error = redis_spec_check_host(name, why);
    if (error != 0)
        return error;
    struct redis_host *host = &target->hosts[target->host_count];
    host->name = text_dup(name);
    host->port = (uint16_t)port;
    if (host->name == NULL)
        return -ENOMEM;
    target->host_count++;
    return 0;
}

static int parse_hosts(struct redis_target *target, struct text text, struct str *why)
{
    bool more = true;
    int error = 0;
    while (more && error == 0) {
        more = text.len > 0 && memchr(text.data, ',', text.len) != NULL;
        error = add_host(target, text_cut(&text, ','), why);
    }
    return error;
}

/* --- behind the hosts --- */

static int parse_path(
    struct redis_target *target, struct text path, struct redis_spec *spec, struct str *why)
{
    if (target->topology == REDIS_CLUSTER)
        return path.len == 0 || text_is(path, "0")
                   ? 0
                   : refuse(why, "a Cluster has no databases: nothing may follow the hosts");
    struct text service = text_cut(&path, '/');
    if (service.len == 0)
        return refuse(why, "the name of the service is missing behind the hosts");
    for (size_t i = 0; i < service.len; i++)
        if ((unsigned char)service.data[i] <= ' ')
            return refuse(why, "the name of the service cannot hold spaces");
    target->service = text_dup(service);
    if (target->service == NULL)
        return -ENOMEM;
    return path.len > 0 ? redis_spec_db(spec, path, why) : 0;
}

static int parse_several(
    struct redis_target *target, struct text text, struct redis_spec *spec, struct str *why)
{
    int error = redis_spec_cut_query(spec, &text, why);
    if (error == 0)
        error = redis_spec_cut_login(spec, &text, why);
    if (error != 0)
        return error;
    struct text path = text;
    struct text hosts = text_cut(&path, '/');
    error = parse_hosts(target, hosts, why);
    if (error == 0)
        error = parse_path(target, path, spec, why);
    if (error == 0)
        error = redis_spec_check(spec, why);
    if (error == 0 && target->topology == REDIS_CLUSTER && spec->sentinel_password.len > 0)
        error = refuse(why, "sentinel-password without redis+sentinel");
    return error;
}

static int fill(struct redis_target *target, const struct redis_spec *spec)
{
    target->db = (unsigned)spec->db;
    return redis_spec_dup(spec->user, &target->user) &&
                   redis_spec_dup(spec->password, &target->password) &&
                   redis_spec_dup(spec->sentinel_user, &target->sentinel_user) &&
                   redis_spec_dup(spec->sentinel_password, &target->sentinel_password) &&
                   redis_spec_build_tls(spec, &target->tls)
               ? 0
               : -ENOMEM;
}

static int read_several(
    struct text text, const struct scheme *scheme, struct redis_target *out, struct str *why)
{
    struct redis_target target = {.topology = scheme->topology};
    char *memory = malloc(text.len + 1);
    if (memory == NULL) {
        str_add_string(why, "out of memory");
        return -ENOMEM;
    }
    struct redis_spec spec = {.tls = scheme->tls, .memory = memory};
    int error = parse_several(&target, text_skip(text, strlen(scheme->start)), &spec, why);
    if (error == 0)
        error = fill(&target, &spec);
    if (error == -ENOMEM)
        str_add_string(why, "out of memory");
    explicit_bzero(memory, text.len + 1);
    free(memory);
    if (error != 0)
        redis_target_done(&target);
    else
        *out = target;
    return error;
}

/* --- the whole --- */

static int read_one(struct text text, struct redis_target *out, struct str *why)
{
    struct redis_endpoint endpoint;
    int error = redis_endpoint_parse(text, &endpoint, why);
    if (error != 0)
        return error;
    /* The strings go over. */
    *out = (struct redis_target){
        .topology = REDIS_SINGLE,
        .hosts = {{.name = endpoint.host, .port = endpoint.port}},
        .host_count = 1,
        .db = endpoint.db,
        .user = endpoint.user,
        .password = endpoint.password,
        .tls = endpoint.tls,
        .connect_timeout_ms = endpoint.connect_timeout_ms,
    };
    return 0;
}

int redis_target_parse(struct text text, struct redis_target *out, struct str *why)
{
    text = text_trim(text);
    const struct scheme *scheme = scheme_of(text);
    return scheme != NULL ? read_several(text, scheme, out, why) : read_one(text, out, why);
}

static bool replace(char **to, struct text by)
{
    if (by.len == 0)
        return true;
    char *copy = text_dup(by);
    if (copy == NULL)
        return false;
    redis_secret_free(*to);
    *to = copy;
    return true;
}

int redis_target_set_login(struct redis_target *target, struct text user, struct text password)
{
    return replace(&target->user, user) && replace(&target->password, password) ? 0 : -ENOMEM;
}

int redis_target_copy(const struct redis_target *from, struct redis_target *out)
{
    const struct redis_spec spec = {
        .db = from->db,
        .user = text_from(from->user),
        .password = text_from(from->password),
        .sentinel_user = text_from(from->sentinel_user),
        .sentinel_password = text_from(from->sentinel_password),
        .tls = from->tls.is_wanted,
        .verify = from->tls.verify,
        .ca = text_from(from->tls.ca),
        .certificate = text_from(from->tls.certificate),
        .key = text_from(from->tls.key),
    };
    struct redis_target copy = {
        .topology = from->topology, .connect_timeout_ms = from->connect_timeout_ms};
    int error = fill(&copy, &spec);
    if (!redis_spec_dup(text_from(from->service), &copy.service))
        error = -ENOMEM;
    for (; copy.host_count < from->host_count && error == 0; copy.host_count++) {
        const struct redis_host *host = &from->hosts[copy.host_count];
        copy.hosts[copy.host_count] =
            (struct redis_host){.name = text_dup(text_from(host->name)), .port = host->port};
        if (copy.hosts[copy.host_count].name == NULL)
            error = -ENOMEM;
    }
    if (error != 0)
        redis_target_done(&copy);
    else
        *out = copy;
    return error;
}

void redis_target_write(const struct redis_target *target, struct str *out)
{
    if (target->topology == REDIS_SENTINEL)
        str_addf(out, "%s of ", target->service);
    else if (target->topology == REDIS_CLUSTER)
        str_add_string(out, "cluster of ");
    for (size_t i = 0; i < target->host_count; i++) {
        str_add_string(out, i > 0 ? ", " : "");
        redis_host_write(target->hosts[i].name, target->hosts[i].port, out);
    }
    if (target->topology == REDIS_SINGLE && target->db != 0)
        str_addf(out, "/%u", target->db);
}

void redis_host_write(const char *name, uint16_t port, struct str *out)
{
    bool is_ipv6 = strchr(name, ':') != NULL;
    str_addf(out, is_ipv6 ? "[%s]:%u" : "%s:%u", name, (unsigned)port);
}

void redis_target_done(struct redis_target *target)
{
    for (size_t i = 0; i < target->host_count; i++)
        free(target->hosts[i].name);
    free(target->service);
    free(target->user);
    redis_secret_free(target->password);
    free(target->sentinel_user);
    redis_secret_free(target->sentinel_password);
    redis_tls_words_done(&target->tls);
    *target = (struct redis_target){.service = NULL};
}
