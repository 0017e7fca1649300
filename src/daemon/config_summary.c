/* SPDX-License-Identifier: Apache-2.0 */
/* What --check-config says: what was set, where, and what it comes to. */
#include <inttypes.h>

#include "daemon/config_fleet.h"
#include "daemon/config_print.h"
#include "daemon/option_value.h"
#include "redis/target.h"

static void add_set_options(const struct daemon_config *config, struct str *out)
{
    for (size_t i = 0; i < option_count; i++) {
        struct str value = {0};
        if (config->origins[i] == NULL)
            continue;
        option_get(&options[i], config, &value);
        str_addf(out, "  %s = %s (%s)\n", options[i].name,
            options[i].is_secret && value.len > 0 ? "(not shown)" : str_string(&value),
            config->origins[i]);
        str_done(&value);
    }
}

static void add_interfaces(const struct interfaces *interfaces, struct str *out)
{
    char bind[ADDRESS_TEXT_SIZE], advertised[ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < interfaces->count; i++)
        for (size_t k = 0; k < interfaces->list[i].count; k++) {
            const struct local_address *a = &interfaces->list[i].addresses[k];
            str_addf(out, "  interface %s: %s, advertised as %s\n", interfaces->list[i].name,
                address_ip_text(&a->bind, bind), address_ip_text(&a->advertised, advertised));
        }
}

static void add_listen(const char *what, const struct listen_addresses *addresses, struct str *out)
{
    char text[ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < addresses->count; i++)
        str_addf(out, "  %s: %s\n", what, address_text(&addresses->list[i].address, text));
}

static void add_ips(const char *what, const struct turn_addresses *ips, struct str *out)
{
    char text[ADDRESS_TEXT_SIZE];
    if (ips->count == 0)
        return;
    str_addf(out, "  %s:", what);
    for (size_t i = 0; i < ips->count; i++)
        str_addf(out, " %s", address_ip_text(&ips->list[i], text));
    str_add_char(out, '\n');
}

static void add_ports(const struct daemon_config *config, struct str *out)
{
    const struct turn_options *t = &config->turn;
    bool secure = config->turn_lists.certificates.count > 0;
    struct {
        const char *name;
        int64_t port;
    } ports[] = {
        {"UDP", t->no_udp ? 0 : t->listening_port},
        {"TCP", t->no_tcp ? 0 : t->listening_port},
        {"TLS", t->no_tls || !secure ? 0 : t->tls_listening_port},
        {"DTLS", t->no_dtls || !secure ? 0 : t->tls_listening_port},
    };
    str_add_string(out, "  ports:");
    for (size_t i = 0; i < COUNT_OF(ports); i++)
        if (ports[i].port != 0)
            str_addf(out, " %s %" PRId64, ports[i].name, ports[i].port);
    str_add_string(out, secure ? "\n" : " (TLS and DTLS need 'cert' and 'pkey')\n");
}

static void add_mappings(const struct turn_mappings *mappings, struct str *out)
{
    char outer[ADDRESS_TEXT_SIZE], inner[ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < mappings->count; i++) {
        const struct turn_mapping *m = &mappings->list[i];
        str_addf(out, "  %s is seen as %s\n",
            m->inner.family != ADDRESS_NONE ? address_ip_text(&m->inner, inner)
                                            : "each address of the family",
            address_ip_text(&m->outer, outer));
    }
}

static void add_turn(const struct daemon_config *config, struct str *out)
{
    const struct turn_options *t = &config->turn;
    const struct turn_lists *lists = &config->turn_lists;
    str_add_string(out, config->turn_is_on ? "STUN and TURN\n"
                                           : "STUN (no TURN: there is nobody who may use it)\n");
    add_ips("listening", &lists->listening, out);
    add_ports(config, out);
    add_mappings(&lists->external, out);
    if (!config->turn_is_on)
        return;
    add_ips("relayed addresses", &lists->relay, out);
    str_addf(out, "  relayed ports: %" PRId64 "-%" PRId64 "\n", t->min_port, t->max_port);
    str_add_string(out, "  realms:");
    for (size_t i = 0; i < lists->realms.count; i++)
        str_addf(out, " %.*s", TEXT_ARG(lists->realms.list[i]));
    str_addf(out, "\n  users: %zu, secrets: %zu, keys of access tokens: %zu, Redis: %s\n",
        lists->users.count, lists->secrets.count, lists->oauth_keys.count,
        t->redis_userdb[0] != '\0' ? "yes" : "no");
}

static void add_fleet(const struct daemon_config *config, struct str *out)
{
    struct redis_target target = {.topology = REDIS_SINGLE};
    struct str why = {0};
    char ng[ADDRESS_TEXT_SIZE] = "";
    if (!config_has_fleet(config))
        return;
    if (config->node_address.family != ADDRESS_NONE)
        address_text(&config->node_address, ng);
    str_addf(out, "\nFleet\n  node %s, ng for other nodes: %s\n  Redis: ", config->fleet.node_name,
        ng[0] != '\0' ? ng : "none");
    if (redis_target_parse(text_from(config->fleet.redis), &target, &why) == 0)
        redis_target_write(&target, out);
    str_addf(out, "; records are %ssealed\n", config->fleet.seal_key_file[0] != '\0' ? "" : "not ");
    redis_target_done(&target);
    str_done(&why);
}

void config_print_summary(const struct daemon_config *config, struct str *out)
{
    str_add_string(out, "The configuration is possible.\n\nSet\n");
    add_set_options(config, out);
    str_addf(out, "\nMedia, %" PRId64 " threads\n", config->process.num_threads);
    add_interfaces(config->interfaces, out);
    add_listen("ng", &config->listen_ng, out);
    add_listen("administration", &config->listen_admin, out);
    str_add_char(out, '\n');
    add_turn(config, out);
    add_fleet(config, out);
    if (config->warning_count > 0)
        str_add_string(out, "\nWarnings\n");
    for (size_t i = 0; i < config->warning_count; i++)
        str_addf(out, "  %s\n", config->warnings[i]);
}
