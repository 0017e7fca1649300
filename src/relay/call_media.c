/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/call_media.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "dtls/certificate.h"
#include "plan/share.h"
#include "relay/dtls_path.h"
#include "relay/events.h"
#include "relay/resume_media.h"
#include "relay/timeouts.h"

/* What a party sends or gets between two saves, at most. */
enum { SAVED_PACKETS = 1 << 12 };

struct text call_media_id(const struct call_media *call)
{
    return text_from(call->id);
}

struct call_media *call_media_find(const struct relay *relay, uint64_t handle)
{
    struct u64_node *node = u64_map_find(&relay->calls, handle);
    return node == NULL ? NULL : CONTAINER_OF(node, struct call_media, node);
}

struct lease *call_media_lease(const struct call_media *call, uint32_t id)
{
    list_for_each (at, &call->leases)
        if (CONTAINER_OF(at, struct lease, link)->id == id)
            return CONTAINER_OF(at, struct lease, link);
    return NULL;
}

struct transport *call_media_transport(const struct call_media *call, uint32_t id)
{
    list_for_each (at, &call->transports)
        if (CONTAINER_OF(at, struct transport, link)->plan.id == id)
            return CONTAINER_OF(at, struct transport, link);
    return NULL;
}

struct stream *call_media_stream(const struct call_media *call, uint32_t id)
{
    list_for_each (at, &call->streams)
        if (CONTAINER_OF(at, struct stream, link)->plan.id == id)
            return CONTAINER_OF(at, struct stream, link);
    return NULL;
}

static struct call_media *call_media_new(struct relay *relay, const struct relay_update *update)
{
    struct call_media *call = calloc(1, sizeof(*call));
    char *id = text_dup(text_from(update->call_id));
    if (call == NULL || id == NULL) {
        free(call);
        free(id);
        return NULL;
    }
    call->relay = relay;
    call->id = id;
    list_init(&call->leases);
    list_init(&call->transports);
    list_init(&call->streams);
    u64_map_put(&relay->calls, &call->node, update->call);
    list_push_back(&relay->call_order, &call->order);
    counter_add(&relay->counters.calls, 1);
    return call;
}

static void out_of_memory(struct relay *relay, const struct relay_update *update)
{
    counter_add(&relay->counters.errors, 1);
    log_event(LOG_ERR, text_from(update->call_id), "no-memory", "what=media");
}

/* Without a lease nobody would ever tell that these ports are free. Memory for one is small, and
 * comes back; until then the ports are lost. */
static void add_leases(struct call_media *call, const struct relay_update *update)
{
    for (size_t i = 0; i < update->socket_count; i++) {
        const struct relay_sockets *sockets = &update->sockets[i];
        struct lease *lease = lease_new(call->relay, sockets);
        if (lease == NULL) {
            close(sockets->rtp_fd);
            if (sockets->rtcp_fd >= 0)
                close(sockets->rtcp_fd);
            out_of_memory(call->relay, update);
            continue;
        }
        list_push_back(&call->leases, &lease->link);
    }
}

static bool plan_has_stream(const struct plan *plan, uint32_t id)
{
    for (uint32_t i = 0; i < plan->stream_count; i++)
        if (plan->streams[i].id == id)
            return true;
    return false;
}

static bool plan_has_transport(const struct plan *plan, uint32_t id)
{
    for (uint32_t i = 0; i < plan->transport_count; i++)
        if (plan->transports[i].id == id)
            return true;
    return false;
}

static void close_gone(struct call_media *call, const struct plan *plan)
{
    list_for_each_safe (at, &call->streams) {
        struct stream *s = CONTAINER_OF(at, struct stream, link);
        if (!plan_has_stream(plan, s->plan.id))
            stream_free(s);
    }
    list_for_each_safe (at, &call->transports) {
        struct transport *t = CONTAINER_OF(at, struct transport, link);
        if (!plan_has_transport(plan, t->plan.id))
            transport_free(t);
    }
}

static void apply_transports(struct call_media *call, const struct relay_update *update,
    const struct relay_resume *resume, uint64_t now_ms)
{
    for (uint32_t i = 0; i < update->plan->transport_count; i++) {
        const struct plan_transport *plan = &update->plan->transports[i];
        struct transport *t = call_media_transport(call, plan->id);
        if (t == NULL)
            t = transport_new(call, plan->id);
        if (t != NULL)
            transport_apply(t, plan, resume, now_ms);
        else
            out_of_memory(call->relay, update);
    }
}

