/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/tcp.h"

#include <stdlib.h>

#include "base/random.h"
#include "turn/permission.h"

/*
 *     Connect --> CONNECTING --connected--> WAITING --ConnectionBind--> BOUND
 *     a peer connects ------------------------^
 *
 * The first two have 30 s each (RFC 6062, sections 5.2 and 5.3).
 */
enum tcp_state { TCP_CONNECTING, TCP_WAITING, TCP_BOUND };
enum { CONNECT_MS = 30 * 1000, BIND_MS = 30 * 1000 };

/* A CONNECTION-ID: the worker, and what nobody else's client can guess. */
enum { ID_RANDOM_BITS = 24, ID_RANDOM_MASK = (1 << ID_RANDOM_BITS) - 1 };

/* A Connect that is not answered yet, and where its answer goes. */
struct tcp_request {
    struct turn_exchange exchange;
    struct turn_path path;
};

static struct turn_peer_connection *of_link(struct list *link)
{
    return CONTAINER_OF(link, struct turn_peer_connection, link);
}

/* --- the connections of an allocation --- */

static struct turn_peer_connection *connection_of_id(const struct turn_server *server, uint32_t id)
{
    struct u64_node *node = u64_map_find(&server->connections, id);
    return node == NULL ? NULL : CONTAINER_OF(node, struct turn_peer_connection, by_id);
}

static struct turn_peer_connection *connection_of_peer(
    const struct turn_allocation *allocation, const struct address *peer)
{
    list_for_each (at, &allocation->connections)
        if (address_equal(&of_link(at)->peer, peer))
            return of_link(at);
    return NULL;
}

static void add(struct turn_allocation *allocation, struct turn_peer_connection *connection,
    enum tcp_state state, uint64_t deadline_ms)
{
    connection->owner = allocation;
    connection->state = (uint8_t)state;
    connection->deadline_ms = deadline_ms;
    list_push_back(&allocation->connections, &connection->link);
    allocation->connection_count++;
    allocation_due(allocation, deadline_ms);
}

/* Gives it an id; it now waits for the client's data connection. */
static void await_bind(struct turn_peer_connection *connection, uint64_t now_ms)
{
    struct turn_allocation *allocation = connection->owner;
    struct turn_server *server = allocation->server;

    do {
        connection->id =
            (uint32_t)server->worker << ID_RANDOM_BITS | (random_u32() & ID_RANDOM_MASK);
    } while (connection_of_id(server, connection->id) != NULL);
    u64_map_put(&server->connections, &connection->by_id, connection->id);
    connection->state = TCP_WAITING;
    connection->deadline_ms = now_ms + BIND_MS;
    counter_add(&server->counters.tcp_connections, 1);
    allocation_due(allocation, connection->deadline_ms);
}

static void forget(struct turn_peer_connection *connection)
{
    struct turn_allocation *allocation = connection->owner;
    struct turn_server *server = allocation->server;

    if (connection->state != TCP_CONNECTING) {
        u64_map_remove(&server->connections, &connection->by_id);
        counter_subtract(&server->counters.tcp_connections, 1);
    }
    if (connection->asked != NULL) {
        turn_exchange_done(&connection->asked->exchange);
        free(connection->asked);
        connection->asked = NULL;
    }
    list_remove(&connection->link);
    allocation->connection_count--;
}

static void close_connection(struct turn_peer_connection *connection)
{
    const struct turn_host *host = &connection->owner->server->host;
    forget(connection);
    host->close_connection(host->owner, connection);
}

/* --- Connect --- */

/* 0, or the code of the error (RFC 6062, section 5.2). */
static unsigned judge(const struct turn_request *r, struct address *peer)
{
    struct turn_allocation *allocation = r->allocation;
    const struct turn_settings *settings = r->server->settings;
    const struct token_rate rate = {settings->max_new_peers_per_s, settings->max_new_peers_per_s};
    bool checks_port;

    if (!request_peer(r, peer) || peer->port == 0)
        return STUN_BAD_REQUEST;
    unsigned code = permission_judge(allocation, peer, &checks_port);
    if (code != 0)
        return code;
    if (checks_port && !policy_peer_tcp_port(settings->policy, peer, NULL)) {
        counter_add(&r->server->counters.peers_denied, 1);
        return STUN_FORBIDDEN;
    }
    if (connection_of_peer(allocation, peer) != NULL)
        return STUN_CONNECTION_ALREADY_EXISTS;
    /* Each Connect counts as a new peer, else it would search for open ports. */
    if (allocation->connection_count >= settings->max_connections ||
        !token_bucket_take(&allocation->new_peers_spent, &rate, 1, r->arrival->now_ms))
        return STUN_INSUFFICIENT_CAPACITY;
    return 0;
}

