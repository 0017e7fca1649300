/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/turn_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/random.h"
#include "daemon/turn_build.h"
#include "dtls/server.h"

void turn_circumstances_init(struct turn_circumstances *c)
{
    *c = (struct turn_circumstances){.max_bps = -1, .total_quota = -1, .user_quota = -1};
    random_bytes(c->nonce_keys.current, sizeof(c->nonce_keys.current));
    random_bytes(c->ticket_key, sizeof(c->ticket_key));
}

void turn_circumstances_done(struct turn_circumstances *c)
{
    address_ranges_done(&c->allowed);
    address_ranges_done(&c->denied);
    explicit_bzero(&c->nonce_keys, sizeof(c->nonce_keys));
    explicit_bzero(c->ticket_key, sizeof(c->ticket_key));
}

/* --- addresses ---------------------------------------------------------------------------------
 */

/* What relayed addresses are made of: where clients come to, when nothing else is configured. */
static const struct turn_addresses *relay_ips(const struct daemon_config *config)
{
    const struct turn_lists *lists = &config->turn_lists;
    return lists->relay.count > 0 ? &lists->relay : &lists->listening;
}

/* What `inner` is seen as from outside: as mapped, else as the media interface advertises it. */
static struct address outside(const struct daemon_config *config, const struct address *inner)
{
    struct address mapped = turn_external_address(&config->turn_lists, inner);
    if (!address_same_ip(&mapped, inner))
        return mapped;
    const struct interfaces *interfaces = config->interfaces;
    for (size_t i = 0; i < interfaces->count; i++)
        for (size_t n = 0; n < interfaces->list[i].count; n++) {
            const struct local_address *local = &interfaces->list[i].addresses[n];
            if (address_same_ip(&local->bind, inner) && local->advertised.family == inner->family)
                return local->advertised;
        }
    return *inner;
}

static uint16_t alternative(int64_t port, int64_t chosen)
{
    return (uint16_t)(chosen != 0 ? chosen : port + 1);
}

static void add_endpoint(struct address *out, size_t *count, const struct address *ip, int64_t port)
{
    if (port == 0 || *count == TURN_ENDPOINTS_MAX)
        return;
    out[*count] = *ip;
    out[(*count)++].port = (uint16_t)port;
}

static bool has_tls(const struct daemon_config *config)
{
    return config->turn_lists.certificates.count > 0 &&
           !(config->turn.no_tls && config->turn.no_dtls);
}

/* RFC 5780 needs two addresses of one family. */
static const struct address *second_address(const struct daemon_config *config)
{
    const struct turn_addresses *ips = &config->turn_lists.listening;
    for (size_t i = 1; i < ips->count; i++)
        if (ips->list[i].family == ips->list[0].family)
            return &ips->list[i];
    return NULL;
}

static bool has_discovery(const struct daemon_config *config)
{
    return config->turn.rfc5780 && config->turn.listening_port != 0 && !config->turn.no_udp &&
           second_address(config) != NULL;
}

size_t turn_endpoints(const struct daemon_config *config, struct address *out)
{
    const struct turn_options *turn = &config->turn;
    const struct turn_addresses *ips = &config->turn_lists.listening;
    size_t count = 0;

    for (size_t i = 0; i < ips->count; i++) {
        add_endpoint(out, &count, &ips->list[i], turn->listening_port);
        if (has_tls(config))
            add_endpoint(out, &count, &ips->list[i], turn->tls_listening_port);
        if (has_discovery(config))
            add_endpoint(out, &count, &ips->list[i],
                alternative(turn->listening_port, turn->alt_listening_port));
    }
    return count;
}

static size_t seen_addresses(const struct daemon_config *config, const struct turn_addresses *ips,
    struct turnserver_relay *out, size_t capacity)
{
    size_t count = ips->count < capacity ? ips->count : capacity;
    for (size_t i = 0; i < count; i++)
        out[i] = (struct turnserver_relay){
            .bind = ips->list[i], .external = outside(config, &ips->list[i])};
    return count;
}

size_t turn_seen_addresses(
    const struct daemon_config *config, struct turnserver_relay *out, size_t capacity)
{
    return seen_addresses(config, &config->turn_lists.listening, out, capacity);
}

size_t turn_relays(
    const struct daemon_config *config, struct turnserver_relay *out, size_t capacity)
{
    return seen_addresses(config, relay_ips(config), out, capacity);
}

/* --- whom they may reach -----------------------------------------------------------------------
 */

struct gathered {
    struct address *list;
    size_t count;
};

static void gather(struct gathered *to, const struct address *a)
{
    to->list[to->count++] = *a;
}

/* Every address of this machine, and what the world sees instead of it. */
static void gather_own(
    const struct daemon_config *config, const struct turn_circumstances *c, struct gathered *own)
{
    for (size_t i = 0; i < c->host->count; i++)
        gather(own, &c->host->list[i].ip);
    for (size_t i = 0; i < config->turn_lists.external.count; i++)
        gather(own, &config->turn_lists.external.list[i].outer);
    for (size_t i = 0; i < config->interfaces->count; i++)
        for (size_t n = 0; n < config->interfaces->list[i].count; n++)
            gather(own, &config->interfaces->list[i].addresses[n].advertised);
}