static void apply_streams(
    struct call_media *call, const struct relay_update *update, uint64_t now_ms)
{
    for (uint32_t i = 0; i < update->plan->stream_count; i++) {
        const struct plan_stream *plan = &update->plan->streams[i];
        struct stream *s = call_media_stream(call, plan->id);
        if (s == NULL)
            s = stream_new(call, plan->id, now_ms);
        if (s != NULL)
            stream_apply(s, plan, now_ms);
        else
            out_of_memory(call->relay, update);
    }
}

/* Tells several streams of a transport apart; what was learned of their SSRCs stays. */
static void fill_bundle(struct call_media *call, struct transport *t)
{
    struct demux before = t->bundle->demux;
    demux_init(&t->bundle->demux);
    list_for_each (at, &call->streams) {
        struct stream *s = CONTAINER_OF(at, struct stream, link);
        if (s->plan.transport != t->plan.id || t->bundle->demux.member_count == PLAN_MAX_STREAMS)
            continue;
        s->transport = t;
        t->bundle->streams[demux_add(&t->bundle->demux, &s->plan)] = s;
    }
    demux_keep_learned(&t->bundle->demux, &before);
}

/* Which streams ride on a transport. Without memory to tell them apart only the first does. */
static void link_members(struct call_media *call, struct transport *t)
{
    unsigned members = 0;
    t->stream = NULL;
    list_for_each (at, &call->streams) {
        struct stream *s = CONTAINER_OF(at, struct stream, link);
        if (s->plan.transport != t->plan.id)
            continue;
        if (members++ == 0)
            t->stream = s;
    }
    t->is_raw = members == 1 && t->stream->plan.kind == PLAN_STREAM_RAW;
    if (t->stream != NULL)
        t->stream->transport = t;
    if (members < 2) {
        free(t->bundle);
        t->bundle = NULL;
        return;
    }
    if (t->bundle == NULL)
        t->bundle = calloc(1, sizeof(*t->bundle));
    if (t->bundle != NULL)
        fill_bundle(call, t);
    else
        counter_add(&call->relay->counters.errors, 1);
}

static void link_sinks(struct call_media *call, struct stream *s)
{
    s->sink_count = 0;
    for (uint8_t i = 0; i < s->plan.sink_count; i++) {
        struct stream *sink = call_media_stream(call, s->plan.sinks[i]);
        if (sink != NULL && sink->transport != NULL)
            stream_add_sink(s, sink);
    }
}

static void link_all(struct call_media *call)
{
    list_for_each (at, &call->streams)
        CONTAINER_OF(at, struct stream, link)->transport = NULL;
    list_for_each (at, &call->transports)
        link_members(call, CONTAINER_OF(at, struct transport, link));
    list_for_each (at, &call->streams)
        link_sinks(call, CONTAINER_OF(at, struct stream, link));
}

static void close_unused_leases(struct call_media *call)
{
    list_for_each_safe (at, &call->leases) {
        struct lease *lease = CONTAINER_OF(at, struct lease, link);
        if (!lease_is_used(lease))
            lease_close(lease);
    }
}

static void take_certificate(struct call_media *call, struct dtls_certificate *certificate)
{
    if (certificate == NULL || certificate == call->certificate)
        return;
    dtls_certificate_unref(call->certificate);
    call->certificate = dtls_certificate_ref(certificate);
}

/* The sockets of an update that finds no call to make are given back at once. */
static void refuse(struct relay *relay, const struct relay_update *update)
{
    struct call_media nowhere = {.relay = relay};
    list_init(&nowhere.leases);
    add_leases(&nowhere, update);
    close_unused_leases(&nowhere);
}

void call_media_update(struct relay *relay, struct relay_update *update, uint64_t now_ms)
{
    const struct plan *plan = update->plan;
    bool ends = plan->transport_count == 0 && plan->stream_count == 0;
    struct call_media *call = call_media_find(relay, update->call);
    const struct relay_resume *resume = call == NULL ? update->resume : NULL;

    if (call == NULL && !ends) {
        call = call_media_new(relay, update);
        if (call == NULL)
            out_of_memory(relay, update);
    }
    if (call == NULL) {
        refuse(relay, update);
        return;
    }
    if (ends && update->ends_silently) {
        call_media_leave(call);
        return;
    }
    const struct plan *old = call->plan; /* compared with until all is applied */
    call->plan = plan_ref(plan);
    take_certificate(call, update->certificate);
    add_leases(call, update);
    close_gone(call, plan);
    apply_transports(call, update, resume, now_ms);
    apply_streams(call, update, now_ms);
    link_all(call);
    if (resume != NULL) {
        resume_streams(call, resume, now_ms);
        call_media_changed(call); /* nobody else is to go on from that save */
    }
    close_unused_leases(call);
    plan_unref(old);
    if (ends)
        call_media_free(call);
}

