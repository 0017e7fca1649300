/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "turn/source_limit.h"

struct address world_address(const char *text)
{
    struct address a;
    bool ok = address_parse_with_port(text_from(text), 0, &a);
    assert(ok);
    (void)ok;
    return a;
}

/* --- packets --- */

static struct packet *take_packet(struct world *w)
{
    if (w->packets >= w->packet_limit)
        return NULL;
    struct packet *p = malloc(sizeof(*p));
    if (p == NULL)
        return NULL;
    packet_reset(p);
    w->packets++;
    return p;
}

static struct packet *host_packet(void *owner)
{
    return take_packet(owner);
}

static void host_discard(void *owner, struct packet *p)
{
    struct world *w = owner;
    assert(p != w->in_hand);
    w->packets--;
    free(p);
}

/* The packet of a batch goes back to it; one of the server's own is used up. */
static void use_up(struct world *w, struct packet *p)
{
    if (p != w->in_hand) {
        host_discard(w, p);
        return;
    }
    assert(!w->in_hand_sent);
    w->in_hand_sent = true;
}

static struct sent *record(struct world *w, enum sent_kind kind, const struct packet *p)
{
    /* The oldest half makes room. */
    if (w->sent_count == WORLD_SENT_MAX) {
        memmove(w->sent, w->sent + WORLD_SENT_MAX / 2, sizeof(w->sent) / 2);
        w->sent_count = WORLD_SENT_MAX / 2;
    }
    struct sent *sent = &w->sent[w->sent_count++];
    assert(p->data >= p->buffer && p->data + p->len <= p->buffer + sizeof(p->buffer));
    *sent = (struct sent){
        .kind = kind, .tos = p->tos, .dont_fragment = p->dont_fragment, .len = p->len};
    memcpy(sent->data, p->data, p->len);
    return sent;
}

static void host_to_client(void *owner, const struct turn_path *path, struct packet *p)
{
    struct world *w = owner;
    record(w, SENT_TO_CLIENT, p)->path = *path;
    use_up(w, p);
}

static void host_reply_from(void *owner, const struct turn_path *path, const struct address *from,
    const struct address *to, struct packet *p)
{
    struct world *w = owner;
    struct sent *sent = record(w, SENT_REPLY_FROM, p);
    sent->path = *path;
    sent->from = *from;
    sent->to = *to;
    use_up(w, p);
}

static void host_to_peer(void *owner, struct turn_relay *relay, struct packet *p)
{
    struct world *w = owner;
    assert(relay != NULL && relay->owner != NULL);
    assert(p->peer.family == relay->relayed.family);
    struct sent *sent = record(w, SENT_TO_PEER, p);
    sent->relay = relay;
    sent->peer = p->peer;
    use_up(w, p);
}

/* --- relays --- */

static bool port_is_free(const struct world *w, uint16_t port)
{
    list_for_each (at, &w->relays)
        if (CONTAINER_OF(at, struct world_relay, link)->base.relayed.port == port)
            return false;
    return port != w->reserved_port;
}

static uint16_t next_port(const struct world *w, bool even)
{
    uint16_t port = WORLD_FIRST_PORT;
    while (!port_is_free(w, port) || (even && port % 2 != 0))
        port++;
    return port;
}

static int host_open_relay(void *owner, const struct turn_relay_wish *wish,
    const struct turn_path *path, struct turn_relay **out)
{
    struct world *w = owner;
    struct turn_relay_wish want = *wish;
    uint16_t port;
    (void)path;

    if (wish->token != NULL) {
        port = (uint16_t)(wish->token[0] << 8 | wish->token[1]);
        want.family = (enum address_family)wish->token[2];
        if (port == 0 || port != w->reserved_port || want.family == ADDRESS_NONE)
            return -ENOENT;
        w->reserved_port = 0;
    } else {
        port = next_port(w, wish->even);
    }
    if (w->open_error[want.family] != 0)
        return w->open_error[want.family];
    if (w->relay_count >= w->relay_limit)
        return -EADDRINUSE;

    struct world_relay *relay = calloc(1, sizeof(*relay));
    if (relay == NULL)
        return -ENOMEM;
    const char *ip = want.family == ADDRESS_IP4 ? "20.1.1.1" : "2600:1::1";
    relay->wish = want;
    relay->base.relayed = relay->base.local = world_address(ip);
    relay->base.relayed.port = relay->base.local.port = port;
    if (wish->reserve_next) {
        w->reserved_port = port + 1u;
        relay->base.reserved[0] = (uint8_t)((port + 1) >> 8);
        relay->base.reserved[1] = (uint8_t)(port + 1);
        relay->base.reserved[2] = (uint8_t)want.family;
    }
    list_push_back(&w->relays, &relay->link);
    w->relay_count++;
    *out = &relay->base;
    return 0;
}