static size_t own_capacity(const struct daemon_config *config, const struct turn_circumstances *c)
{
    size_t count = c->host->count + config->turn_lists.external.count;
    for (size_t i = 0; i < config->interfaces->count; i++)
        count += config->interfaces->list[i].count;
    return count;
}

/* Nobody reaches what steers this process, or its doors, through a relayed address. */
static void gather_protected(const struct daemon_config *config, const struct turn_circumstances *c,
    struct gathered *endpoints)
{
    struct address doors[TURN_ENDPOINTS_MAX];
    size_t door_count = turn_endpoints(config, doors);
    for (size_t i = 0; i < config->listen_ng.count; i++)
        gather(endpoints, &config->listen_ng.list[i].address);
    for (size_t i = 0; i < config->listen_admin.count; i++)
        gather(endpoints, &config->listen_admin.list[i].address);
    for (size_t i = 0; i < c->redis_count; i++)
        gather(endpoints, &c->redis[i]);
    for (size_t i = 0; i < door_count; i++) {
        struct address seen = outside(config, &doors[i]);
        seen.port = doors[i].port;
        gather(endpoints, &doors[i]);
        gather(endpoints, &seen);
    }
}

static int add_both(
    struct address_ranges *to, const struct address_ranges *a, const struct address_ranges *b)
{
    int error = address_ranges_add_all(to, a);
    if (error == 0)
        error = address_ranges_add_all(to, b);
    address_ranges_seal(to);
    return error;
}

static struct peer_policy *make_policy(
    const struct daemon_config *config, const struct turn_circumstances *c)
{
    struct address endpoint_list[2 * LISTEN_MAX + COUNT_OF(c->redis) + 2 * TURN_ENDPOINTS_MAX];
    struct gathered endpoints = {.list = endpoint_list};
    struct gathered own = {.list = calloc(own_capacity(config, c) + 1, sizeof(struct address))};
    struct address_ranges allowed = {0}, denied = {0};
    struct peer_policy *policy = NULL;

    if (own.list != NULL && add_both(&allowed, &config->turn_lists.allowed, &c->allowed) == 0 &&
        add_both(&denied, &config->turn_lists.denied, &c->denied) == 0) {
        gather_own(config, c, &own);
        gather_protected(config, c, &endpoints);
        policy = policy_new(&(struct policy_config){
            .allowed = &allowed,
            .denied = &denied,
            .allow_loopback = config->turn.allow_loopback_peers,
            .own = own.list,
            .own_count = own.count,
            .protected_endpoints = endpoints.list,
            .protected_count = endpoints.count,
            .own_sockets = c->own_sockets,
        });
    }
    address_ranges_done(&allowed);
    address_ranges_done(&denied);
    free(own.list);
    return policy;
}

/* --- all together ------------------------------------------------------------------------------
 */

static bool has_family(const struct daemon_config *config, enum address_family family)
{
    const struct turn_addresses *ips = relay_ips(config);
    for (size_t i = 0; i < ips->count; i++)
        if (ips->list[i].family == family)
            return true;
    return false;
}

static void set_discovery(const struct daemon_config *config, struct turn_discovery *discovery)
{
    const struct turn_options *turn = &config->turn;
    const struct address *ips[] = {&config->turn_lists.listening.list[0], second_address(config)};
    const uint16_t ports[] = {(uint16_t)turn->listening_port,
        alternative(turn->listening_port, turn->alt_listening_port)};

    discovery->is_on = has_discovery(config);
    if (!discovery->is_on)
        return;
    for (size_t i = 0; i < COUNT_OF(ips); i++)
        for (size_t n = 0; n < COUNT_OF(ports); n++) {
            discovery->at[i][n] = *ips[i];
            discovery->seen[i][n] = outside(config, ips[i]);
            discovery->at[i][n].port = discovery->seen[i][n].port = ports[n];
        }
}

static size_t copy_alternates(const struct address *from, size_t count, struct address *out)
{
    size_t taken = count < TURN_MAX_ALTERNATES ? count : TURN_MAX_ALTERNATES;
    memcpy(out, from, taken * sizeof(*from));
    return taken;
}

static void set_alternates(
    const struct daemon_config *config, const struct turn_circumstances *c, struct turn_settings *s)
{
    const struct turn_addresses *configured = &config->turn_lists.alternates;
    const struct turn_addresses *of_tls = &config->turn_lists.tls_alternates;
    s->draining = c->draining;
    s->redirect_always = configured->count > 0 || of_tls->count > 0;
    if (c->draining && c->alternate_count > 0)
        s->alternate_count = copy_alternates(c->alternates, c->alternate_count, s->alternates);
    else if (configured->count > 0)
        s->alternate_count = copy_alternates(configured->list, configured->count, s->alternates);
    if (of_tls->count > 0)
        s->tls_alternate_count = copy_alternates(of_tls->list, of_tls->count, s->tls_alternates);
}

