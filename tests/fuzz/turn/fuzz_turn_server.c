/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random scripts of events against the TURN protocol machine: clients and users, peers, time, the
 * operator, and a host that refuses. What must hold after each event:
 *
 * - the host's relays, quotas, paths, connections and timers are those of the allocations, and the
 *   gauges tell their number; at the end nothing is left;
 * - data passes only between a client and a peer that was granted in time, and that today's policy
 *   allows.
 *
 * A script is a row of events of three bytes.
 */
#include "../require.h"
#include "client.h"
#include "turn/allocation.h"

enum { CLIENTS = 6, GRANTS = 4096, EVENTS_MAX = 400 };

/* What a client was granted, as the answers say. */
struct grant {
    uint64_t allocation;
    struct address peer; /* port 0 */
    uint64_t expires_ms;
};

static struct world world;
static struct client clients[CLIENTS];
static struct peer_policy *policy; /* today's, once more */
static struct grant grants[GRANTS];
static size_t grant_count;
static uint32_t last_connection_id;
static char last_ticket[2 * 64 + 1];

static const char *const peers[] = {"8.8.8.8:7", "8.8.8.8:9", "9.9.9.9:7", "[2600::1]:7",
    "10.0.0.1:7", "30.0.0.9:6379", "20.0.0.5:7", "[2600::2]:9"};

/* --- requests --- */