static void host_close_relay(void *owner, struct turn_relay *base)
{
    struct world *w = owner;
    struct world_relay *relay = CONTAINER_OF(base, struct world_relay, base);
    list_remove(&relay->link);
    w->relay_count--;
    free(relay);
}

/* NULL when the port is not free, or memory is short. */
static struct turn_relay *open_relay_at(struct world *w, const struct turn_saved_relay *saved)
{
    struct world_relay *relay =
        port_is_free(w, saved->relayed.port) ? calloc(1, sizeof(*relay)) : NULL;
    if (relay == NULL)
        return NULL;
    relay->wish.family = saved->local.family;
    relay->base.local = saved->local;
    relay->base.relayed = saved->relayed;
    list_push_back(&w->relays, &relay->link);
    w->relay_count++;
    return &relay->base;
}

struct turn_relay *world_relay(const struct world *w, size_t n)
{
    list_for_each (at, &w->relays)
        if (n-- == 0)
            return &CONTAINER_OF(at, struct world_relay, link)->base;
    return NULL;
}

/* --- quotas and paths --- */

static bool host_quota_take(void *owner, const struct auth_identity *identity)
{
    struct world *w = owner;
    assert(identity != NULL);
    if (w->quotas >= w->quota_limit)
        return false;
    w->quotas++;
    return true;
}

static void host_quota_give(void *owner, const struct auth_identity *identity)
{
    struct world *w = owner;
    assert(identity != NULL && w->quotas > 0);
    w->quotas--;
}

static void host_path_added(void *owner, const struct turn_path *path)
{
    struct world *w = owner;
    (void)path;
    w->paths++;
}

static void host_path_removed(void *owner, const struct turn_path *path)
{
    struct world *w = owner;
    (void)path;
    assert(w->paths > 0);
    w->paths--;
}

static void host_close_path(void *owner, const struct turn_path *path)
{
    struct world *w = owner;
    assert(path->transport != TURN_UDP);
    w->closed_paths++;
}

/* --- the log --- */

static void host_made(void *owner, const struct turn_report *report)
{
    struct world *w = owner;
    assert(report->relayed[0].family != ADDRESS_NONE || report->relayed[1].family != ADDRESS_NONE);
    w->made++;
    (void)report;
}

static void host_ended(void *owner, const struct turn_report *report, enum turn_end why)
{
    struct world *w = owner;
    assert(report->identity != NULL);
    w->ended++;
    w->last_end = why;
    (void)report;
}

static bool host_changed(void *owner, uint64_t id, const char *name)
{
    struct world *w = owner;
    if (w->is_deaf)
        return false;
    w->changed++;
    w->last_changed = id;
    memcpy(w->last_name, name, sizeof(w->last_name));
    return true;
}

static void host_over(void *owner, uint64_t id, const char *name)
{
    struct world *w = owner;
    w->over++;
    w->last_over = id;
    memcpy(w->last_name, name, sizeof(w->last_name));
}

static void host_refused(void *owner, const struct turn_path *path, unsigned method, unsigned code,
    const struct auth_identity *identity)
{
    struct world *w = owner;
    (void)path;
    (void)method;
    assert(identity != NULL && code >= 300 && code < 600);
    (void)code;
    w->refused++;
}

static void host_unproven(void *owner, const struct turn_path *path, struct text username)
{
    struct world *w = owner;
    (void)path;
    assert(username.len > 0);
    (void)username;
    w->unproven++;
}

/* --- connections --- */

static struct world_connection *connection_new(
    struct world *w, struct turn_relay *relay, const struct address *peer)
{
    struct world_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        return NULL;
    connection->base.peer = *peer;
    connection->relay = relay;
    list_push_back(&w->connections, &connection->link);
    w->connection_count++;
    return connection;
}

static void free_connection(struct world *w, struct world_connection *connection)
{
    list_remove(&connection->link);
    w->connection_count--;
    free(connection);
}

static int host_connect(void *owner, struct turn_relay *relay, const struct address *peer,
    struct turn_peer_connection **out)
{
    struct world *w = owner;
    if (w->connect_error != 0)
        return w->connect_error;
    struct world_connection *connection = connection_new(w, relay, peer);
    if (connection == NULL)
        return -ENOMEM;
    *out = &connection->base;
    return 0;
}

static void host_splice(
    void *owner, const struct turn_path *path, struct turn_peer_connection *base)
{
    struct world *w = owner;
    struct world_connection *connection = CONTAINER_OF(base, struct world_connection, base);
    (void)path;
    assert(!connection->is_spliced);
    connection->is_spliced = true;
    w->spliced++;
}

static void host_close_connection(void *owner, struct turn_peer_connection *base)
{
    free_connection(owner, CONTAINER_OF(base, struct world_connection, base));
}

