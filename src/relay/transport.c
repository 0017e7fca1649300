/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/transport.h"

#include <stdlib.h>

#include "relay/call_media.h"
#include "relay/dtls_path.h"
#include "relay/ice_path.h"
#include "relay/keys.h"
#include "relay/resume_media.h"
#include "relay/stream.h"

struct transport *transport_new(struct call_media *call, uint32_t id)
{
    struct transport *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    t->relay = call->relay;
    t->call = call;
    t->plan.id = id;
    t->ports = t->first_port;
    t->port_room = COUNT_OF(t->first_port);
    list_init(&t->tuples);
    for (uint8_t i = 0; i < COUNT_OF(t->components); i++) {
        t->components[i].transport = t;
        t->components[i].index = i;
    }
    list_push_back(&call->transports, &t->link);
    counter_add(&t->relay->counters.transports, 1);
    return t;
}

static struct port *shared_port(const struct relay *relay, const struct address *local)
{
    for (size_t i = 0; i < relay->shared_count; i++) {
        struct port *port = &relay->shared[i];
        if (port->channel == PACKET_CHANNEL_SHARED && address_equal(&port->socket->local, local))
            return port;
    }
    return NULL;
}

static struct port *find_port(struct transport *t, uint8_t index, unsigned component)
{
    const struct plan_local *local = &t->plan.locals[index];
    const struct address *bound = component == 0 ? &local->rtp : &local->rtcp;
    if (bound->family == ADDRESS_NONE)
        return NULL;
    if (local->lease == 0)
        return shared_port(t->relay, bound);
    struct lease *lease = call_media_lease(t->call, local->lease);
    return lease == NULL ? NULL : lease_use(lease, component, bound, t, index);
}

static void free_ports(struct transport *t)
{
    if (t->ports != t->first_port)
        free(t->ports);
}

/* Leased ports that another transport has taken over meanwhile are not ours to let go. */
static void let_go_of_ports(struct transport *t)
{
    for (unsigned i = 0; i < t->port_room; i++)
        for (unsigned c = 0; c < COUNT_OF(t->ports[i]); c++) {
            struct port *port = t->ports[i][c];
            if (port != NULL && port->transport == t)
                port->transport = NULL;
            t->ports[i][c] = NULL;
        }
}

/* Without memory for more the transport makes do with the addresses it has room for. */
static void make_room_for_ports(struct transport *t)
{
    if (t->plan.local_count <= t->port_room)
        return;
    struct port *(*ports)[2] = calloc(t->plan.local_count, sizeof(*ports));
    if (ports == NULL) {
        counter_add(&t->relay->counters.errors, 1);
        t->plan.local_count = t->port_room;
        return;
    }
    free_ports(t);
    t->ports = ports;
    t->port_room = t->plan.local_count;
}

static void take_ports(struct transport *t)
{
    let_go_of_ports(t);
    make_room_for_ports(t);
    for (uint8_t i = 0; i < t->plan.local_count; i++) {
        for (unsigned c = 0; c < COUNT_OF(t->ports[i]); c++)
            t->ports[i][c] = find_port(t, i, c);
        struct lease *lease = call_media_lease(t->call, t->plan.locals[i].lease);
        if (lease != NULL)
            lease_set_tos(lease, t->plan.tos);
        if (t->ports[i][0] == NULL)
            log_event(LOG_ERR, call_media_id(t->call), "no-socket",
                "transport=%u local=%u lease=%u", t->plan.id, i, t->plan.locals[i].lease);
    }
}

/* Nobody may take another's 5-tuple by naming its address in SDP: only a free one is bound. */
void transport_bind_signalled(struct transport *t, const struct address *remote, uint8_t index)
{
    struct port *port = t->ports[index][0];
    if (port != NULL && port->channel == PACKET_CHANNEL_SHARED &&
        port_find_tuple(port, remote) == NULL)
        port_bind_tuple(port, remote, t, index);
}

/* A peer that answered without ICE is told apart on a shared port by its signalled address. */
static void bind_without_ice(struct transport *t)
{
    const struct address *remote = &t->components[0].learning.signalled;
    for (uint8_t i = 0; i < t->plan.local_count && t->ice == NULL; i++)
        if (remote->family == t->plan.locals[i].rtp.family)
            transport_bind_signalled(t, remote, i);
}

/* 0.0.0.0, as old phones hold, and port 0 are nowhere to send to. */
static struct address usable(const struct address *a)
{
    if (a->family == ADDRESS_NONE || a->port == 0 || address_is_unspecified(a))
        return (struct address){.family = ADDRESS_NONE};
    return *a;
}

static bool same_rules(const struct learning_rules *a, const struct learning_rules *b)
{
    return a->mode == b->mode && a->asymmetric == b->asymmetric &&
           a->strict_source == b->strict_source && a->media_handover == b->media_handover;
}

static void apply_learning(struct transport *t, const struct plan_transport *old, uint64_t now_ms)
{
    const struct plan_transport *plan = &t->plan;
    struct learning_rules rules = {
        .mode = plan->learning,
        .asymmetric = plan->asymmetric,
        .strict_source = plan->strict_source,
        .media_handover = plan->media_handover,
    };
    struct address signalled[] = {usable(&plan->remote_rtp), usable(&plan->remote_rtcp)};
    bool fresh = plan->signalled != old->signalled || old->local_count == 0;

    for (unsigned i = 0; i < COUNT_OF(t->components); i++) {
        struct component *c = &t->components[i];
        if (fresh || !address_equal(&signalled[i], &c->learning.signalled) ||
            !same_rules(&rules, &c->learning.rules))
            learning_signalled(&c->learning, &rules, &signalled[i], now_ms);
        if (c->local >= plan->local_count)
            c->local = 0;
    }
}