void call_media_free(struct call_media *call)
{
    list_for_each_safe (at, &call->streams)
        stream_free(CONTAINER_OF(at, struct stream, link));
    list_for_each_safe (at, &call->transports)
        transport_free(CONTAINER_OF(at, struct transport, link));
    list_for_each_safe (at, &call->leases)
        lease_close(CONTAINER_OF(at, struct lease, link));
    dtls_certificate_unref(call->certificate);
    plan_unref(call->plan);
    u64_map_remove(&call->relay->calls, &call->node);
    list_remove(&call->order);
    counter_subtract(&call->relay->counters.calls, 1);
    free(call->id);
    free(call);
}

void call_media_leave(struct call_media *call)
{
    list_for_each (at, &call->transports) {
        struct transport *t = CONTAINER_OF(at, struct transport, link);
        for (unsigned i = 0; i < COUNT_OF(t->components); i++)
            dtls_path_leave(&t->components[i]);
    }
    call_media_free(call);
}

void call_media_changed(struct call_media *call)
{
    if (call->change == CHANGE_TOLD)
        return;
    bool told = events_changed(call->relay, call->node.key);
    call->change = told ? CHANGE_TOLD : CHANGE_UNTOLD;
}

void call_media_saved(struct call_media *call)
{
    call->change = CHANGE_NONE;
    list_for_each (at, &call->streams) {
        struct stream *s = CONTAINER_OF(at, struct stream, link);
        s->saved_in = s->in[0].packets;
        s->saved_out = s->out[0].packets;
    }
}

/* So far, and no index of SRTP is used twice by who goes on from the last save; with room for the
 * time until the next one (relay/resume.h). */
static bool has_gone_far(const struct stream *s)
{
    return s->transport != NULL && s->transport->plan.security != PLAN_PLAIN &&
           (s->in[0].packets - s->saved_in >= SAVED_PACKETS ||
               s->out[0].packets - s->saved_out >= SAVED_PACKETS);
}

static void check_change(struct call_media *call)
{
    bool is_due = call->change == CHANGE_UNTOLD;
    list_for_each (at, &call->streams)
        is_due |= has_gone_far(CONTAINER_OF(at, struct stream, link));
    if (is_due)
        call_media_changed(call);
}

/* While ICE or DTLS are still at work, checks count as activity; later only media does. */
static uint64_t active_ms(const struct stream *s)
{
    const struct transport *t = s->transport;
    bool at_work = t != NULL && t->ice != NULL &&
                   (t->components[0].selected.socket == NULL ||
                       (t->plan.security == PLAN_DTLS && t->components[0].rx == NULL));
    return at_work && t->ice_active_ms > s->active_ms ? t->ice_active_ms : s->active_ms;
}

static void check_timeouts(struct call_media *call, uint64_t now_ms)
{
    static const char *const names[] = {"media", "silent", "offer"};
    const struct relay_config *config = &call->relay->config;
    struct timeout_rules rules = {.media_s = config->timeout_s,
        .silent_s = config->silent_timeout_s,
        .offer_s = config->offer_timeout_s};
    struct timeout_stream streams[PLAN_MAX_STREAMS];
    enum plan_timeout why;
    size_t count = 0;

    list_for_each (at, &call->streams) {
        const struct stream *s = CONTAINER_OF(at, struct stream, link);
        if (count < PLAN_MAX_STREAMS)
            streams[count++] = (struct timeout_stream){s->plan.timeout, active_ms(s)};
    }
    if (!timeouts_ended(&rules, streams, count, now_ms, &why) ||
        !events_timed_out(call->relay, call->node.key, why))
        return;
    call->timed_out = true;
    counter_add(&call->relay->counters.timeouts, 1);
    log_event(LOG_NOTICE, call_media_id(call), "timeout", "reason=%s", names[why]);
}

void call_media_tick(struct call_media *call, uint64_t now_ms)
{
    list_for_each (at, &call->transports) {
        struct transport *t = CONTAINER_OF(at, struct transport, link);
        for (unsigned i = 0; i < COUNT_OF(t->components); i++)
            dtls_path_tick(&t->components[i], now_ms);
    }
    if (call->change != CHANGE_TOLD)
        check_change(call);
    if (!call->timed_out)
        check_timeouts(call, now_ms);
}
