/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/dtls_path.h"

#include <stdlib.h>

#include "dtls/record.h"
#include "ice/agent.h"
#include "relay/call_media.h"
#include "relay/keys.h"
#include "rtpsec/suite.h"

enum {
    KEEP_STATE_MS = 5000, /* after the handshake, before OpenSSL's state is given back */
    RETRY_MS = 2000,      /* after a handshake that was cut off */
};

/* What an association needs beside itself, and lives as long as it. */
struct dtls_leg {
    struct component *component;
    struct timer timer;
    struct address peer; /* where its handshake came from; family NONE: none yet */
    uint8_t local;       /* and to which local address */
    uint32_t generation; /* of the plan it was begun for */
    uint64_t begun_ms;
    uint64_t verified_ms; /* 0: not, or OpenSSL's state has been given back */
};

/* Where ICE has proven the peer to be, or without ICE where SDP or authentic media says it is. */
static bool may_come_from(const struct component *c, const struct address *source, uint8_t local)
{
    if (c->transport->ice != NULL) {
        struct ice_local at = {.component = (uint8_t)(c->index + 1), .index = local};
        return ice_agent_is_valid_source(c->transport->ice, source, at);
    }
    return address_equal(source, &c->learning.target) ||
           address_same_ip(source, &c->learning.signalled);
}

/* The peer is where ICE has it; until there is a pair, or without ICE, where its handshake came
 * from, if it still may. */
static enum drop_reason dtls_route(const struct component *c, struct route *out)
{
    const struct transport *t = c->transport;
    if (t->ice != NULL && c->selected.socket != NULL) {
        *out = c->selected;
        return DROP_NONE;
    }
    if (c->dtls_leg->peer.family == ADDRESS_NONE ||
        !may_come_from(c, &c->dtls_leg->peer, c->dtls_leg->local))
        return component_route(c, out);
    const struct port *port = t->ports[c->dtls_leg->local][c->index];
    if (port == NULL || port->socket == NULL)
        return DROP_SOCKET_CLOSED;
    *out = (struct route){.socket = port->socket, .remote = c->dtls_leg->peer};
    return DROP_NONE;
}

/* What cannot be sent is sent again by the retransmission timer. */
static void send_datagram(void *owner, struct bytes datagram)
{
    struct component *c = owner;
    struct relay *relay = c->transport->relay;
    struct route route;

    if (dtls_route(c, &route) != DROP_NONE)
        return;
    struct packet *packet = worker_packet(relay->worker);
    if (packet == NULL)
        return;
    if (!packet_set(packet, datagram)) {
        worker_discard(relay->worker, packet);
        return;
    }
    packet->socket = route.socket;
    packet->peer = route.remote;
    counter_add(&relay->counters.originated, 1);
    worker_send(relay->worker, packet);
}

/* Until it is done a handshake can be ended by anybody who knows the addresses: an alert is not
 * protected. So a client that was told off asks again. */
static bool was_cut_off(const struct component *c)
{
    enum dtls_failure failure = dtls_association_failure(c->dtls);
    return dtls_association_state(c->dtls) == DTLS_FAILED &&
           dtls_association_role(c->dtls) == DTLS_ROLE_ACTIVE &&
           (failure == DTLS_FAILURE_ALERT || failure == DTLS_FAILURE_PROTOCOL);
}

static void arm(struct component *c, uint64_t now_ms)
{
    struct timers *timers = worker_timers(c->transport->relay->worker);
    uint64_t due_ms = was_cut_off(c) ? now_ms + RETRY_MS : dtls_due_ms(c->dtls);
    if (due_ms == DTLS_NEVER)
        timer_cancel(timers, &c->dtls_leg->timer);
    else
        timer_arm(timers, &c->dtls_leg->timer, due_ms);
}

static struct dtls_context *context_of(struct relay *relay, struct dtls_certificate *certificate)
{
    if (relay->dtls_context != NULL && dtls_context_certificate(relay->dtls_context) == certificate)
        return relay->dtls_context;
    struct dtls_context_config config = {.certificate = certificate, .mtu = relay->config.dtls_mtu};
    struct dtls_context *context = dtls_context_new(&config);
    if (context == NULL)
        return NULL;
    dtls_context_unref(relay->dtls_context);
    relay->dtls_context = context;
    return context;
}

