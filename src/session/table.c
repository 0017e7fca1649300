/* SPDX-License-Identifier: Apache-2.0 */
#include "session/table.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/random.h"
#include "base/str.h"
#include "plan/share.h"
#include "relay/counters.h"

enum { TICK_MS = 1000, TRIM_MS = 5000 };

int64_t wall_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct session *session_find(const struct sessions *sessions, struct text id)
{
    struct map_node *node = map_find(&sessions->by_id, text_bytes(id));
    return node != NULL ? CONTAINER_OF(node, struct session, by_id) : NULL;
}

struct session *session_find_handle(const struct sessions *sessions, uint64_t handle)
{
    struct u64_node *node = u64_map_find(&sessions->by_handle, handle);
    return node != NULL ? CONTAINER_OF(node, struct session, by_handle) : NULL;
}

struct session *session_new_on(
    struct sessions *sessions, struct text id, size_t worker, struct dtls_certificate *certificate)
{
    struct session *session = calloc(1, sizeof(*session));
    if (session == NULL)
        return NULL;
    char *copy = text_dup(id);
    if (copy == NULL) {
        free(session);
        return NULL;
    }
    session->id = text_of(copy, id.len);
    session->worker = worker;
    placement_put(&sessions->placement, worker);
    session->certificate = dtls_certificate_ref(certificate);
    session->created_ms = uv_now(sessions->loop);
    map_put(&sessions->by_id, &session->by_id, text_bytes(session->id));
    u64_map_put(&sessions->by_handle, &session->by_handle, ++sessions->last_handle);
    return session;
}

struct session *session_new(struct sessions *sessions, struct text id)
{
    return sessions->worker_count == 0
               ? NULL
               : session_new_on(
                     sessions, id, placement_best(&sessions->placement), sessions->certificate);
}

static const char *end_word(enum session_end why)
{
    static const char *const words[] = {
        [SESSION_END_DELETED] = "deleted",
        [SESSION_END_TIMEOUT] = "timeout",
        [SESSION_END_SILENT_TIMEOUT] = "silent-timeout",
        [SESSION_END_OFFER_TIMEOUT] = "offer-timeout",
        [SESSION_END_FINAL_TIMEOUT] = "final-timeout",
        [SESSION_END_FORCED] = "forced",
        [SESSION_END_LOST] = "lost",
        [SESSION_END_SHUTDOWN] = "shutdown",
    };
    return words[why];
}

static void count_end(struct sessions_totals *totals, enum session_end why)
{
    uint64_t *const counters[] = {
        [SESSION_END_DELETED] = &totals->terminated,
        [SESSION_END_TIMEOUT] = &totals->timed_out,
        [SESSION_END_SILENT_TIMEOUT] = &totals->silent_timed_out,
        [SESSION_END_OFFER_TIMEOUT] = &totals->offer_timed_out,
        [SESSION_END_FINAL_TIMEOUT] = &totals->final_timed_out,
        [SESSION_END_FORCED] = &totals->forced,
        [SESSION_END_LOST] = &totals->dropped,
        [SESSION_END_SHUTDOWN] = &totals->terminated,
    };
    ++*counters[why];
}

/* An empty plan ends the call's media; false without memory for the message. */
static bool post_end(struct sessions *sessions, const struct session *session)
{
    static const struct plan nothing;
    const struct plan *plan = plan_share(&nothing);
    struct relay_update *update =
        plan == NULL ? NULL
                     : relay_update_new(session->by_handle.key, session->id, plan, NULL, NULL, 0);
    plan_unref(plan);
    if (update == NULL)
        return false;
    update->ends_silently = session->is_lost;
    relay_post_update(sessions->workers[session->worker].relay, update);
    return true;
}

void session_free(struct sessions *sessions, struct session *session)
{
    map_remove(&sessions->by_id, &session->by_id);
    u64_map_remove(&sessions->by_handle, &session->by_handle);
    placement_give(&sessions->placement, session->worker);
    if (sessions->awake == session)
        sessions->awake = NULL;
    dtls_certificate_unref(session->certificate);
    call_free(session->call);
    folded_call_free(session->at_rest);
    free((void *)session->id.data);
    free(session);
}

void session_end(struct sessions *sessions, struct session *session, enum session_end why)
{
    uint64_t now_ms = uv_now(sessions->loop);
    if (session->is_lost && why != SESSION_END_SHUTDOWN)
        why = SESSION_END_LOST;
    if (why != SESSION_END_SHUTDOWN && !post_end(sessions, session)) {
        session->end_at_ms = now_ms;
        return;
    }
    log_event(LOG_INFO, session->id, "call-ended", "reason=%s duration=%llu worker=%zu calls=%zu",
        end_word(why), (unsigned long long)(now_ms - session->created_ms) / 1000, session->worker,
        sessions->by_handle.count - 1);
    count_end(&sessions->totals, why);
    u64_map_remove(&sessions->by_handle, &session->by_handle);
    if (!session->is_lost)
        session_is_over(sessions, session);
    session_free(sessions, session);
}

