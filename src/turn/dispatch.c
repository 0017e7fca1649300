/* SPDX-License-Identifier: Apache-2.0 */
/* What a client sent: which method it is, whether he may, and who is to answer. */
#include "turn/allocate.h"
#include "turn/channel.h"
#include "turn/data.h"
#include "turn/discovery.h"
#include "turn/tcp.h"

static enum turn_verdict drop(struct packet *p, enum drop_reason reason)
{
    p->drop = reason;
    return TURN_DONE;
}

/* Another worker may have the 5-tuple: streams stay with the worker that accepted them. */
static bool may_be_elsewhere(const struct turn_arrival *arrival)
{
    return !arrival->is_final && !turn_path_is_stream(arrival->path);
}

/* --- Binding --- */

/* Whoever has an allocation is no forged source. */
static bool admits_binding(struct turn_server *server, const struct turn_arrival *arrival)
{
    const struct turn_path *path = arrival->path;
    return path->transport != TURN_UDP || server->binding_limit == NULL ||
           source_limit_admit(server->binding_limit, server->settings->binding_per_s, &path->client,
               arrival->now_ms) ||
           route_find(server, path) != NULL;
}

static void send_binding(struct turn_server *server, const struct turn_path *path,
    const struct binding_route *route, struct packet *p)
{
    const struct turn_host *host = &server->host;
    if (address_equal(&route->from, &path->server) && address_equal(&route->to, &path->client))
        host->to_client(host->owner, path, p);
    else
        host->reply_from(host->owner, path, &route->from, &route->to, p);
}

/* RFC 8489, section 6.3.1: without credentials and without state. */
static enum turn_verdict on_binding(
    struct turn_server *server, const struct turn_arrival *arrival, const struct stun_message *m)
{
    const struct turn_settings *settings = server->settings;
    const struct turn_path *path = arrival->path;
    struct binding_route route;

    if (!settings->stun)
        return drop(arrival->packet, DROP_STUN_IGNORED);
    counter_add(&server->counters.binding_requests, 1);
    if (!admits_binding(server, arrival)) {
        counter_add(&server->counters.binding_limited, 1);
        return drop(arrival->packet, DROP_TURN_SOURCE_LIMIT);
    }

    struct packet *p = server->host.packet(server->host.owner);
    if (p == NULL)
        return TURN_DONE;
    struct writer w = writer_over(p->data, PACKET_DATA_MAX);
    enum stun_answer answer = discovery_answer(&settings->discovery, m, &path->client,
        &path->server, path->transport == TURN_UDP, &w, &route);
    if (answer == STUN_ANSWER_NONE || !writer_ok(&w)) {
        server->host.discard(server->host.owner, p);
        return drop(arrival->packet, DROP_STUN_IGNORED);
    }
    p->len = w.len;
    send_binding(server, path, &route, p);
    return TURN_DONE;
}

/* --- credentials --- */

/* Whether the request came back with a nonce of ours, so that its source is no forgery. */
static bool has_proven_source(const struct turn_request *r)
{
    const struct auth_result *auth = &r->exchange.auth;
    return auth->verdict != AUTH_REFUSED || auth->code == STUN_WRONG_CREDENTIALS ||
           (auth->code == STUN_UNAUTHORIZED && r->has_integrity);
}

/* An answer with 438 is shorter than its request, so a client that has an allocation gets it. */
static bool admits_refusal(const struct turn_request *r)
{
    struct turn_server *server = r->server;
    const struct turn_path *path = r->arrival->path;
    return path->transport != TURN_UDP || server->unauthorized_limit == NULL ||
           has_proven_source(r) ||
           source_limit_admit(server->unauthorized_limit, server->settings->unauthorized_per_s,
               &path->client, r->arrival->now_ms) ||
           (r->allocation != NULL && r->has_integrity);
}

static void count_refusal(const struct turn_request *r)
{
    struct turn_counters *counters = &r->server->counters;
    const struct turn_host *host = &r->server->host;
    struct bytes username = {.len = 0};
    if (has_proven_source(r)) {
        counter_add(&counters->auth_failures, 1);
        if (host->unproven != NULL && stun_find(&r->message, STUN_USERNAME, &username))
            host->unproven(host->owner, r->arrival->path, text_from_bytes(username));
    } else if (r->exchange.auth.challenge) {
        counter_add(&counters->challenges, 1);
    } else {
        counter_add(&counters->errors, 1);
    }
}

static enum turn_verdict refuse(struct turn_request *r)
{
    const struct auth_result *auth = &r->exchange.auth;
    const struct turn_path *path = r->arrival->path;
    struct turn_reply reply;

    if (!admits_refusal(r)) {
        counter_add(&r->server->counters.challenges_limited, 1);
        return drop(r->arrival->packet, DROP_TURN_SOURCE_LIMIT);
    }
    count_refusal(r);
    if (!reply_begin(&reply, r->server, &r->exchange, STUN_ERROR))
        return TURN_DONE;
    stun_write_error(&reply.w, auth->code, text_of(NULL, 0));
    if (auth->challenge)
        auth_write_challenge(
            r->server->settings->auth, &reply.w, &r->message, &path->client, r->arrival->unix_s);
    reply_send(&reply, path);
    return TURN_DONE;
}

static void copy_name(char *out, size_t size, struct text name)
{
    size_t len = name.len < size ? name.len : size - 1;
    if (len > 0)
        memcpy(out, name.data, len);
    out[len] = '\0';
}

static enum turn_verdict look_up(struct turn_request *r)
{
    struct turn_elsewhere *out = r->elsewhere;
    counter_add(&r->server->counters.lookups, 1);
    copy_name(out->username, sizeof(out->username), r->exchange.auth.username);
    copy_name(out->realm, sizeof(out->realm), r->exchange.auth.realm);
    return TURN_LOOKUP;
}

