/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ice_path.h"

#include <stdlib.h>

#include "relay/call_media.h"
#include "relay/dtls_path.h"

enum { PAIR_LINES_PER_SECOND = 5 /* of one transport */ };

/* A local ufrag by which checks on a shared port find their transport. */
struct ufrag_entry {
    struct map_node node; /* the text is the agent's */
    struct transport *transport;
};

/* What ICE takes of a transport that has it. */
struct ice_leg {
    struct ice_agent agent; /* transport.ice */
    struct transport *transport;
    struct timer timer;
    struct ufrag_entry ufrags[2]; /* of this generation, and the one to fall back to */
    struct log_limit lines;       /* about selected pairs */
};

static struct ice_leg *leg_of(const struct transport *t)
{
    return CONTAINER_OF(t->ice, struct ice_leg, agent);
}

static void forget_ufrags(struct transport *t)
{
    struct ice_leg *leg = leg_of(t);
    for (unsigned i = 0; i < COUNT_OF(leg->ufrags); i++)
        map_remove(&t->relay->ufrags, &leg->ufrags[i].node);
}

/* An empty one: none. */
static void know_ufrag(struct transport *t, struct ufrag_entry *entry, struct text ufrag)
{
    if (ufrag.len == 0)
        return;
    entry->transport = t;
    map_put(&t->relay->ufrags, &entry->node, text_bytes(ufrag));
}

static void know_ufrags(struct transport *t)
{
    struct ice_leg *leg = leg_of(t);
    know_ufrag(t, &leg->ufrags[1], ice_agent_previous_ufrag(&leg->agent));
    know_ufrag(t, &leg->ufrags[0], ice_agent_ufrag(&leg->agent));
}

struct transport *ice_path_find(const struct relay *relay, struct text ufrag)
{
    struct map_node *node = map_find(&relay->ufrags, text_bytes(ufrag));
    return node == NULL ? NULL : CONTAINER_OF(node, struct ufrag_entry, node)->transport;
}

static void failed(const struct transport *t, const char *why)
{
    counter_add(&t->relay->counters.errors, 1);
    log_event(LOG_ERR, call_media_id(t->call), "ice-failed", "transport=%u reason=\"%s\"",
        t->plan.id, why);
}

static void on_due(struct timer *timer, uint64_t now_ms);

static void begin(struct transport *t)
{
    const struct plan_ice *ice = t->plan.ice;
    struct ice_config config = {
        .local = {.ufrag = text_from(ice->local_ufrag), .pwd = text_from(ice->local_pwd)},
        .remote_ufrag = text_from(ice->remote_ufrag),
        .remote_lite = ice->remote_lite,
        .software = t->relay->software,
    };
    struct ice_leg *leg = calloc(1, sizeof(*leg));
    if (leg == NULL || !ice_agent_init(&leg->agent, &config)) {
        free(leg);
        failed(t, "no agent could be made");
        return;
    }
    leg->transport = t;
    timer_init(&leg->timer, on_due);
    t->ice = &leg->agent;
    know_ufrags(t);
}

static void lose_pair(struct component *c, bool consent_expired)
{
    c->selected = (struct route){0};
    c->consent_expired = consent_expired;
    if (consent_expired)
        counter_add(&c->transport->relay->counters.ice_consent_lost, 1);
}

void ice_path_close(struct transport *t)
{
    if (t->ice == NULL)
        return;
    timer_cancel(worker_timers(t->relay->worker), &leg_of(t)->timer);
    forget_ufrags(t);
    for (unsigned i = 0; i < COUNT_OF(t->components); i++)
        lose_pair(&t->components[i], false);
    free(leg_of(t));
    t->ice = NULL;
}

/* Checks with the old credentials still find their way: media goes on meanwhile (RFC 8445, section
 * 9). */