static const struct {
    enum stun_method method;
    const char *line;
} requests[] = {
    {STUN_ALLOCATE, "transport=17"},
    {STUN_ALLOCATE, "transport=17 additional=2"},
    {STUN_ALLOCATE, "transport=17 even=80 lifetime=3600"},
    {STUN_ALLOCATE, "transport=17 family=2 df"},
    {STUN_ALLOCATE, "transport=17 ticket="},
    {STUN_ALLOCATE, "transport=6"},
    {STUN_ALLOCATE, "transport=17 token=c351010000000000"},
    {STUN_ALLOCATE, "transport=6 ticket="},
    {STUN_REFRESH, ""},
    {STUN_REFRESH, "lifetime=3600"},
    {STUN_REFRESH, "lifetime=0"},
    {STUN_REFRESH, "lifetime=0 family=1"},
    {STUN_REFRESH, "family=2 lifetime=900"},
    {STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"},
    {STUN_CREATE_PERMISSION, "peer=8.8.8.8:1 peer=9.9.9.9:1"},
    {STUN_CREATE_PERMISSION, "peer=[2600::1]:1"},
    {STUN_CREATE_PERMISSION, "peer=9.9.9.9:1 peer=10.0.0.1:1"},
    {STUN_CREATE_PERMISSION, "peer=30.0.0.9:1 peer=20.0.0.5:1"},
    {STUN_CHANNEL_BIND, "peer=8.8.8.8:7 channel=4000"},
    {STUN_CHANNEL_BIND, "peer=8.8.8.8:9 channel=4001"},
    {STUN_CHANNEL_BIND, "peer=9.9.9.9:7 channel=4000"},
    {STUN_CHANNEL_BIND, "peer=[2600::1]:7 channel=4002"},
    {STUN_CHANNEL_BIND, "peer=10.0.0.1:7 channel=4003"},
    {STUN_CONNECT, "peer=8.8.8.8:7"},
    {STUN_CONNECT, "peer=9.9.9.9:7"},
    {STUN_CONNECT, "peer=10.0.0.1:7"},
    {STUN_BINDING, ""},
};

/* The allocation of a client's path; 0 without. */
static uint64_t allocation_of(const struct client *c)
{
    struct turn_route *route = route_find(world.server, &c->path);
    return route == NULL ? 0 : allocation_id(route->allocation);
}

static void note_grant(uint64_t allocation, const struct address *peer)
{
    struct turn_server *server = world.server;
    if (grant_count == GRANTS)
        return;
    grants[grant_count] = (struct grant){.allocation = allocation,
        .peer = *peer,
        .expires_ms = world.now_ms + server->settings->permission_s * 1000ull};
    grants[grant_count++].peer.port = 0;
}

/* Permissions for the peers that a request names. */
static void note_grants(const struct client *c, const char *line)
{
    struct text rest = text_from(line);
    while (rest.len > 0) {
        struct text word = text_word(&rest, ' ');
        struct address peer;
        if (text_is(text_cut(&word, '='), "peer") && address_parse_with_port(word, 0, &peer))
            note_grant(allocation_of(c), &peer);
    }
}

/* What else an answer gives the client. */
static void note_success(const struct client *c, enum stun_method method)
{
    struct bytes ticket;
    if (method == STUN_CONNECT)
        last_connection_id = reply_u32(c, STUN_CONNECTION_ID);
    if (stun_find(&c->reply, STUN_MOBILITY_TICKET, &ticket) && ticket.len <= 64)
        for (size_t i = 0; i < ticket.len; i++)
            snprintf(last_ticket + 2 * i, 3, "%02x", ticket.data[i]);
}

/* A Connect is answered later or not at all, so its answer may be that of another. */
static void request(struct client *c, enum stun_method method, const char *line)
{
    uint64_t before = allocation_of(c);
    c->user = (c->ids & 7) == 7 ? "bob" : "alice";
    c->password = (c->ids & 7) == 7 ? "builder" : "wonder";
    unsigned code = ask(c, method, line);

    require(code != ASK_STRANGE && code != ASK_LOOKUP);
    if (code == 0)
        note_success(c, method);
    /* Without a packet for the answer the client is not told what he has. */
    bool may_be_granted = code == 0 || (code == ASK_SILENCE && world.packet_limit == 0);
    if (may_be_granted && (method == STUN_CREATE_PERMISSION || method == STUN_CHANNEL_BIND))
        note_grants(c, line);
    if (method == STUN_ALLOCATE && code == 0 && before != 0)
        require(allocation_of(c) == before); /* repeated */
    if (code == 437 && method == STUN_ALLOCATE)
        require(before != 0);
    if (code == 438)
        client_challenge(c);
}

/* A signed request with bytes changed, some behind its signature: of no effect but an answer. */
static void damaged_request(struct client *c, uint8_t a, uint8_t b)
{
    uint8_t message[PACKET_DATA_MAX];
    size_t n = a % COUNT_OF(requests);
    size_t len = client_write(c, requests[n].method, requests[n].line, message, sizeof(message));
    message[b % len] ^= (uint8_t)(a | 1);
    world_from_client(&world, &c->path, bytes_of(message, len), 0);
}

/* --- data --- */

static bool is_granted(uint64_t allocation, const struct address *peer)
{
    struct address ip = *peer;
    ip.port = 0;
    if (policy_peer(policy, &ip, NULL) == PEER_DENIED || !policy_peer_port(policy, peer, NULL))
        return false;
    for (size_t i = 0; i < grant_count; i++)
        if (grants[i].allocation == allocation && address_equal(&grants[i].peer, &ip) &&
            grants[i].expires_ms > world.now_ms)
            return true;
    return grant_count == GRANTS;
}

static void from_peer(uint8_t a, uint8_t b)
{
    static const uint8_t payload[256] = {1, 2, 3};
    struct address peer = world_address(peers[b % COUNT_OF(peers)]);
    for (size_t i = a % 8; i < 8; i++) {
        struct turn_relay *relay = world_relay(&world, i);
        if (relay == NULL || relay->owner->is_tcp || relay->relayed.family != peer.family)
            continue;
        if (b & 0x80)
            world_icmp(&world, relay, &peer, a >> 4, b & 7, 1280);
        else
            world_from_peer(&world, relay, &peer, bytes_of(payload, a), b);
        require(world.sent_count == 0 || is_granted(allocation_id(relay->owner), &peer));
        return;
    }
}

/* The peer of a Data indication; false for any other message. */
static bool data_peer(const struct sent *sent, struct address *peer)
{
    struct stun_message m;
    struct bytes value;
    return stun_parse(bytes_of(sent->data, sent->len), &m) == STUN_OK &&
           m.type == stun_type(STUN_DATA, STUN_INDICATION) &&
           stun_find(&m, STUN_XOR_PEER_ADDRESS, &value) && stun_read_xor_address(&m, value, peer);
}

static void check_sent(void)
{
    for (size_t i = 0; i < world.sent_count; i++) {
        const struct sent *sent = &world.sent[i];
        struct address peer;
        if (sent->kind == SENT_TO_PEER) {
            require(is_granted(allocation_id(sent->relay->owner), &sent->peer));
        } else if (sent->kind == SENT_TO_CLIENT && data_peer(sent, &peer)) {
            struct turn_route *route = route_find(world.server, &sent->path);
            require(route != NULL && is_granted(allocation_id(route->allocation), &peer));
        }
    }
}

/* --- time, the operator, the host --- */

static void wait_a_while(uint8_t a, uint8_t b)
{
    static const uint32_t steps_ms[] = {1, 999, 1000, 29999, 60000, 299000, 300000, 599999};
    world_wait(&world, steps_ms[a % COUNT_OF(steps_ms)] + b);
}

static void new_settings(uint8_t a, uint8_t b)
{
    struct turn_settings *settings = world_settings();
    const char *denied = a & 1 ? "8.8.8.0/24" : NULL;
    policy_free(settings->policy);
    policy_free(policy);
    settings->policy = world_policy(NULL, denied);
    policy = world_policy(NULL, denied);
    settings->mobility = (a & 2) == 0;
    settings->max_permissions = a & 4 ? 1 : 100;
    settings->max_channels = a & 8 ? 1 : 100;
    settings->max_new_peers_per_s = a & 16 ? 1 : 0;
    settings->max_packets_per_s = a & 32 ? 2 : 0;
    settings->draining = (a & 64) != 0;
    settings->max_connections = a & 128 ? 1 : 10;
    if (b < 16) {
        auth_unref(settings->auth);
        settings->auth = world_auth(false, NULL);
    }
    world_set_settings(&world, settings);
    for (size_t i = 0; i < CLIENTS; i++)
        client_challenge(&clients[i]);
}

static void kill(uint8_t a)
{
    struct text user = text_from(a & 1 ? "alice" : "bob");
    struct turn_relay *relay = world_relay(&world, a >> 2);
    uint64_t id = relay == NULL ? 0 : allocation_id(relay->owner);
    turn_kill(world.server, a & 2 ? id : 0, user, text_of(NULL, 0));
}

static void refuse(uint8_t a, uint8_t b)
{
    world.relay_limit = a & 1 ? b % 4u : SIZE_MAX;
    world.quota_limit = a & 2 ? b % 4u : SIZE_MAX;
    world.packet_limit = a & 4 ? 0 : SIZE_MAX;
    world.open_error[ADDRESS_IP4] = a & 8 ? -1 : 0;
    world.open_error[ADDRESS_IP6] = a & 16 ? -1 : 0;
    world.connect_error = a & 32 ? -1 : 0;
    world.not_final = (a & 64) != 0;
}

/* --- connections --- */

static void connection_event(struct client *c, uint8_t a, uint8_t b)
{
    struct world_connection *connection = world_connection(&world, a >> 4);
    struct address peer = world_address(peers[b % COUNT_OF(peers)]);
    char line[32];

    switch (a % 4) {
    case 0: /* the outcome of a Connect */
        if (connection != NULL && connection->base.id == 0)
            turn_peer_connected(world.server, &connection->base, b & 1 ? -111 : 0, world.now_ms);
        break;
    case 1:
        for (size_t i = 0; i < world.relay_count; i++) {
            struct turn_relay *relay = world_relay(&world, i);
            if (relay->owner->is_tcp && relay->relayed.family == peer.family)
                (void)world_connect_from(&world, relay, &peer);
        }
        break;
    case 2:
        if (connection != NULL)
            world_connection_closed(&world, connection);
        break;
    default:
        connection = world_connection(&world, b % 4);
        snprintf(line, sizeof(line), "id=%u",
            connection != NULL ? (unsigned)connection->base.id : last_connection_id);
        request(c, STUN_CONNECTION_BIND, line);
        break;
    }
}

/* --- what must hold --- */

struct sums {
    size_t allocations, relays, permissions, channels, connections;
};

static void add(void *owner, const struct turn_report *report)
{
    struct sums *sums = owner;
    sums->allocations++;
    for (size_t i = 0; i < COUNT_OF(report->relayed); i++)
        sums->relays += report->relayed[i].family != ADDRESS_NONE;
    sums->permissions += report->permissions;
    sums->channels += report->channels;
    sums->connections += report->connections;
    require(report->expires_in_ms > 0 && report->expires_in_ms <= 3600000);
}

static void check_sums(void)
{
    const struct turn_counters *counters = turn_server_counters(world.server);
    struct sums sums = {.allocations = 0};

    turn_each(world.server, world.now_ms, add, &sums);
    require(sums.allocations == turn_allocation_count(world.server));
    require(sums.allocations == counter_get(&counters->allocations));
    require(sums.allocations == world.quotas);
    require(sums.allocations == world.made - world.ended);
    require(sums.allocations == world.timers.armed);
    require(sums.relays == world.relay_count && sums.relays >= sums.allocations);
    require(sums.channels == counter_get(&counters->channels));
    require(sums.permissions >= counter_get(&counters->permissions));
    require(sums.connections == world.connection_count);
    require(sums.connections >= counter_get(&counters->tcp_connections));
    require(world.paths <= 2 * sums.allocations);
    require(world.packets == 0);
}

static void happen(uint8_t what, uint8_t a, uint8_t b)
{
    struct client *c = &clients[what / 16 % CLIENTS];
    char line[sizeof(last_ticket) + 16];

    world_forget(&world);
    switch (what % 16) {
    case 0:
    case 1:
    case 2:
    case 3:
        c->repeat = b == 0xff;
        request(c, requests[a % COUNT_OF(requests)].method, requests[a % COUNT_OF(requests)].line);
        break;
    case 4:
        send_channel(c, (uint16_t)(0x4000 + a % 4), "hello");
        break;
    case 5:
        snprintf(line, sizeof(line), "peer=%s data=hello", peers[a % COUNT_OF(peers)]);
        send_indication(c, line);
        break;
    case 6:
    case 7:
        from_peer(a, b);
        break;
    case 8:
    case 9:
        wait_a_while(a, b);
        break;
    case 10:
        damaged_request(c, a, b);
        break;
    case 11:
        snprintf(line, sizeof(line), "ticket=%s", last_ticket);
        request(c, STUN_REFRESH, line);
        break;
    case 12:
        if (c->path.transport != TURN_UDP)
            turn_path_closed(world.server, &c->path);
        break;
    case 13:
        connection_event(c, a, b);
        break;
    case 14:
        if (a < 64)
            new_settings(b, a);
        else if (a < 96)
            kill(b);
        else
            client_challenge(c);
        break;
    default:
        refuse(a, b);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum turn_transport transports[CLIENTS] = {
        TURN_UDP, TURN_UDP, TURN_TCP, TURN_TLS, TURN_DTLS, TURN_TCP};
    static const char *const addresses[CLIENTS] = {"20.0.0.77:1000", "[2600:7::7]:1000",
        "20.0.0.77:1000", "20.0.0.77:1001", "20.0.0.77:1000", "20.0.0.78:1"};

    world_start(&world, NULL);
    policy = world_policy(NULL, NULL);
    grant_count = 0;
    last_connection_id = 0;
    last_ticket[0] = '\0';
    for (size_t i = 0; i < CLIENTS; i++)
        client_start(&clients[i], &world, transports[i], addresses[i]);
    for (size_t i = 0; i + 2 < size && i < 3 * EVENTS_MAX; i += 3) {
        happen(data[i], data[i + 1], data[i + 2]);
        check_sent();
        check_sums();
    }
    require(world_stop(&world));
    policy_free(policy);
    return 0;
}