/* Without memory to fold it the call stays as it is. */
static void let_rest(struct session *session)
{
    if (session == NULL || session->call == NULL)
        return;
    session->at_rest = call_fold(session->call);
    if (session->at_rest == NULL)
        return;
    call_free(session->call);
    session->call = NULL;
}

bool session_wake(struct sessions *sessions, struct session *session)
{
    if (sessions->awake != session)
        let_rest(sessions->awake);
    sessions->awake = session;
    if (session->at_rest == NULL)
        return true;
    session->call = call_unfold(session->at_rest);
    if (session->call == NULL)
        return false;
    folded_call_free(session->at_rest);
    session->at_rest = NULL;
    return true;
}

static bool fingerprint_of(void *owner, struct text name, uint8_t digest[64], size_t *digest_len)
{
    enum dtls_hash hash;
    if (!dtls_hash_from_name(name, &hash))
        return false;
    *digest_len = dtls_hash_len(hash);
    memcpy(digest, dtls_certificate_fingerprint(owner, hash)->digest, *digest_len);
    return true;
}

struct call_env session_env(
    struct sessions *sessions, const struct session *session, struct call_ports *ports)
{
    *ports = leases_begin(sessions->leases,
        sessions->config.shared_webrtc_port ? sessions->workers[session->worker].webrtc_port : 0);
    return (struct call_env){
        .config = &sessions->config.call,
        .ports = ports,
        .random = random_bytes,
        .wall_us = wall_clock_us(),
        .fingerprint = fingerprint_of,
        .fingerprint_owner = session->certificate,
    };
}

int session_advance(struct sessions *sessions, struct session *session, struct call *next)
{
    size_t count;
    const struct relay_sockets *sockets = leases_new_sockets(sessions->leases, &count);
    struct relay_update *update = relay_update_new(
        session->by_handle.key, session->id, call_plan(next), session->certificate, sockets, count);
    if (update == NULL) {
        call_free(next);
        return -ENOMEM;
    }
    leases_commit(sessions->leases);
    relay_post_update(sessions->workers[session->worker].relay, update);
    call_free(session->call);
    session->call = next;
    session->signalled_ms = uv_now(sessions->loop);
    return 0;
}

/* New calls get a fresh certificate long before the old one is refused by anyone. */
static void renew_certificate(struct sessions *sessions)
{
    int64_t now_s = wall_clock_us() / 1000000;
    if (!dtls_renewal_is_due(dtls_certificate_not_after_s(sessions->certificate), now_s))
        return;
    struct dtls_certificate *fresh = dtls_certificate_new(now_s);
    if (fresh == NULL) {
        log_event(LOG_ERR, LOG_NO_CALL, "certificate-renewal-failed", "retry=next-second");
        return;
    }
    dtls_certificate_unref(sessions->certificate);
    sessions->certificate = fresh;
    log_event(LOG_NOTICE, LOG_NO_CALL, "certificate-renewed", "not-after=%lld",
        (long long)dtls_certificate_not_after_s(fresh));
}

static const struct plan *plan_of(const struct session *session)
{
    return session->at_rest != NULL ? folded_call_plan(session->at_rest) : call_plan(session->call);
}

/* The worker tells when streams are silent; where there is none, nobody else would end the call. */
static bool is_forgotten(
    const struct sessions *sessions, const struct session *session, uint64_t now_ms)
{
    uint64_t limit_ms = sessions->config.silent_timeout_s * UINT64_C(1000);
    return limit_ms != 0 && now_ms - session->signalled_ms >= limit_ms &&
           plan_of(session)->stream_count == 0;
}

static void end_what_is_due(struct sessions *sessions)
{
    uint64_t now_ms = uv_now(sessions->loop);
    uint64_t final_ms = sessions->config.final_timeout_s * UINT64_C(1000);

    map_for_each (at, &sessions->by_handle) {
        struct session *session = CONTAINER_OF(at, struct session, by_handle.link);
        if (session->end_at_ms != 0 && session->end_at_ms <= now_ms)
            session_end(sessions, session, SESSION_END_DELETED);
        else if (final_ms != 0 && now_ms - session->created_ms >= final_ms)
            session_end(sessions, session, SESSION_END_FINAL_TIMEOUT);
        else if (is_forgotten(sessions, session, now_ms))
            session_end(sessions, session, SESSION_END_SILENT_TIMEOUT);
    }
}

static uint64_t received_by(const struct session_worker *worker)
{
    return worker->counters != NULL ? counter_get(&worker->counters->received_packets) : 0;
}

/* A handshake takes 50 KiB for some seconds, of which 5 stay. The allocator would keep the holes
 * for good, so what lies free is given back to the system now and then. */