static void restart(struct transport *t)
{
    const struct plan_ice *ice = t->plan.ice;
    struct ice_credentials local = {
        .ufrag = text_from(ice->local_ufrag), .pwd = text_from(ice->local_pwd)};

    forget_ufrags(t);
    bool restarted =
        ice_agent_restart(t->ice, &local, text_from(ice->remote_ufrag), ice->remote_lite);
    know_ufrags(t);
    if (!restarted) {
        failed(t, "the new credentials cannot be used");
        return;
    }
    log_event(LOG_INFO, call_media_id(t->call), "ice-restart", "transport=%u generation=%u",
        t->plan.id, ice->generation);
}

static bool remote_differs(const struct plan_ice *a, const struct plan_ice *b)
{
    return strcmp(a->remote_ufrag, b->remote_ufrag) != 0 || a->remote_lite != b->remote_lite;
}

static bool is_restart(const struct plan_ice *a, const struct plan_ice *b)
{
    return a->generation != b->generation || strcmp(a->local_ufrag, b->local_ufrag) != 0;
}

/* A lite peer sends no checks: its candidates are taken as signalled. */
static void add_candidates(struct transport *t, uint64_t now_ms)
{
    const struct plan_ice *ice = t->plan.ice;
    for (uint8_t i = 0; i < ice->candidate_count; i++) {
        const struct plan_candidate *remote = &ice->candidates[i];
        if (remote->component < 1 || remote->component > ICE_COMPONENTS)
            continue;
        for (uint8_t index = 0; index < t->plan.local_count; index++) {
            if (t->plan.locals[index].rtp.family != remote->address.family)
                continue;
            struct ice_local local = {.component = remote->component, .index = index};
            ice_agent_add_candidate(t->ice, local, &remote->address, remote->priority, now_ms);
            transport_bind_signalled(t, &remote->address, index);
            break;
        }
    }
}

void ice_path_apply(struct transport *t, const struct plan_transport *old, uint64_t now_ms)
{
    const struct plan_ice *ice = t->plan.ice;

    if (ice == NULL) {
        ice_path_close(t);
        return;
    }
    if (t->ice == NULL)
        begin(t);
    else if (is_restart(ice, old->ice))
        restart(t);
    else if (remote_differs(ice, old->ice) && ice->remote_ufrag[0] != '\0' &&
             !ice_agent_set_remote(t->ice, text_from(ice->remote_ufrag), ice->remote_lite))
        failed(t, "the remote ufrag cannot be used");
    if (t->ice == NULL)
        return;
    if (ice->remote_lite)
        add_candidates(t, now_ms);
    ice_path_follow(t, now_ms);
}

static void tell_lost(const struct component *c, const struct route *was)
{
    const struct transport *t = c->transport;
    char text[ADDRESS_TEXT_SIZE];
    log_event(LOG_INFO, call_media_id(t->call),
        c->consent_expired ? "ice-consent-expired" : "ice-forgotten",
        "transport=%u component=%u remote=%s", t->plan.id, c->index + 1u,
        address_text(&was->remote, text));
}

/* A peer may nominate another pair with each check. */
static void tell_selected(const struct component *c, const struct route *was, uint64_t now_ms)
{
    struct transport *t = c->transport;
    const struct route *now = &c->selected;
    char old_text[ADDRESS_TEXT_SIZE], new_text[ADDRESS_TEXT_SIZE], local_text[ADDRESS_TEXT_SIZE];
    unsigned suppressed;

    if (!log_limit_passes(&leg_of(t)->lines, PAIR_LINES_PER_SECOND, now_ms, &suppressed))
        return;
    log_event(LOG_INFO, call_media_id(t->call), "ice-selected",
        "transport=%u component=%u local=%s remote=%s was=%s suppressed=%u", t->plan.id,
        c->index + 1u, address_text(&now->socket->local, local_text),
        address_text(&now->remote, new_text),
        was->socket == NULL ? "-" : address_text(&was->remote, old_text), suppressed);
}

