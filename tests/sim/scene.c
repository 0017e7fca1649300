/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "moves.h"
#include "plan/share.h"

static void lease_closed(void *owner, uint32_t lease)
{
    struct scene *s = owner;
    assert(lease < SCENE_MAX);
    s->closed[lease]++;
}

static void timed_out(void *owner, uint64_t call, enum plan_timeout why)
{
    struct scene *s = owner;
    assert(call == SCENE_CALL);
    s->timeouts++;
    s->why = why;
}

static void snapshot(void *owner, uint64_t token, const struct relay_snapshot *snapshot)
{
    struct scene *s = owner;
    s->snapshots++;
    s->token = token;
    s->found = snapshot->found;
    memset(s->transport_states, 0, sizeof(s->transport_states));
    memset(s->stream_states, 0, sizeof(s->stream_states));
    for (uint32_t i = 0; i < snapshot->transport_count; i++)
        s->transport_states[i] = snapshot->transports[i];
    for (uint32_t i = 0; i < snapshot->stream_count; i++)
        s->stream_states[i] = snapshot->streams[i];
}

static void changed(void *owner, uint64_t call)
{
    struct scene *s = owner;
    assert(call == SCENE_CALL);
    s->changes++;
}

/* One for all scenes. */
static struct dtls_certificate *certificate(void)
{
    static struct dtls_certificate *own;
    if (own == NULL)
        own = dtls_certificate_new(1700000000);
    assert(own != NULL);
    return own;
}

void scene_open_relay(struct scene *s)
{
    const struct relay_shared_socket shared[] = {
        {.fd = sim_fd(), .local = addr(SHARED), .advertised = addr(ADVERTISED)},
        {.fd = sim_fd(), .local = addr(SHARED_6)},
    };
    struct worker_config worker = {.index = 0};
    struct relay_config config = {
        .software_id = "sim",
        .timeout_s = 60,
        .silent_timeout_s = 3600,
        .offer_timeout_s = 300,
        .control = &s->control,
        .listener = {.owner = s,
            .lease_closed = lease_closed,
            .timed_out = timed_out,
            .snapshot = snapshot,
            .saved = scene_saved,
            .changed = changed},
    };
    if (worker_new(&worker, &s->worker) != 0 ||
        relay_open(&s->relay, s->worker, &config, shared, COUNT_OF(shared)) != 0)
        abort();
    *(struct relay_counters *)relay_counters(s->relay) = s->counters;
}

static void keep_moving(void *owner)
{
    scene_move(owner);
}

void scene_stays(void)
{
    sim_when_settled(NULL, NULL);
}

void scene_open(struct scene *s)
{
    sim_begin();
    *s = (struct scene){0};
    s->control.owner = s;
    s->plan = (struct plan){.transports = s->transports, .streams = s->streams};
    s->certificate = certificate();
    browsers_expect(scene_fingerprint(s));
    scene_open_relay(s);
    if (getenv("SIM_MOVES") != NULL)
        sim_when_settled(keep_moving, s);
}

void scene_close_relay(struct scene *s)
{
    worker_stop(s->worker);
    if (s->relay != NULL)
        s->counters = *relay_counters(s->relay);
    relay_close(s->relay);
}

void scene_close(struct scene *s)
{
    scene_close_relay(s);
    sim_end();
    relay_resume_free(s->saved);
    plan_unref(s->applied);
}

const struct dtls_fingerprint *scene_fingerprint(const struct scene *s)
{
    return dtls_certificate_fingerprint(s->certificate, DTLS_SHA256);
}

static struct plan_transport *new_transport(struct scene *s, uint32_t id)
{
    assert(s->plan.transport_count < SCENE_MAX);
    struct plan_transport *t = &s->transports[s->plan.transport_count];
    struct scene_transport_parts *parts = &s->transport_parts[s->plan.transport_count++];
    *parts = (struct scene_transport_parts){0};
    *t = (struct plan_transport){
        .id = id,
        .learning = PLAN_LEARN_HEURISTIC,
        .signalled = 1,
        .locals = parts->locals,
        .srtp_rx = &parts->srtp_rx,
        .srtp_tx = &parts->srtp_tx,
        .dtls = &parts->dtls,
    };
    parts->ice = (struct plan_ice){
        .local_ufrag = parts->local_ufrag,
        .local_pwd = parts->local_pwd,
        .remote_ufrag = parts->remote_ufrag,
        .remote_pwd = parts->remote_pwd,
        .candidates = parts->candidates,
    };
    return t;
}

struct plan_transport *scene_leased(struct scene *s, uint32_t id, const char *remote)
{
    struct plan_transport *t = new_transport(s, id);
    struct plan_local *local = &t->locals[t->local_count++];
    *local = (struct plan_local){.rtp = addr(RELAY_IP), .rtcp = addr(RELAY_IP), .lease = id};
    local->rtp.port = (uint16_t)(30000 + 2 * id);
    local->rtcp.port = (uint16_t)(30001 + 2 * id);
    if (remote != NULL) {
        t->remote_rtp = t->remote_rtcp = addr(remote);
        t->remote_rtcp.port++;
    }
    s->sockets[s->socket_count++] = (struct relay_sockets){
        .lease = id, .rtp_fd = sim_fd(), .rtcp_fd = sim_fd(), .advertised = addr(ADVERTISED)};
    return t;
}