void transport_apply(struct transport *t, const struct plan_transport *plan,
    const struct relay_resume *resume, uint64_t now_ms)
{
    const struct plan_transport old = t->plan;

    t->plan = *plan;
    take_ports(t);
    apply_learning(t, &old, now_ms);
    ice_path_apply(t, &old, now_ms);
    bind_without_ice(t);
    keys_apply(t, &old);
    if (resume != NULL)
        resume_transport(t, resume, now_ms);
    dtls_path_apply(t, now_ms);
}

void transport_free(struct transport *t)
{
    for (unsigned i = 0; i < COUNT_OF(t->components); i++) {
        dtls_path_close(&t->components[i]);
        keys_free(&t->components[i]);
    }
    ice_path_close(t);
    while (!list_is_empty(&t->tuples))
        tuple_free(CONTAINER_OF(list_first(&t->tuples), struct tuple, link));
    let_go_of_ports(t);
    free_ports(t);
    free(t->bundle);
    list_remove(&t->link);
    counter_subtract(&t->relay->counters.transports, 1);
    free(t);
}

enum drop_reason component_route(const struct component *c, struct route *out)
{
    const struct transport *t = c->transport;
    if (t->ice != NULL) {
        if (c->selected.socket == NULL)
            return c->consent_expired ? DROP_NO_CONSENT : DROP_NO_REMOTE;
        *out = c->selected;
        return DROP_NONE;
    }
    const struct port *port = t->ports[c->local][c->index];
    if (c->learning.target.family == ADDRESS_NONE)
        return DROP_NO_REMOTE;
    if (port == NULL || port->socket == NULL)
        return DROP_SOCKET_CLOSED;
    *out = (struct route){.socket = port->socket, .remote = c->learning.target};
    return DROP_NONE;
}

static void tell_moved(const struct component *c, const struct address *was)
{
    char old_text[ADDRESS_TEXT_SIZE], new_text[ADDRESS_TEXT_SIZE];
    unsigned suppressed;
    struct relay *relay = c->transport->relay;
    uint64_t now_ms = worker_now_ms(relay->worker);

    if (!log_limit_passes(&relay->log_limit, RELAY_LOGS_PER_SECOND, now_ms, &suppressed))
        return;
    log_event(LOG_INFO, call_media_id(c->transport->call), "endpoint-learned",
        "transport=%u component=%u remote=%s was=%s suppressed=%u", c->transport->plan.id,
        c->index + 1u, address_text(&c->learning.target, new_text), address_text(was, old_text),
        suppressed);
}

enum drop_reason component_learn(struct component *c, const struct address *source, uint8_t local,
    bool authentic, uint64_t now_ms)
{
    struct address was = c->learning.target;
    bool was_settled = c->learning.settled;
    enum learning_verdict verdict = learning_packet(&c->learning, source, authentic, now_ms);

    if (verdict == LEARNING_REFUSE)
        return DROP_SOURCE_REFUSED;
    /* The local address follows the one that the party uses. */
    bool follows = c->local != local && address_equal(source, &c->learning.target);
    if (follows)
        c->local = local;
    if (verdict == LEARNING_MOVED)
        tell_moved(c, &was);
    if (follows || verdict == LEARNING_MOVED || c->learning.settled != was_settled)
        call_media_changed(c->transport->call);
    return DROP_NONE;
}

struct component *component_keys(struct component *c)
{
    return c->transport->plan.security == PLAN_SDES ? &c->transport->components[0] : c;
}

struct component *transport_rtcp(struct transport *t)
{
    return &t->components[t->plan.rtcp_mux ? 0 : 1];
}

/* What says something about a peer or a network; the rest happens in every call. */
static bool is_worth_a_line(enum drop_reason reason)
{
    static const uint64_t reasons =
        UINT64_C(1) << DROP_NO_KEYS | UINT64_C(1) << DROP_SRTP_AUTH |
        UINT64_C(1) << DROP_SRTP_REPLAY | UINT64_C(1) << DROP_SRTP_FAILED |
        UINT64_C(1) << DROP_ICE_SOURCE | UINT64_C(1) << DROP_DTLS_SOURCE |
        UINT64_C(1) << DROP_DTLS_UNEXPECTED | UINT64_C(1) << DROP_SOURCE_REFUSED |
        UINT64_C(1) << DROP_NO_STREAM | UINT64_C(1) << DROP_WRONG_PORT |
        UINT64_C(1) << DROP_RTP_MALFORMED | UINT64_C(1) << DROP_RTCP_MALFORMED;
    return (reasons >> reason & 1) != 0;
}

static void tell_once(struct transport *t, const struct packet *packet, enum drop_reason reason)
{
    char peer[ADDRESS_TEXT_SIZE];
    unsigned suppressed;
    uint64_t now_ms = worker_now_ms(t->relay->worker);

    if (!log_limit_passes(&t->relay->log_limit, RELAY_LOGS_PER_SECOND, now_ms, &suppressed))
        return;
    t->told |= UINT64_C(1) << reason;
    /* A phone that speaks before the handshake is done is nothing to look at. */
    log_event(reason == DROP_NO_KEYS ? LOG_DEBUG : LOG_NOTICE, call_media_id(t->call),
        "packet-dropped", "transport=%u peer=%s reason=%s text=\"%s\" suppressed=%u", t->plan.id,
        address_text(&packet->peer, peer), drop_name(reason), drop_text(reason), suppressed);
}

_Static_assert(DROP_REASON_COUNT <= 64, "transport.told has a bit for each reason");

void transport_drop(struct transport *t, struct packet *packet, enum drop_reason reason)
{
    packet->drop = reason;
    if (is_worth_a_line(reason) && (t->told >> reason & 1) == 0)
        tell_once(t, packet, reason);
}