void dtls_path_done(struct relay *relay)
{
    dtls_context_unref(relay->dtls_context);
    relay->dtls_context = NULL;
}

static void on_due(struct timer *timer, uint64_t now_ms);

static struct dtls_association *new_association(struct component *c)
{
    struct relay *relay = c->transport->relay;
    struct dtls_certificate *certificate = c->transport->call->certificate;
    if (certificate == NULL ||
        counter_get(&relay->counters.dtls_associations) >= RELAY_MAX_ASSOCIATIONS)
        return NULL;
    struct dtls_association_config config = {
        .context = context_of(relay, certificate), .send = send_datagram, .owner = c};
    return config.context == NULL ? NULL : dtls_association_new(&config);
}

/* From here until the next one has connected, the sessions of this one stay in use. */
static void end_association(struct component *c)
{
    if (c->dtls == NULL)
        return;
    timer_cancel(worker_timers(c->transport->relay->worker), &c->dtls_leg->timer);
    dtls_association_free(c->dtls);
    free(c->dtls_leg);
    c->dtls = NULL;
    c->dtls_leg = NULL;
    counter_subtract(&c->transport->relay->counters.dtls_associations, 1);
}

/* Takes `association`; NULL: none could be made. */
static void use_association(struct component *c, struct dtls_association *association)
{
    struct transport *t = c->transport;

    c->dtls_leg = association != NULL ? calloc(1, sizeof(*c->dtls_leg)) : NULL;
    if (c->dtls_leg == NULL) {
        dtls_association_free(association);
        counter_add(&t->relay->counters.errors, 1);
        log_event(LOG_ERR, call_media_id(t->call), "dtls-failed",
            "transport=%u reason=\"no association could be made\"", t->plan.id);
        return;
    }
    counter_add(&t->relay->counters.dtls_associations, 1);
    c->dtls = association;
    c->dtls_leg->component = c;
    c->dtls_leg->generation = t->plan.dtls->generation;
    timer_init(&c->dtls_leg->timer, on_due);
}

static void begin_association(struct component *c)
{
    end_association(c);
    use_association(c, new_association(c));
}

void dtls_path_close(struct component *c)
{
    if (c->dtls != NULL)
        dtls_close(c->dtls);
    end_association(c);
}

static bool fingerprint_of(const struct plan_dtls *plan, struct dtls_fingerprint *out)
{
    struct dtls_fingerprint fingerprint = {0};
    if (plan->hash[0] == '\0' || !dtls_hash_from_name(text_from(plan->hash), &fingerprint.hash) ||
        plan->digest_len != dtls_hash_len(fingerprint.hash))
        return false;
    memcpy(fingerprint.digest, plan->digest, plan->digest_len);
    *out = fingerprint;
    return true;
}

static const char *role_name(const struct component *c)
{
    return dtls_association_role(c->dtls) == DTLS_ROLE_ACTIVE ? "active" : "passive";
}

static void tell_connected(struct component *c, const struct rtpsec_suite *suite, uint64_t now_ms)
{
    const struct transport *t = c->transport;
    counter_add(&t->relay->counters.dtls_connected, 1);
    log_event(LOG_INFO, call_media_id(t->call), "dtls-connected",
        "transport=%u component=%u suite=%s role=%s ms=%llu", t->plan.id, c->index + 1u,
        suite->name, role_name(c), (unsigned long long)(now_ms - c->dtls_leg->begun_ms));
}

static void tell_failed(struct component *c)
{
    const struct transport *t = c->transport;
    struct relay *relay = t->relay;
    unsigned suppressed;

    counter_add(&relay->counters.dtls_failed, 1);
    if (!log_limit_passes(
            &relay->log_limit, RELAY_LOGS_PER_SECOND, worker_now_ms(relay->worker), &suppressed))
        return;
    log_event(LOG_WARNING, call_media_id(t->call), "dtls-failed",
        "transport=%u component=%u role=%s reason=%s alert=%u suppressed=%u", t->plan.id,
        c->index + 1u, role_name(c), dtls_failure_name(dtls_association_failure(c->dtls)),
        dtls_peer_alert(c->dtls), suppressed);
}