struct plan_transport *scene_webrtc(struct scene *s, uint32_t id)
{
    struct plan_transport *t = new_transport(s, id);
    t->local_count = 2;
    t->locals[0].rtp = addr(SHARED);
    t->locals[1].rtp = addr(SHARED_6);
    t->rtcp_mux = true;
    t->security = PLAN_DTLS;
    t->dtls->role = PLAN_DTLS_PASSIVE;
    t->ice = &s->transport_parts[t - s->transports].ice;
    snprintf(t->ice->local_ufrag, PLAN_UFRAG_SIZE, "relay%u", id);
    snprintf(t->ice->local_pwd, PLAN_PWD_SIZE, "relaypasswordrelaypassword%u", id);
    return t;
}

void scene_know_browser(struct plan_transport *t, const struct browser *b)
{
    const struct dtls_fingerprint *f = browser_fingerprint();
    snprintf(t->ice->remote_ufrag, PLAN_UFRAG_SIZE, "%s", b->ufrag);
    snprintf(t->ice->remote_pwd, PLAN_PWD_SIZE, "%s", b->pwd);
    snprintf(t->dtls->hash, sizeof(t->dtls->hash), "sha-256");
    t->dtls->digest_len = (uint8_t)dtls_hash_len(f->hash);
    memcpy(t->dtls->digest, f->digest, t->dtls->digest_len);
}

void scene_point_browser(struct browser *b, const struct plan_transport *t)
{
    b->relay_ufrag = t->ice->local_ufrag;
    b->relay_pwd = t->ice->local_pwd;
}

struct plan_stream *scene_stream(struct scene *s, uint32_t id, uint32_t transport)
{
    assert(s->plan.stream_count < SCENE_MAX);
    struct plan_stream *stream = &s->streams[s->plan.stream_count];
    struct scene_stream_parts *parts = &s->stream_parts[s->plan.stream_count++];
    *parts =
        (struct scene_stream_parts){.payloads = {{.type = 0, .clock_rate = 8000, .codec = "PCMU"}}};
    *stream = (struct plan_stream){
        .id = id,
        .transport = transport,
        .party_sends = true,
        .party_receives = true,
        .payload_count = 1,
        .sinks = parts->sinks,
        .payloads = parts->payloads,
        .ssrcs = parts->ssrcs,
    };
    return stream;
}

void scene_sink(struct plan_stream *from, const struct plan_stream *to)
{
    assert(from->sink_count < PLAN_MAX_SINKS);
    from->sinks[from->sink_count++] = to->id;
}

void scene_connect(struct plan_stream *a, struct plan_stream *b)
{
    scene_sink(a, b);
    scene_sink(b, a);
}

static struct relay_update *next_update(struct scene *s, const struct plan *plan)
{
    assert(plan != NULL);
    struct relay_update *update = relay_update_new(
        SCENE_CALL, TEXT("sim-call"), plan, s->certificate, s->sockets, s->socket_count);
    assert(update != NULL);
    plan_unref(s->applied);
    s->applied = plan;
    s->socket_count = 0;
    return update;
}

static void post(struct scene *s, struct relay_update *update)
{
    relay_post_update(s->relay, update);
    sim_settle();
}

void scene_apply(struct scene *s)
{
    post(s, next_update(s, plan_share(&s->plan)));
}

void scene_apply_resume(struct scene *s, struct relay_resume *resume)
{
    struct relay_update *update = next_update(s, plan_ref(s->applied));
    update->resume = resume;
    post(s, update);
}

void scene_end_call(struct scene *s)
{
    s->plan.transport_count = s->plan.stream_count = 0;
    scene_apply(s);
}

void scene_leave(struct scene *s)
{
    s->plan.transport_count = s->plan.stream_count = 0;
    struct relay_update *update = next_update(s, plan_share(&s->plan));
    update->ends_silently = true;
    post(s, update);
}

void scene_query(struct scene *s)
{
    if (relay_post_query(s->relay, SCENE_CALL, 99) != 0)
        abort();
    sim_settle();
}

const struct relay_stream_state *scene_stream_state(const struct scene *s, uint32_t id)
{
    for (size_t i = 0; i < SCENE_MAX; i++)
        if (s->stream_states[i].stream == id)
            return &s->stream_states[i];
    abort();
}

const struct relay_transport_state *scene_transport_state(const struct scene *s, uint32_t id)
{
    for (size_t i = 0; i < SCENE_MAX; i++)
        if (s->transport_states[i].transport == id)
            return &s->transport_states[i];
    abort();
}

void scene_check_sums(const struct scene *s)
{
    const struct relay_counters *c = relay_counters(s->relay);
    uint64_t in = sim_received() + counter_get(&c->copies);
    uint64_t gone = counter_get(&c->relayed_packets) + counter_get(&c->consumed) +
                    sim_drops_in_all() - sim_drops(DROP_NO_MEMORY) - sim_drops(DROP_SOCKET_CLOSED);
    uint64_t out = counter_get(&c->relayed_packets) + counter_get(&c->originated);
    if (in != gone || out != sim_sent() + sim_drops(DROP_SOCKET_CLOSED)) {
        fprintf(stderr, "in %llu, gone %llu; out %llu, sent %llu\n", (unsigned long long)in,
            (unsigned long long)gone, (unsigned long long)out, (unsigned long long)sim_sent());
        abort();
    }
}
