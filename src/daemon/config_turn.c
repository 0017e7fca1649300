/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_turn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "daemon/turn_build.h"
#include "daemon/turn_list.h"
#include "redis/endpoint.h"

enum { MIN_NONCE_SECRET = 16 };

static bool is_set(const char *text)
{
    return text[0] != '\0';
}

static bool has_authentication(const struct turn_options *turn)
{
    return is_set(turn->user) || is_set(turn->static_auth_secret) || is_set(turn->redis_userdb) ||
           (turn->oauth && is_set(turn->oauth_key));
}

bool config_turn_is_wanted(const struct daemon_config *config)
{
    return has_authentication(&config->turn) && !config->turn.stun_only;
}

/* What the flags promise must be there: whoever sets one and mistypes the rest gets no surprise. */
static int check_promises(const struct daemon_config *config, struct str *why)
{
    const struct turn_options *turn = &config->turn;
    bool redis = is_set(turn->redis_userdb), secret = is_set(turn->static_auth_secret);
    if (turn->use_auth_secret && !secret && !redis)
        return config_blame(config, &turn->use_auth_secret, why,
            "there is no 'static-auth-secret' and no 'redis-userdb'");
    if (turn->lt_cred_mech && !is_set(turn->user) && !secret && !redis)
        return config_blame(config, &turn->lt_cred_mech, why,
            "there is no 'user', no 'static-auth-secret' and no 'redis-userdb'");
    if (turn->oauth && !is_set(turn->oauth_key))
        return config_blame(config, &turn->oauth, why, "there is no 'oauth-key'");
    if (!turn->oauth && is_set(turn->oauth_key))
        return config_blame(config, &turn->oauth_key, why, "'oauth' is not set");
    return 0;
}

/* A server that somebody meant to run must not stay away silently, nor open for everybody. */
static int check_authentication(const struct daemon_config *config, struct str *why)
{
    if (has_authentication(&config->turn) || config->turn.stun_only)
        return 0;
    for (size_t i = 0; i < option_count; i++)
        if (options[i].turn_only && config->origins[i] != NULL)
            return config_blame(config, (const char *)config + options[i].offset, why,
                "TURN has no authentication: set 'user', 'static-auth-secret', 'oauth' and "
                "'oauth-key', or 'redis-userdb'");
    return 0;
}

static int check_ports(const struct daemon_config *config, struct str *why)
{
    const struct turn_options *turn = &config->turn;
    if (turn->min_port > turn->max_port)
        return config_blame(config, &turn->min_port, why,
            "%" PRId64 " is above 'max-port' (%" PRId64 ")", turn->min_port, turn->max_port);
    if (turn->listening_port != 0 && turn->listening_port == turn->tls_listening_port)
        return config_blame(config, &turn->tls_listening_port, why,
            "%" PRId64 " is 'listening-port' too, where TLS and DTLS are served anyway: set 0",
            turn->tls_listening_port);
    if (turn->no_stun && !config_turn_is_wanted(config))
        return config_blame(config, &turn->no_stun, why, "without TURN nothing is left to serve");
    if (turn->no_udp_relay && turn->no_tcp_relay && config_turn_is_wanted(config))
        return config_blame(
            config, &turn->no_udp_relay, why, "with 'no-tcp-relay' nothing is left to relay");
    return 0;
}

static int check_texts(const struct daemon_config *config, struct str *why)
{
    const struct turn_options *turn = &config->turn;
    struct text nonce_secrets = text_from(turn->stateless_nonce_secret), secret;
    if (strlen(turn->rest_api_separator) != 1)
        return config_blame(config, &turn->rest_api_separator, why, "'%s' is not one character",
            turn->rest_api_separator);
    if (!is_set(turn->realm))
        return config_blame(config, &turn->realm, why, "there is no realm");
    if (turn_list_count(nonce_secrets) > 2)
        return config_blame(config, &turn->stateless_nonce_secret, why, "there are more than two");
    while (turn_list_next(&nonce_secrets, &secret))
        if (secret.len < MIN_NONCE_SECRET)
            return config_blame(config, &turn->stateless_nonce_secret, why,
                "one is shorter than %d characters", MIN_NONCE_SECRET);
    return 0;
}

