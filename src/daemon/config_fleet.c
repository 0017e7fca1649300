/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_fleet.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/address_class.h"
#include "store/redis_store.h"

enum { HOST_NAME_SIZE = 256 };

static bool is_name_character(char c)
{
    return isalnum((unsigned char)c) || c == '.' || c == '-' || c == '_';
}

/* The files are read once more when connections are made. */
static int check_tls(
    const struct daemon_config *config, const struct redis_target *target, struct str *why)
{
    const struct fleet_settings *f = &config->fleet;
    const struct redis_tls_files files = {
        .ca = f->redis_tls_ca, .certificate = f->redis_tls_certificate, .key = f->redis_tls_key};
    bool has_files = f->redis_tls_ca[0] != '\0' || f->redis_tls_certificate[0] != '\0';
    struct redis_tls *tls = NULL;
    struct str problem = {0};
    if (has_files && !target->tls.is_wanted)
        return config_blame(config, &f->redis, why,
            "there are files for TLS ('redis-tls-...'), but only rediss:// asks for it");
    int error = redis_tls_wanted(&target->tls, &files, &tls, &problem);
    if (error == -EINVAL)
        config_blame(config, &f->redis, why, "%s", str_string(&problem));
    redis_tls_unref(tls);
    str_done(&problem);
    return error;
}

static int check_redis(const struct daemon_config *config, struct str *why)
{
    struct redis_target target = {.topology = REDIS_SINGLE};
    struct str problem = {0};
    int error = redis_target_parse(text_from(config->fleet.redis), &target, &problem);
    if (error == -EINVAL)
        config_blame(config, &config->fleet.redis, why, "%s", str_string(&problem));
    if (error == 0)
        error = check_tls(config, &target, why);
    redis_target_done(&target);
    str_done(&problem);
    return error;
}

static int check_seal(const struct daemon_config *config, struct str *why)
{
    const char *path = config->fleet.seal_key_file;
    struct seal *seal = NULL;
    struct str problem = {0};
    int error = path[0] != '\0' ? seal_load(path, &seal, &problem) : 0;
    if (error != 0 && error != -ENOMEM)
        error = config_blame(
            config, &config->fleet.seal_key_file, why, "%s: %s", path, str_string(&problem));
    seal_free(seal);
    str_done(&problem);
    return error;
}

int config_check_fleet(const struct daemon_config *config, struct str *why)
{
    const struct fleet_settings *f = &config->fleet;
    struct text name = text_from(f->node_name);
    if (!config_has_fleet(config))
        return 0;
    if (name.len > 0 && !store_name_is_valid(name))
        return config_blame(config, &f->node_name, why,
            "up to %d letters, digits, '.', '-' and '_' are wanted", STORE_MAX_NAME);
    if (!redis_store_prefix_is_valid(text_from(f->redis_prefix)))
        return config_blame(config, &f->redis_prefix, why,
            "up to %d printable characters are wanted, without spaces and '{'",
            REDIS_STORE_MAX_PREFIX);
    if ((f->redis_tls_certificate[0] == '\0') != (f->redis_tls_key[0] == '\0'))
        return config_blame(config, &f->redis_tls_certificate, why,
            "'redis-tls-certificate' and 'redis-tls-key' belong together");
    int error = check_redis(config, why);
    return error != 0 ? error : check_seal(config, why);
}

/* What is no part of a name in a host's becomes '-'. */
static int resolve_name(struct daemon_config *config, struct str *why)
{
    char name[HOST_NAME_SIZE] = "";
    if (config->fleet.node_name[0] != '\0')
        return 0;
    if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
        return config_blame(config, &config->fleet.node_name, why, "this host has no name");
    name[STORE_MAX_NAME] = '\0';
    for (char *c = name; *c != '\0'; c++)
        if (!is_name_character(*c))
            *c = '-';
    char *copy = text_dup(text_from(name));
    if (copy == NULL)
        return -ENOMEM;
    free(config->fleet.node_name);
    config->fleet.node_name = copy;
    return 0;
}

/* An address that stands for all is replaced by the one that is most likely reached. */
static void choose_address(struct daemon_config *config, const struct host_addresses *host)
{
    for (size_t i = 0; i < config->listen_ng.count; i++) {
        struct address a = config->listen_ng.list[i].address;
        uint16_t port = a.port;
        if (address_is_loopback(&a))
            continue;
        if (address_is_unspecified(&a) &&
            (!host_addresses_default(host, &a) || address_is_loopback(&a)))
            continue;
        a.port = port;
        config->node_address = a;
        return;
    }
}

static int resolve_address(
    struct daemon_config *config, const struct host_addresses *host, struct str *why)
{
    struct text spec = text_from(config->fleet.node_address);
    struct listen_addresses found = {.count = 0};
    struct str problem = {0};
    if (spec.len == 0) {
        choose_address(config, host);
        return 0;
    }
    int error = listen_addresses_parse(spec, &found, &problem);
    if (error == -EINVAL)
        config_blame(config, &config->fleet.node_address, why, "%s", str_string(&problem));
    else if (error == 0 && (found.count != 1 || address_is_unspecified(&found.list[0].address)))
        error = config_blame(config, &config->fleet.node_address, why, "one IP:PORT is wanted");
    else if (error == 0)
        config->node_address = found.list[0].address;
    str_done(&problem);
    return error;
}

int config_resolve_fleet(
    struct daemon_config *config, const struct host_addresses *host, struct str *why)
{
    if (!config_has_fleet(config))
        return 0;
    int error = resolve_name(config, why);
    return error != 0 ? error : resolve_address(config, host, why);
}