/* Whoever has completed the handshake with the right certificate is the party: without ICE that
 * proves its address, too (the learning window need not be open). */
static void verified(struct component *c, uint64_t now_ms)
{
    const struct rtpsec_suite *suite = keys_from_dtls(c);
    if (suite == NULL)
        return;
    c->dtls_leg->verified_ms = now_ms > 0 ? now_ms : 1;
    tell_connected(c, suite, now_ms);
    if (c->transport->ice == NULL && c->dtls_leg->peer.family != ADDRESS_NONE)
        component_learn(c, &c->dtls_leg->peer, c->dtls_leg->local, true, now_ms);
}

/* There is something to go on with in another process. */
static bool is_saved(enum dtls_state state)
{
    return state == DTLS_VERIFIED || state == DTLS_CONNECTED_UNVERIFIED || state == DTLS_CLOSED;
}

/* What follows from a change of state. */
static void settle(
    struct component *c, enum dtls_state before, enum dtls_state now, uint64_t now_ms)
{
    struct transport *t = c->transport;

    if (before == DTLS_IDLE && now != DTLS_IDLE)
        c->dtls_leg->begun_ms = now_ms;
    if (before != now && now == DTLS_VERIFIED)
        verified(c, now_ms);
    if (before != now && now == DTLS_CONNECTED_UNVERIFIED)
        log_event(LOG_INFO, call_media_id(t->call), "dtls-held",
            "transport=%u component=%u role=%s reason=\"no fingerprint signalled yet\"", t->plan.id,
            c->index + 1u, role_name(c));
    if (before != now && now == DTLS_CLOSED)
        log_event(LOG_INFO, call_media_id(t->call), "dtls-closed",
            "transport=%u component=%u by=peer", t->plan.id, c->index + 1u);
    if (before != now && now == DTLS_FAILED)
        tell_failed(c);
    if (before != now && is_saved(now))
        call_media_changed(t->call);
    arm(c, now_ms);
}

static void set_fingerprint(struct component *c, uint64_t now_ms)
{
    struct dtls_fingerprint fingerprint;
    if (!fingerprint_of(c->transport->plan.dtls, &fingerprint))
        return;
    enum dtls_state before = dtls_association_state(c->dtls);
    settle(c, before, dtls_set_fingerprint(c->dtls, &fingerprint), now_ms);
}

/* A handshake that came to nothing may be tried again: its 30 s, or RETRY_MS, pace it. */
static void try_again(struct component *c, uint64_t now_ms)
{
    begin_association(c);
    if (c->dtls == NULL)
        return;
    set_fingerprint(c, now_ms);
    dtls_path_begin(c, now_ms);
}

static void on_due(struct timer *timer, uint64_t now_ms)
{
    struct component *c = CONTAINER_OF(timer, struct dtls_leg, timer)->component;
    enum dtls_state before = dtls_association_state(c->dtls);
    if (before == DTLS_FAILED) {
        try_again(c, now_ms);
        return;
    }
    enum dtls_state now = dtls_tick(c->dtls, now_ms);

    settle(c, before, now, now_ms);
    if (now == DTLS_FAILED && dtls_association_failure(c->dtls) == DTLS_FAILURE_TIMEOUT)
        try_again(c, now_ms);
}

void dtls_path_begin(struct component *c, uint64_t now_ms)
{
    struct route route;
    if (c->dtls == NULL || c->transport->plan.dtls->role != PLAN_DTLS_ACTIVE ||
        dtls_association_state(c->dtls) != DTLS_IDLE || dtls_route(c, &route) != DROP_NONE)
        return;
    settle(c, DTLS_IDLE, dtls_start(c->dtls, DTLS_ROLE_ACTIVE, now_ms), now_ms);
}