int config_check_turn(const struct daemon_config *config, struct str *why)
{
    int error;
    if ((error = check_promises(config, why)) != 0 ||
        (error = check_authentication(config, why)) != 0 ||
        (error = check_ports(config, why)) != 0 || (error = check_texts(config, why)) != 0)
        return error;
    return 0;
}

static bool overlap(int64_t min, int64_t max, int64_t other_min, int64_t other_max)
{
    return min <= other_max && other_min <= max;
}

void config_warn_turn(struct daemon_config *config)
{
    const struct turn_options *turn = &config->turn;
    const struct network_settings *network = &config->network;
    for (size_t i = 0; i < option_count; i++)
        if (options[i].is_secret && config->origins[i] != NULL &&
            strcmp(config->origins[i], COMMAND_LINE) == 0)
            config_warn(config,
                "option '%s' is on the command line, where every user of this machine can read "
                "it; set it in the file",
                options[i].name);
    if (!turn->no_multicast_peers)
        config_warn(config, "option 'turn-no-multicast-peers' has no effect here because multicast "
                            "addresses are never peers");
    if (turn->bps_capacity != 0 && turn->max_bps == 0)
        config_warn(config, "option 'turn-bps-capacity' has no effect without 'turn-max-bps'");
    if (!config_turn_is_wanted(config))
        return;
    if (overlap(turn->min_port, turn->max_port, network->port_min, network->port_max))
        config_warn(config,
            "the ports of TURN, %" PRId64 "-%" PRId64 ", overlap those of media, %" PRId64
            "-%" PRId64 ": each finds fewer free",
            turn->min_port, turn->max_port, network->port_min, network->port_max);
}

/* Puts the option's name and place before what a reader says. */
static int blamed(const struct daemon_config *config, const void *field, int error,
    struct str *problem, struct str *why)
{
    if (error == -EINVAL)
        config_blame(config, field, why, "%s", str_string(problem));
    str_done(problem);
    return error;
}

/* Where the option is not set: where media is served. */
static int listen_on_interfaces(struct daemon_config *config)
{
    const struct interfaces *interfaces = config->interfaces;
    struct turn_addresses *out = &config->turn_lists.listening;
    out->list = calloc(interfaces->bind_count, sizeof(out->list[0]));
    if (out->list == NULL)
        return -ENOMEM;
    memcpy(out->list, interfaces->binds, interfaces->bind_count * sizeof(out->list[0]));
    out->count = interfaces->bind_count;
    return 0;
}

static int resolve_addresses(
    struct daemon_config *config, const struct host_addresses *host, struct str *why)
{
    const struct turn_options *turn = &config->turn;
    struct turn_lists *lists = &config->turn_lists;
    struct str problem = {0};
    int error;

    error = turn_read_addresses(text_from(turn->listening_ip), host, &lists->listening, &problem);
    if (error == 0 && lists->listening.count == 0)
        error = listen_on_interfaces(config);
    if (error != 0)
        return blamed(config, &turn->listening_ip, error, &problem, why);
    error = turn_read_addresses(text_from(turn->relay_ip), host, &lists->relay, &problem);
    if (error != 0)
        return blamed(config, &turn->relay_ip, error, &problem, why);
    error = turn_read_mappings(text_from(turn->external_ip), &lists->external, &problem);
    return blamed(config, &turn->external_ip, error, &problem, why);
}

enum { TURN_PORT = 3478, TURNS_PORT = 5349 };

static int resolve_servers(struct daemon_config *config, struct str *why)
{
    const struct turn_options *turn = &config->turn;
    struct turn_lists *lists = &config->turn_lists;
    struct str problem = {0};
    int error = turn_read_endpoints(
        text_from(turn->alternate_server), TURN_PORT, &lists->alternates, &problem);
    if (error != 0)
        return blamed(config, &turn->alternate_server, error, &problem, why);
    error = turn_read_endpoints(
        text_from(turn->tls_alternate_server), TURNS_PORT, &lists->tls_alternates, &problem);
    if (error != 0)
        return blamed(config, &turn->tls_alternate_server, error, &problem, why);
    error = turn_read_certificates(
        text_from(turn->cert), text_from(turn->pkey), &lists->certificates, &problem);
    return blamed(config, &turn->cert, error, &problem, why);
}