/* Keeps what the answer needs; takes it out of the request. */
static struct tcp_request *keep(struct turn_request *r)
{
    struct tcp_request *asked = malloc(sizeof(*asked));
    if (asked == NULL)
        return NULL;
    *asked = (struct tcp_request){.exchange = r->exchange, .path = *r->arrival->path};
    asked->exchange.auth.realm = asked->exchange.auth.username = text_of(NULL, 0);
    r->exchange.auth = (struct auth_result){.identity = NULL};
    return asked;
}

/* Errors of our own are failures to connect, too. */
static unsigned start(struct turn_request *r, const struct address *peer)
{
    const struct turn_host *host = &r->server->host;
    struct turn_relay *relay = allocation_relayed(r->allocation, peer->family)->relay;
    struct turn_peer_connection *connection;

    if (host->connect(host->owner, relay, peer, &connection) != 0)
        return STUN_CONNECTION_FAILED;
    struct tcp_request *asked = keep(r);
    if (asked == NULL) {
        host->close_connection(host->owner, connection);
        return STUN_INSUFFICIENT_CAPACITY;
    }
    connection->asked = asked;
    add(r->allocation, connection, TCP_CONNECTING, r->arrival->now_ms + CONNECT_MS);
    return 0;
}

enum turn_verdict tcp_connect(struct turn_request *r)
{
    struct address peer;

    if (!r->allocation->is_tcp)
        return reply_error(r, STUN_FORBIDDEN);
    unsigned code = judge(r, &peer);
    if (code == 0)
        code = start(r, &peer);
    return code != 0 ? reply_error(r, (enum stun_error)code) : TURN_DONE;
}

/* Whether the client can still be answered there. */
static bool path_is_alive(const struct turn_allocation *allocation, const struct turn_path *path)
{
    const struct turn_route *route = route_find(allocation->server, path);
    return route != NULL && route->allocation == allocation && route->path.link_id == path->link_id;
}

/* Answers the Connect of a connection, if one waits; false when there is nobody to answer. */
static bool answer(struct turn_peer_connection *connection, bool is_connected)
{
    struct turn_server *server = connection->owner->server;
    struct tcp_request *asked = connection->asked;
    struct turn_reply reply;

    if (asked == NULL || !path_is_alive(connection->owner, &asked->path) ||
        !reply_begin(&reply, server, &asked->exchange, is_connected ? STUN_SUCCESS : STUN_ERROR))
        return false;
    if (is_connected) {
        stun_write_u32(&reply.w, STUN_CONNECTION_ID, connection->id);
    } else {
        counter_add(&server->counters.errors, 1);
        stun_write_error(&reply.w, STUN_CONNECTION_FAILED, text_of(NULL, 0));
    }
    reply_send(&reply, &asked->path);
    turn_exchange_done(&asked->exchange);
    free(asked);
    connection->asked = NULL;
    return true;
}

static void fail(struct turn_peer_connection *connection)
{
    (void)answer(connection, false);
    close_connection(connection);
}

void turn_peer_connected(
    struct turn_server *server, struct turn_peer_connection *connection, int error, uint64_t now_ms)
{
    (void)server;
    if (error != 0) {
        fail(connection);
        return;
    }
    await_bind(connection, now_ms);
    if (!answer(connection, true))
        close_connection(connection);
}

/* --- a peer connects --- */

static bool announce(struct turn_peer_connection *connection)
{
    struct turn_allocation *allocation = connection->owner;
    struct turn_reply indication;

    if (!indication_begin(&indication, allocation->server, STUN_CONNECTION_ATTEMPT))
        return false;
    stun_write_u32(&indication.w, STUN_CONNECTION_ID, connection->id);
    stun_write_xor_address(&indication.w, STUN_XOR_PEER_ADDRESS, &connection->peer);
    reply_send(&indication, &allocation->route.path);
    return true;
}

/* RFC 6062, section 5.3. */
bool turn_peer_arrived(struct turn_server *server, struct turn_relay *relay,
    struct turn_peer_connection *connection, uint64_t now_ms)
{
    struct turn_allocation *allocation = relay->owner;
    const struct address *peer = &connection->peer;