static struct route selected_route(const struct transport *t, unsigned component)
{
    const struct ice_pair *pair = ice_agent_selected(t->ice, component + 1);
    struct route route = {0};
    if (pair == NULL || pair->local.index >= t->port_room)
        return route;
    const struct port *port = t->ports[pair->local.index][component];
    if (port != NULL)
        route = (struct route){.socket = port->socket, .remote = pair->remote};
    return route;
}

static void follow_component(struct component *c, bool by_time, uint64_t now_ms)
{
    struct route was = c->selected;
    struct route now = selected_route(c->transport, c->index);

    if (was.socket == now.socket && address_equal(&was.remote, &now.remote))
        return;
    call_media_changed(c->transport->call);
    if (now.socket == NULL) {
        lose_pair(c, by_time);
        tell_lost(c, &was);
        return;
    }
    c->selected = now;
    c->consent_expired = false;
    tell_selected(c, &was, now_ms);
    dtls_path_begin(c, now_ms);
}

/* `by_time`: what is lost now is lost because no check has come for too long. */
static void follow(struct transport *t, bool by_time, uint64_t now_ms)
{
    for (unsigned i = 0; i < COUNT_OF(t->components); i++)
        follow_component(&t->components[i], by_time, now_ms);

    uint64_t due_ms = ice_agent_due_ms(t->ice);
    struct timers *timers = worker_timers(t->relay->worker);
    struct timer *timer = &leg_of(t)->timer;
    if (due_ms == UINT64_MAX)
        timer_cancel(timers, timer);
    else if (!timer_is_armed(timer) || timer->due_ms != due_ms)
        timer_arm(timers, timer, due_ms);
}

void ice_path_follow(struct transport *t, uint64_t now_ms)
{
    follow(t, false, now_ms);
}

static void on_due(struct timer *timer, uint64_t now_ms)
{
    struct transport *t = CONTAINER_OF(timer, struct ice_leg, timer)->transport;
    ice_agent_tick(t->ice, now_ms);
    follow(t, true, now_ms);
}

void ice_path_restore(struct transport *t, const struct ice_saved *saved, uint64_t age_ms,
    uint64_t grace_ms, uint64_t now_ms)
{
    forget_ufrags(t);
    bool restored = ice_agent_restore(t->ice, saved, age_ms, grace_ms, now_ms);
    know_ufrags(t);
    if (!restored) {
        failed(t, "what was saved of it makes no sense");
        return;
    }
    if (t->plan.ice->remote_lite)
        add_candidates(t, now_ms); /* some may have come since */
    ice_path_follow(t, now_ms);
}

static void send_reply(
    struct relay *relay, const struct packet *request, struct packet *reply, size_t len)
{
    reply->len = len;
    reply->socket = request->socket;
    reply->peer = request->peer;
    counter_add(&relay->counters.originated, 1);
    worker_send(relay->worker, reply);
}

void ice_path_check(
    struct transport *t, struct packet *packet, struct ice_local local, uint64_t now_ms)
{
    struct relay *relay = t->relay;
    struct port *port = t->ports[local.index][local.component - 1];
    struct packet *reply = worker_packet(relay->worker);
    if (reply == NULL) {
        counter_add(&relay->counters.consumed, 1);
        return;
    }
    struct writer w = writer_over(reply->data, ICE_REPLY_MAX);
    enum ice_verdict verdict =
        ice_agent_receive(t->ice, packet_bytes(packet), &packet->peer, local, now_ms, &w);

    if (verdict > ICE_REFUSED_ROLE_CONFLICT) {
        worker_discard(relay->worker, reply);
        packet->drop = DROP_STUN_IGNORED;
        return;
    }
    send_reply(relay, packet, reply, writer_bytes(&w).len);
    counter_add(&relay->counters.consumed, 1);
    if (verdict != ICE_ANSWERED) {
        counter_add(&relay->counters.ice_refused, 1);
        return;
    }
    counter_add(&relay->counters.ice_answered, 1);
    t->ice_active_ms = now_ms;
    if (port->channel == PACKET_CHANNEL_SHARED)
        port_bind_tuple(port, &packet->peer, t, local.index);
    ice_path_follow(t, now_ms);
}