static int resolve_ranges(struct daemon_config *config, struct str *why)
{
    const struct turn_options *turn = &config->turn;
    struct turn_lists *lists = &config->turn_lists;
    const struct {
        char *const *field;
        struct address_ranges *out;
    } ranges[] = {
        {&turn->proxy_protocol, &lists->proxies},
        {&turn->allowed_peer_ip, &lists->allowed},
        {&turn->denied_peer_ip, &lists->denied},
    };
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        struct str problem = {0};
        int error = turn_read_ranges(text_from(*ranges[i].field), ranges[i].out, &problem);
        if (error != 0)
            return blamed(config, ranges[i].field, error, &problem, why);
    }
    return 0;
}

static int resolve_users(struct daemon_config *config, struct str *why)
{
    const struct turn_options *turn = &config->turn;
    struct turn_lists *lists = &config->turn_lists;
    struct str problem = {0};
    int error;
    if ((error = turn_read_texts(text_from(turn->realm), &lists->realms)) != 0 ||
        (error = turn_read_texts(text_from(turn->static_auth_secret), &lists->secrets)) != 0 ||
        (error = turn_read_texts(text_from(turn->stateless_nonce_secret), &lists->nonce_secrets)) !=
            0 ||
        (error = turn_read_texts(text_from(turn->uris), &lists->uris)) != 0)
        return error;
    error = turn_read_origins(text_from(turn->origin), &lists->realms, &lists->origins, &problem);
    if (error != 0)
        return blamed(config, &turn->origin, error, &problem, why);
    error = turn_read_users(text_from(turn->user), &lists->users, &problem);
    if (error != 0)
        return blamed(config, &turn->user, error, &problem, why);
    error = turn_read_oauth_keys(text_from(turn->oauth_key), &lists->oauth_keys, &problem);
    return blamed(config, &turn->oauth_key, error, &problem, why);
}

/* Only whether it can be read: who connects reads it again. */
static int check_redis(const struct daemon_config *config, struct str *why)
{
    struct text spec = text_from(config->turn.redis_userdb);
    struct redis_endpoint endpoint = {0};
    struct str problem = {0};
    int error = spec.len > 0 ? redis_endpoint_parse(spec, &endpoint, &problem) : 0;
    redis_endpoint_done(&endpoint);
    return blamed(config, &config->turn.redis_userdb, error, &problem, why);
}

/* RFC 5780, section 6: two addresses and two ports. */
static int check_discovery(const struct daemon_config *config, struct str *why)
{
    const struct turn_options *turn = &config->turn;
    const struct turn_addresses *listening = &config->turn_lists.listening;
    if (!turn->rfc5780)
        return 0;
    if (turn->listening_port == 0 || turn->no_udp)
        return config_blame(config, &turn->rfc5780, why, "no UDP port is open");
    if (turn->alt_listening_port == turn->listening_port)
        return config_blame(config, &turn->alt_listening_port, why, "is 'listening-port' too");
    for (size_t i = 0; i < listening->count; i++)
        for (size_t k = i + 1; k < listening->count; k++)
            if (listening->list[i].family == listening->list[k].family)
                return 0;
    return config_blame(
        config, &turn->rfc5780, why, "there are no two listening addresses of one family");
}

/* Makes what the server will be made of, so that no start and no reload stops half way. */
static int try_parts(const struct daemon_config *config, struct str *why)
{
    const struct nonce_keys no_keys = {.has_previous = false};
    struct auth *auth = NULL;
    struct tls_context *tls = NULL;
    int error = turn_build_auth(config, &no_keys, NULL, &auth, why);
    if (error == 0)
        error = turn_build_tls(config, NULL, &tls, why);
    auth_unref(auth);
    tls_context_unref(tls);
    return error;
}

int config_resolve_turn(
    struct daemon_config *config, const struct host_addresses *host, struct str *why)
{
    int error;
    config->turn_is_on = config_turn_is_wanted(config);
    if ((error = resolve_addresses(config, host, why)) != 0 ||
        (error = resolve_servers(config, why)) != 0 || (error = resolve_ranges(config, why)) != 0 ||
        (error = resolve_users(config, why)) != 0 || (error = check_redis(config, why)) != 0 ||
        (error = check_discovery(config, why)) != 0)
        return error;
    return try_parts(config, why);
}