    if (!allocation->is_tcp || !route_is_linked(&allocation->route) ||
        allocation->connection_count >= server->settings->max_connections ||
        permission_check(allocation, permission_find(allocation, peer), peer, now_ms) != DROP_NONE)
        return false;
    connection->is_incoming = true;
    add(allocation, connection, TCP_CONNECTING, now_ms + BIND_MS);
    await_bind(connection, now_ms);
    if (announce(connection))
        return true;
    forget(connection);
    return false;
}

/* --- ConnectionBind --- */

static struct turn_peer_connection *connection_of(const struct turn_request *r)
{
    uint32_t id;
    return request_u32(r, REQUEST_CONNECTION_ID, &id) ? connection_of_id(r->server, id) : NULL;
}

enum turn_verdict tcp_find(struct turn_request *r)
{
    const struct turn_arrival *arrival = r->arrival;
    bool is_control = r->allocation != NULL;
    uint32_t id;

    r->allocation = NULL;
    if (is_control || !turn_path_is_stream(arrival->path) ||
        !request_u32(r, REQUEST_CONNECTION_ID, &id))
        return TURN_DONE;
    if (id >> ID_RANDOM_BITS != r->server->worker) {
        r->elsewhere->worker = id >> ID_RANDOM_BITS;
        return arrival->is_final || !r->has_integrity ? TURN_DONE : TURN_ANOTHER;
    }
    struct turn_peer_connection *connection = connection_of_id(r->server, id);
    if (connection != NULL && connection->state == TCP_WAITING)
        r->allocation = connection->owner;
    return TURN_DONE;
}

enum turn_verdict tcp_connection_bind(struct turn_request *r)
{
    const struct turn_host *host = &r->server->host;
    struct turn_peer_connection *connection = connection_of(r);
    struct turn_reply reply;

    if (!reply_begin(&reply, r->server, &r->exchange, STUN_SUCCESS))
        return TURN_DONE;
    reply_send(&reply, r->arrival->path);
    connection->state = TCP_BOUND;
    host->splice(host->owner, r->arrival->path, connection);
    return TURN_DONE;
}

/* --- data --- */

size_t turn_connection_pass(
    struct turn_peer_connection *connection, bool from_client, size_t len, uint64_t now_ms)
{
    struct turn_allocation *allocation = connection->owner;
    struct turn_server *server = allocation->server;
    struct turn_counters *counters = &server->counters;
    const struct token_rate rate = {
        server->settings->max_bytes_per_s, server->settings->max_bytes_per_s};
    struct turn_spending *spent =
        from_client ? &allocation->from_client_spent : &allocation->from_peer_spent;
    struct turn_traffic *traffic = from_client ? &allocation->from_client : &allocation->from_peer;

    size_t some = token_bucket_take_some(&spent->bytes, &rate, len, now_ms);
    traffic->bytes += some;
    counter_add(from_client ? &counters->client_bytes : &counters->peer_bytes, some);
    return some;
}

/* --- the end --- */

void turn_connection_closed(struct turn_server *server, struct turn_peer_connection *connection)
{
    (void)server;
    (void)answer(connection, false);
    forget(connection);
}

uint64_t tcp_sweep(struct turn_allocation *allocation, uint64_t now_ms)
{
    uint64_t due = TIMERS_NEVER;
    list_for_each_safe (at, &allocation->connections) {
        struct turn_peer_connection *connection = of_link(at);
        if (connection->state == TCP_BOUND)
            continue;
        if (connection->deadline_ms <= now_ms)
            fail(connection);
        else if (connection->deadline_ms < due)
            due = connection->deadline_ms;
    }
    return due;
}

/* The port of a peer that has come to us means nothing. */
static bool may_stay(
    const struct peer_policy *policy, const struct turn_peer_connection *connection)
{
    enum peer_verdict verdict = policy_peer(policy, &connection->peer, NULL);
    if (verdict != PEER_ALLOWED_CHECK_PORT || connection->is_incoming)
        return verdict != PEER_DENIED;
    return policy_peer_tcp_port(policy, &connection->peer, NULL);
}

void tcp_rejudge(struct turn_allocation *allocation)
{
    list_for_each_safe (at, &allocation->connections)
        if (!may_stay(allocation->server->settings->policy, of_link(at)))
            fail(of_link(at));
}

void tcp_end(struct turn_allocation *allocation)
{
    list_for_each_safe (at, &allocation->connections)
        close_connection(of_link(at));
}