struct world_connection *world_connection(const struct world *w, size_t n)
{
    list_for_each (at, &w->connections)
        if (n-- == 0)
            return CONTAINER_OF(at, struct world_connection, link);
    return NULL;
}

struct world_connection *world_connect_from(
    struct world *w, struct turn_relay *relay, const struct address *peer)
{
    struct world_connection *connection = connection_new(w, relay, peer);
    assert(connection != NULL);
    if (turn_peer_arrived(w->server, relay, &connection->base, w->now_ms))
        return connection;
    free_connection(w, connection);
    return NULL;
}

void world_connection_closed(struct world *w, struct world_connection *connection)
{
    turn_connection_closed(w->server, &connection->base);
    free_connection(w, connection);
}

/* --- other processes --- */

bool world_save(struct world *w, uint64_t id, struct turn_saved *out)
{
    return turn_save(w->server, id, w->now_ms, w->unix_s * 1000000, out);
}

bool world_restore(struct world *w, struct turn_saved *saved, uint64_t number, uint64_t elapsed_ms)
{
    struct turn_restoring restoring = {
        .saved = saved,
        .id = turn_restored_id(3, number),
        .age_ms = elapsed_ms,
        .now_ms = w->now_ms,
        .unix_s = w->unix_s,
    };
    bool is_restored = turn_saved_age(saved, elapsed_ms);
    for (size_t i = 0; i < COUNT_OF(restoring.relays); i++) {
        if (!is_restored || saved->relays[i].left_ms == 0)
            continue;
        restoring.relays[i] = open_relay_at(w, &saved->relays[i]);
        is_restored = restoring.relays[i] != NULL;
    }
    is_restored = is_restored && turn_restore(w->server, &restoring);
    for (size_t i = 0; i < COUNT_OF(restoring.relays) && !is_restored; i++)
        if (restoring.relays[i] != NULL)
            host_close_relay(w, restoring.relays[i]);
    w->made += is_restored;
    w->quotas += is_restored;
    return is_restored;
}

/* --- settings --- */

struct auth *world_auth(bool has_users, struct user_cache *cache)
{
    static const struct auth_user_config users[] = {
        {{"alice", 5}, {"wonder", 6}}, {{"bob", 3}, {"builder", 7}}};
    static const struct text secrets[] = {{"sesame", 6}};
    const struct auth_realm_config realm = {
        .name = {"example.org", 11},
        .users = users,
        .user_count = has_users ? COUNT_OF(users) : 0,
        .secrets = secrets,
        .secret_count = has_users ? COUNT_OF(secrets) : 0,
    };
    struct auth_config config = {.realms = &realm,
        .realm_count = 1,
        .nonce_lifetime_s = 600,
        .offer_sha256 = true,
        .lookup = cache != NULL,
        .cache = cache};
    enum auth_config_error error;
    struct text culprit;
    memset(config.nonce_keys.current, 7, sizeof(config.nonce_keys.current));
    return auth_new(&config, &error, &culprit);
}

static struct address_ranges range_of(const char *text)
{
    struct address_ranges set = {.list = NULL};
    struct address_range range;
    if (text != NULL && address_range_parse(text_from(text), &range) == NULL &&
        address_ranges_add(&set, &range) == 0)
        address_ranges_seal(&set);
    return set;
}

struct peer_policy *world_policy(const char *allowed, const char *denied)
{
    const struct address own[] = {world_address("20.0.0.5")};
    const struct address protected[] = {world_address("30.0.0.9:6379")};
    struct address_ranges allowed_set = range_of(allowed), denied_set = range_of(denied);
    const struct policy_config config = {
        .allowed = &allowed_set,
        .denied = &denied_set,
        .own = own,
        .own_count = COUNT_OF(own),
        .protected_endpoints = protected,
        .protected_count = COUNT_OF(protected),
    };
    struct peer_policy *policy = policy_new(&config);
    address_ranges_done(&allowed_set);
    address_ranges_done(&denied_set);
    return policy;
}

struct turn_settings *world_settings(void)
{
    struct turn_settings *settings = turn_settings_new();
    assert(settings != NULL);
    settings->auth = world_auth(true, NULL);
    policy_free(settings->policy);
    settings->policy = world_policy(NULL, NULL);
    settings->mobility = true;
    settings->binding_per_s = settings->unauthorized_per_s = 0;
    assert(settings->auth != NULL && settings->policy != NULL);
    return settings;
}

/* --- life --- */

static const struct turn_host host_hooks = {
    .packet = host_packet,
    .discard = host_discard,
    .to_client = host_to_client,
    .to_peer = host_to_peer,
    .reply_from = host_reply_from,
    .open_relay = host_open_relay,
    .close_relay = host_close_relay,
    .quota_take = host_quota_take,
    .quota_give = host_quota_give,
    .path_added = host_path_added,
    .path_removed = host_path_removed,
    .connect = host_connect,
    .splice = host_splice,
    .close_connection = host_close_connection,
    .close_path = host_close_path,
    .made = host_made,
    .ended = host_ended,
    .changed = host_changed,
    .over = host_over,
    .refused = host_refused,
    .unproven = host_unproven,
};