static void apply_component(struct component *c, bool wanted, uint64_t now_ms)
{
    const struct plan_transport *plan = &c->transport->plan;

    if (!wanted) {
        dtls_path_close(c);
        return;
    }
    if (c->dtls == NULL || c->dtls_leg->generation != plan->dtls->generation)
        begin_association(c);
    if (c->dtls == NULL)
        return;
    set_fingerprint(c, now_ms);
    if (plan->dtls->role == PLAN_DTLS_PASSIVE && dtls_association_state(c->dtls) == DTLS_IDLE)
        dtls_start(c->dtls, DTLS_ROLE_PASSIVE, now_ms);
    dtls_path_begin(c, now_ms);
}

void dtls_path_apply(struct transport *t, uint64_t now_ms)
{
    bool dtls = t->plan.security == PLAN_DTLS;
    apply_component(&t->components[0], dtls, now_ms);
    apply_component(&t->components[1], dtls && !t->plan.rtcp_mux, now_ms);
}

bool dtls_path_save(
    const struct component *c, struct dtls_saved *out, struct address *peer, uint8_t *local)
{
    if (c->dtls == NULL || !dtls_association_save(c->dtls, out))
        return false;
    *peer = c->dtls_leg->peer;
    *local = c->dtls_leg->local;
    return true;
}

void dtls_path_leave(struct component *c)
{
    end_association(c);
}

/* Who has shown another certificate than the one of this plan is nobody to go on with. */
static bool is_our_peer(const struct component *c, const struct dtls_association *association)
{
    enum dtls_state state = dtls_association_state(association);
    struct dtls_fingerprint fingerprint;
    return fingerprint_of(c->transport->plan.dtls, &fingerprint)
               ? dtls_peer_has_fingerprint(association, &fingerprint)
               : state == DTLS_CONNECTED_UNVERIFIED;
}

bool dtls_path_restore(struct component *c, const struct relay_resume_component *saved)
{
    struct relay *relay = c->transport->relay;
    struct dtls_association_config config = {.send = send_datagram, .owner = c};
    if (counter_get(&relay->counters.dtls_associations) >= RELAY_MAX_ASSOCIATIONS)
        return false;
    struct dtls_association *association = dtls_association_restore(&config, saved->dtls);
    if (association == NULL)
        return false;
    if (!is_our_peer(c, association)) {
        dtls_association_free(association);
        return false;
    }
    end_association(c);
    use_association(c, association);
    if (c->dtls == NULL)
        return false;
    if (saved->dtls_local < c->transport->plan.local_count) {
        c->dtls_leg->peer = saved->dtls_peer;
        c->dtls_leg->local = saved->dtls_local;
    }
    return true;
}

/* A handshake that is complete stays where it came from: what comes later may be anybody's. */
static void follow_peer(struct component *c, const struct packet *packet, uint8_t local)
{
    enum dtls_state state = dtls_association_state(c->dtls);
    if (state != DTLS_IDLE && state != DTLS_HANDSHAKING)
        return;
    c->dtls_leg->peer = packet->peer;
    c->dtls_leg->local = local;
}

enum drop_reason dtls_path_judge(
    const struct component *c, const struct packet *packet, uint8_t local)
{
    if (c->dtls == NULL)
        return DROP_DTLS_UNEXPECTED;
    return may_come_from(c, &packet->peer, local) ? DROP_NONE : DROP_DTLS_SOURCE;
}

void dtls_path_receive(
    struct component *c, const struct packet *packet, uint8_t local, uint64_t now_ms)
{
    counter_add(&c->transport->relay->counters.consumed, 1);
    if (dtls_association_state(c->dtls) == DTLS_FAILED &&
        dtls_has_client_hello(packet_bytes(packet))) {
        try_again(c, now_ms);
        if (c->dtls == NULL)
            return;
    }
    follow_peer(c, packet, local);
    enum dtls_state before = dtls_association_state(c->dtls);
    settle(c, before, dtls_receive(c->dtls, packet_bytes(packet), now_ms), now_ms);
}

/* Some seconds later no flight is lost on its way any more. */
void dtls_path_tick(struct component *c, uint64_t now_ms)
{
    if (c->dtls == NULL || c->dtls_leg->verified_ms == 0 ||
        now_ms - c->dtls_leg->verified_ms < KEEP_STATE_MS)
        return;
    dtls_release(c->dtls);
    counter_add(&c->transport->relay->counters.dtls_released, 1);
    c->dtls_leg->verified_ms = 0;
}