static void give_memory_back(struct sessions *sessions)
{
    uint64_t now_ms = uv_now(sessions->loop);
    uint64_t released = 0;
    for (size_t i = 0; i < sessions->worker_count; i++)
        released += counter_get(&relay_counters(sessions->workers[i].relay)->dtls_released);
    if (released == sessions->dtls_released || now_ms - sessions->trimmed_ms < TRIM_MS)
        return;
    sessions->dtls_released = released;
    sessions->trimmed_ms = now_ms;
    malloc_trim(0);
}

static void tick(uv_timer_t *timer)
{
    struct sessions *sessions = timer->data;
    for (size_t i = 0; i < sessions->worker_count; i++)
        placement_look(&sessions->placement, i, received_by(&sessions->workers[i]));
    end_what_is_due(sessions);
    renew_certificate(sessions);
    give_memory_back(sessions);
}

static void lease_closed(void *owner, uint32_t lease)
{
    struct sessions *sessions = owner;
    leases_returned(sessions->leases, lease);
}

static void timed_out(void *owner, uint64_t handle, enum plan_timeout why)
{
    static const enum session_end ends[] = {
        [PLAN_TIMEOUT_MEDIA] = SESSION_END_TIMEOUT,
        [PLAN_TIMEOUT_SILENT] = SESSION_END_SILENT_TIMEOUT,
        [PLAN_TIMEOUT_OFFER] = SESSION_END_OFFER_TIMEOUT,
    };
    struct sessions *sessions = owner;
    struct session *session = session_find_handle(sessions, handle);
    if (session != NULL)
        session_end(sessions, session, ends[why]);
}

struct relay_listener sessions_listener(struct sessions *sessions)
{
    return (struct relay_listener){
        .owner = sessions,
        .lease_closed = lease_closed,
        .timed_out = timed_out,
        .snapshot = reports_snapshot,
        .saved = saves_answered,
        .changed = session_media_changed,
    };
}

int sessions_open(struct sessions **out, uv_loop_t *loop, const struct sessions_config *config,
    const struct interfaces *interfaces)
{
    struct sessions *sessions = calloc(1, sizeof(*sessions));
    if (sessions == NULL)
        return -ENOMEM;
    struct leases_config leases = {
        .port_min = config->port_min, .port_max = config->port_max, .tos = config->call.tos};
    sessions->certificate = dtls_certificate_new(wall_clock_us() / 1000000);
    int error = sessions->certificate == NULL ? -ENOMEM
                                              : leases_open(&sessions->leases, &leases, interfaces);
    if (error != 0) {
        dtls_certificate_unref(sessions->certificate);
        free(sessions);
        return error;
    }
    sessions->config = *config;
    sessions->loop = loop;
    sessions->interfaces = interfaces;
    sessions->totals.started_us = wall_clock_us();
    map_init(&sessions->by_id);
    map_init(&sessions->by_handle);
    saves_open(sessions);
    reports_open(sessions);
    uv_timer_init(loop, &sessions->tick); /* these two cannot fail on a loop that is open */
    sessions->tick.data = sessions;
    uv_timer_start(&sessions->tick, tick, TICK_MS, TICK_MS);
    *out = sessions;
    return 0;
}

int sessions_add_worker(struct sessions *sessions, struct session_worker worker)
{
    size_t count = sessions->worker_count + 1;
    struct session_worker *workers = realloc(sessions->workers, count * sizeof(*workers));
    if (workers == NULL)
        return -ENOMEM;
    sessions->workers = workers;
    if (placement_add(&sessions->placement, received_by(&worker)) != 0)
        return -ENOMEM;
    workers[count - 1] = worker;
    sessions->worker_count = count;
    return 0;
}

/* Both timers lie in `sessions`: the second to close frees it. */
static void timer_closed(uv_handle_t *handle)
{
    struct sessions *sessions = handle->data;
    if (++sessions->closed_timers == 2)
        free(sessions);
}

void sessions_close(struct sessions *sessions)
{
    sessions_watch(sessions, NULL);
    sessions_stop_saving(sessions);
    saves_close(sessions);
    map_for_each (at, &sessions->by_handle)
        session_end(
            sessions, CONTAINER_OF(at, struct session, by_handle.link), SESSION_END_SHUTDOWN);
    map_done(&sessions->by_id);
    map_done(&sessions->by_handle);
    leases_close(sessions->leases);
    dtls_certificate_unref(sessions->certificate);
    session_forget_import(sessions);
    free(sessions->workers);
    placement_done(&sessions->placement);
    reports_close(sessions);
    uv_close((uv_handle_t *)&sessions->tick, timer_closed);
    uv_close((uv_handle_t *)&sessions->tell, timer_closed);
}

void sessions_list(struct sessions *sessions, size_t limit,
    void (*visit)(void *owner, struct text call_id), void *owner)
{
    map_for_each (at, &sessions->by_id) {
        if (limit-- == 0)
            return;
        visit(owner, CONTAINER_OF(at, struct session, by_id.link)->id);
    }
}

struct sessions_totals sessions_totals(const struct sessions *sessions)
{
    struct sessions_totals totals = sessions->totals;
    totals.current = sessions->by_id.count;
    return totals;
}