void world_start(struct world *w, struct turn_settings *settings)
{
    *w = (struct world){
        .now_ms = 1000000,
        .unix_s = WORLD_UNIX_S,
        .relay_limit = SIZE_MAX,
        .quota_limit = SIZE_MAX,
        .packet_limit = SIZE_MAX,
    };
    timers_init(&w->timers);
    list_init(&w->relays);
    list_init(&w->connections);
    if (settings == NULL)
        settings = world_settings();
    for (size_t i = 0; i < COUNT_OF(w->limits); i++) {
        w->limits[i] = source_limit_new();
        assert(w->limits[i] != NULL);
    }
    w->former_tickets = former_tickets_new();
    assert(w->former_tickets != NULL);
    struct turn_config config = {
        .host = host_hooks,
        .timers = &w->timers,
        .settings = settings,
        .binding_limit = w->limits[0],
        .unauthorized_limit = w->limits[1],
        .former_tickets = w->former_tickets,
        .worker = 3,
        .max_allocations = 1000,
    };
    config.host.owner = w;
    w->server = turn_server_new(&config);
    assert(w->server != NULL);
    turn_settings_unref(settings);
}

bool world_stop(struct world *w)
{
    turn_server_free(w->server);
    for (size_t i = 0; i < COUNT_OF(w->limits); i++)
        source_limit_free(w->limits[i]);
    former_tickets_free(w->former_tickets);
    return w->relay_count == 0 && w->connection_count == 0 && w->quotas == 0 && w->paths == 0 &&
           w->packets == 0 && w->timers.armed == 0 && w->made == w->ended;
}

void world_set_settings(struct world *w, struct turn_settings *settings)
{
    turn_server_set_settings(w->server, settings);
    turn_settings_unref(settings);
}

void world_wait(struct world *w, uint64_t ms)
{
    uint64_t end_ms = w->now_ms + ms;
    while (w->now_ms < end_ms) {
        uint64_t step_ms = end_ms - w->now_ms < 1000 ? end_ms - w->now_ms : 1000;
        w->now_ms += step_ms;
        w->unix_s = WORLD_UNIX_S + (int64_t)(w->now_ms - 1000000) / 1000;
        timers_run(&w->timers, w->now_ms);
        turn_tick(w->server, w->now_ms, w->unix_s);
    }
}

/* --- packets that come --- */

static struct packet *pick_up(struct world *w, struct bytes data, uint8_t tos)
{
    struct packet *p = malloc(sizeof(*p));
    assert(p != NULL);
    packet_reset(p);
    bool fits = packet_set(p, data);
    assert(fits);
    (void)fits;
    p->tos = tos;
    w->in_hand = p;
    w->in_hand_sent = false;
    return p;
}

static void put_down(struct world *w)
{
    w->drop = w->in_hand->drop;
    assert(w->drop == DROP_NONE || !w->in_hand_sent);
    free(w->in_hand);
    w->in_hand = NULL;
}

enum turn_verdict world_from_client(
    struct world *w, const struct turn_path *path, struct bytes data, uint8_t tos)
{
    const struct turn_arrival arrival = {
        .path = path,
        .packet = pick_up(w, data, tos),
        .now_ms = w->now_ms,
        .unix_s = w->unix_s,
        .is_final = !w->not_final,
        .is_early = w->is_early,
    };
    w->verdict = turn_from_client(w->server, &arrival, &w->elsewhere);
    put_down(w);
    return w->verdict;
}

enum drop_reason world_from_peer(struct world *w, struct turn_relay *relay,
    const struct address *peer, struct bytes data, uint8_t tos)
{
    struct packet *p = pick_up(w, data, tos);
    p->peer = *peer;
    turn_from_peer(w->server, relay, p, w->now_ms);
    put_down(w);
    return w->drop;
}

enum drop_reason world_icmp(struct world *w, struct turn_relay *relay, const struct address *peer,
    uint8_t type, uint8_t code, uint32_t data)
{
    struct packet *p = pick_up(w, bytes_of(NULL, 0), 0);
    p->kind = PACKET_ICMP;
    p->peer = *peer;
    p->icmp_type = type;
    p->icmp_code = code;
    p->icmp_data = data;
    turn_from_peer(w->server, relay, p, w->now_ms);
    put_down(w);
    return w->drop;
}

const struct sent *world_last(const struct world *w)
{
    return w->sent_count == 0 ? NULL : &w->sent[w->sent_count - 1];
}

void world_forget(struct world *w)
{
    w->sent_count = 0;
}