static void set_limits(
    const struct daemon_config *config, const struct turn_circumstances *c, struct turn_settings *s)
{
    const struct turn_options *turn = &config->turn;
    s->allocation_max_s = (uint32_t)turn->max_allocate_lifetime_s;
    if (s->allocation_default_s > s->allocation_max_s)
        s->allocation_default_s = s->allocation_max_s;
    s->channel_s = (uint32_t)turn->channel_lifetime_s;
    s->permission_s = (uint32_t)turn->permission_lifetime_s;
    s->max_bytes_per_s = (uint64_t)(c->max_bps >= 0 ? c->max_bps : turn->max_bps);
    s->max_packets_per_s = (uint64_t)turn->max_pps;
    s->max_new_peers_per_s = (uint32_t)turn->max_new_peers;
    s->max_permissions = (uint32_t)turn->max_permissions;
    s->unauthorized_per_s = (uint32_t)turn->unauthorized_ratelimit_rps;
    s->binding_per_s = (uint32_t)turn->binding_ratelimit_rps;
}

static int fill(const struct daemon_config *config, const struct turn_circumstances *c,
    struct turn_settings *s, struct str *why)
{
    static const enum address_family families[] = {
        [TURN_DEFAULT_IP4] = ADDRESS_IP4,
        [TURN_DEFAULT_IP6] = ADDRESS_IP6,
        [TURN_DEFAULT_KEEP] = ADDRESS_NONE,
    };
    const struct turn_options *turn = &config->turn;

    set_limits(config, c, s);
    set_alternates(config, c, s);
    set_discovery(config, &s->discovery);
    s->strict_expiry = turn->strict_expiry;
    s->mobility = turn->mobility;
    s->rfc5766_channels = turn->rfc5766_channel_numbers;
    s->stun = !turn->no_stun;
    s->udp_relay = !turn->no_udp_relay;
    s->tcp_relay = !turn->no_tcp_relay;
    s->relay_ip4 = has_family(config, ADDRESS_IP4);
    s->relay_ip6 = has_family(config, ADDRESS_IP6);
    s->default_family = families[turn->default_family];
    memcpy(s->ticket_key, c->ticket_key, sizeof(s->ticket_key));
    if (turn->software_attribute &&
        (s->software = text_dup(text_from(config->network.software_id))) == NULL)
        return -ENOMEM;

    struct peer_policy *policy = make_policy(config, c);
    if (policy == NULL)
        return -ENOMEM;
    policy_free(s->policy);
    s->policy = policy;
    return config->turn_is_on ? turn_build_auth(config, &c->nonce_keys, c->cache, &s->auth, why)
                              : 0;
}

/* Half of the descriptors stay for media and relay ports, whoever connects: calls need them. */
static uint64_t most_connections(const struct turn_options *turn)
{
    struct rlimit limit;
    if (turn->max_connections != 0)
        return (uint64_t)turn->max_connections;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur / 2 : 0;
}

static void set_server_limits(const struct daemon_config *config,
    const struct turn_circumstances *c, struct turnserver_settings *s)
{
    const struct turn_options *turn = &config->turn;
    s->user_quota = (uint64_t)(c->user_quota >= 0 ? c->user_quota : turn->user_quota);
    s->total_quota = (uint64_t)(c->total_quota >= 0 ? c->total_quota : turn->total_quota);
    s->capacity_bytes_per_s = (uint64_t)turn->bps_capacity;
    s->max_connections = most_connections(turn);
    s->max_connections_per_ip = (uint64_t)turn->max_connections_per_ip;
    s->max_half_open = (uint64_t)turn->max_half_open;
    s->idle_timeout_s = (uint32_t)turn->tcp_idle_timeout_s;
}

int turn_settings_make(const struct daemon_config *config, const struct turn_circumstances *c,
    struct tls_context *tls, struct turnserver_settings **out, struct str *why)
{
    struct turn_settings *inner = turn_settings_new();
    struct turnserver_settings *s = inner == NULL ? NULL : turnserver_settings_new(inner);
    int error = s == NULL ? -ENOMEM : fill(config, c, inner, why);
    if (error == 0)
        error = address_ranges_add_all(&s->proxies, &config->turn_lists.proxies);
    if (error != 0) {
        if (error == -ENOMEM)
            str_add_string(why, "out of memory");
        turnserver_settings_unref(s);
        return error;
    }
    address_ranges_seal(&s->proxies);
    s->tls = tls == NULL ? NULL : tls_context_ref(tls);
    set_server_limits(config, c, s);
    *out = s;
    return 0;
}

int turn_tls_make(const struct daemon_config *config, struct tls_context **out, struct str *why)
{
    *out = NULL;
    return has_tls(config) ? turn_build_tls(config, dtls_server_prepare, out, why) : 0;
}