static void check(struct turn_request *r)
{
    const struct turn_path *path = r->arrival->path;
    const struct auth_identity *known = r->allocation == NULL ? NULL : r->allocation->identity;

    /* A new Allocate on a 5-tuple in use is answered with 437, whoever sends it. */
    if (r->exchange.method == STUN_ALLOCATE && known != NULL && !allocate_is_repeated(r))
        known = NULL;
    auth_check(r->server->settings->auth, &r->message, &path->client, r->arrival->unix_s, known,
        &r->exchange.auth);
    if (path->transport == TURN_UDP && r->server->unauthorized_limit != NULL &&
        has_proven_source(r))
        source_limit_proven(r->server->unauthorized_limit, r->server->settings->unauthorized_per_s,
            &path->client, r->arrival->now_ms);
}

/* --- requests --- */

struct method {
    unsigned method;
    unsigned missing; /* the error without an allocation; 0: none is needed */
    enum turn_verdict (*find)(struct turn_request *r); /* the allocation, not by 5-tuple; or NULL */
    enum turn_verdict (*handle)(struct turn_request *r);
};

static const struct method methods[] = {
    {STUN_ALLOCATE, 0, NULL, allocate},
    {STUN_REFRESH, STUN_ALLOCATION_MISMATCH, refresh_find, refresh},
    {STUN_CREATE_PERMISSION, STUN_ALLOCATION_MISMATCH, NULL, permission_create},
    {STUN_CHANNEL_BIND, STUN_ALLOCATION_MISMATCH, NULL, channel_bind},
    {STUN_CONNECT, STUN_ALLOCATION_MISMATCH, NULL, tcp_connect},
    {STUN_CONNECTION_BIND, STUN_BAD_REQUEST, tcp_find, tcp_connection_bind},
};

static const struct method *method_of(unsigned method)
{
    for (size_t i = 0; i < COUNT_OF(methods); i++)
        if (methods[i].method == method)
            return &methods[i];
    return NULL;
}

static enum turn_verdict reply_unknown_attributes(struct turn_request *r)
{
    struct turn_reply reply;
    if (reply_begin_error(&reply, r, STUN_UNKNOWN_ATTRIBUTE)) {
        stun_write_unknown(&reply.w, r->unknown, r->unknown_count);
        reply_send(&reply, r->arrival->path);
    }
    return TURN_DONE;
}

/* Only who has shown that he is there makes us look at other workers or ask for a user. */
static enum turn_verdict answer(struct turn_request *r, const struct method *method)
{
    check(r);
    if (r->allocation == NULL && has_proven_source(r) && may_be_elsewhere(r->arrival))
        return TURN_NOT_FOUND;
    if (r->exchange.auth.verdict == AUTH_LOOKUP)
        return look_up(r);
    if (r->exchange.auth.verdict == AUTH_REFUSED)
        return refuse(r);
    if (r->unknown_count > 0)
        return reply_unknown_attributes(r);
    if (r->allocation == NULL && method->missing != 0 && r->arrival->is_early)
        return drop(r->arrival->packet, DROP_TURN_NO_ALLOCATION);
    if (r->allocation == NULL && method->missing != 0)
        return reply_error(r, (enum stun_error)method->missing);
    return method->handle(r);
}

static enum turn_verdict on_request(struct turn_server *server, const struct turn_arrival *arrival,
    const struct stun_message *m, struct turn_elsewhere *elsewhere)
{
    const struct method *method = method_of(stun_method_of(m->type));
    /* RFC 8489, section 6.3: a method that is not supported is silently discarded. */
    if (method == NULL || server->settings->auth == NULL)
        return drop(arrival->packet, DROP_STUN_IGNORED);

    struct turn_request r = {
        .server = server, .arrival = arrival, .elsewhere = elsewhere, .message = *m};
    turn_server_set_clock(server, arrival->now_ms, arrival->unix_s);
    struct turn_route *route = route_find(server, arrival->path);
    r.allocation = route == NULL ? NULL : route->allocation;
    request_read(&r);
    enum turn_verdict verdict = method->find == NULL ? TURN_DONE : method->find(&r);
    if (verdict == TURN_DONE)
        verdict = answer(&r, method);
    turn_exchange_done(&r.exchange);
    return verdict;
}

/* --- messages --- */

static enum turn_verdict on_stun(struct turn_server *server, const struct turn_arrival *arrival,
    struct turn_elsewhere *elsewhere)
{
    struct packet *p = arrival->packet;
    struct stun_message m;

    if (stun_parse(packet_bytes(p), &m) != STUN_OK)
        return drop(p, DROP_TURN_MALFORMED);
    if (stun_check_fingerprint(&m) == STUN_CHECK_WRONG)
        return drop(p, DROP_TURN_FINGERPRINT);

    enum stun_class kind = stun_class_of(m.type);
    unsigned method = stun_method_of(m.type);
    if (kind == STUN_INDICATION && method == STUN_SEND)
        return data_from_send(server, arrival, &m);
    if (kind != STUN_REQUEST)
        return drop(p, DROP_STUN_IGNORED);
    if (method == STUN_BINDING)
        return on_binding(server, arrival, &m);
    return on_request(server, arrival, &m, elsewhere);
}

enum turn_verdict turn_from_client(struct turn_server *server, const struct turn_arrival *arrival,
    struct turn_elsewhere *elsewhere)
{
    struct packet *p = arrival->packet;

    if (p->len > 0 && p->data[0] >> 6 == 1)
        return data_from_channel(server, arrival);
    if (p->len > 0 && p->data[0] >> 6 == 0)
        return on_stun(server, arrival, elsewhere);
    return drop(p, DROP_UNKNOWN_PROTOCOL);
}
