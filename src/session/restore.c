/* SPDX-License-Identifier: Apache-2.0 */
/* A call from a record: checked, given its ports and its worker, and handed to it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "session/record.h"
#include "session/table.h"

/* On the way from bytes to a session. */
struct restoring {
    struct sessions *sessions;
    struct record record;
    size_t worker;
    struct dtls_certificate *certificate; /* borrowed from the table */
    struct call *call;
    struct relay_resume *media;
    const struct session_restoring *how;
    int64_t now_us; /* unix */
    struct session_restored out;
};

const char *session_refusal_word(enum session_refusal refusal)
{
#define WORD(constant, word) [constant] = (word),
    static const char *const words[] = {SESSION_REFUSALS(WORD)};
#undef WORD
    return words[refusal];
}

__attribute__((format(printf, 3, 4))) static bool refuse(
    struct restoring *r, enum session_refusal refusal, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->out.why, sizeof(r->out.why), format, arguments);
    va_end(arguments);
    r->out.refusal = refusal;
    return false;
}

static uint64_t age_ms(const struct restoring *r, int64_t then_us)
{
    return r->now_us > then_us ? (uint64_t)(r->now_us - then_us) / 1000 : 0;
}

static bool open_record(struct restoring *r, struct bytes bytes)
{
    struct call_record_why why = {""};
    enum record_status status = record_open(&r->record, bytes, &why);
    r->out.call_id = r->record.id;
    if (status == RECORD_OK)
        return true;
    return refuse(r,
        status == RECORD_OTHER_VERSION ? SESSION_REFUSED_VERSION : SESSION_REFUSED_MALFORMED, "%s",
        why.text);
}

/* A clock that was set back makes nothing younger than it is: such a record is from nowhere. */
static bool is_young(struct restoring *r)
{
    uint64_t limit_ms = r->how->age_limit_ms;
    int64_t saved_us = r->record.head.saved_us;
    if (limit_ms == 0)
        return true;
    if (age_ms(r, saved_us) > limit_ms)
        return refuse(r, SESSION_REFUSED_OLD, "saved %llu s ago",
            (unsigned long long)age_ms(r, saved_us) / 1000);
    if (saved_us > r->now_us && (uint64_t)(saved_us - r->now_us) / 1000 > limit_ms)
        return refuse(r, SESSION_REFUSED_OLD,
            "saved %lld s from now, by a clock that does not agree with ours",
            (long long)(saved_us - r->now_us) / 1000000);
    return true;
}

static bool is_new(struct restoring *r)
{
    const struct session *known = session_find(r->sessions, r->record.id);
    if (known == NULL)
        return true;
    r->out.handle = known->by_handle.key;
    return refuse(r, SESSION_REFUSED_KNOWN, "there is a call of that call-id");
}

/* Who has told his shared port to a browser must be its worker; for others any will do. */
static bool choose_worker(struct restoring *r)
{
    const struct sessions *sessions = r->sessions;
    uint16_t port = r->record.head.webrtc_port;
    if (sessions->worker_count == 0)
        return refuse(r, SESSION_REFUSED_WORKER, "there is no worker");
    if (port == 0) {
        r->worker = placement_best(&sessions->placement);
        return true;
    }
    for (size_t i = 0; i < sessions->worker_count; i++)
        if (sessions->workers[i].webrtc_port == port) {
            r->worker = i;
            return true;
        }
    return refuse(r, SESSION_REFUSED_WORKER, "no worker has the shared port %u", port);
}

/* Calls have few certificates between them, and reading one takes longer than all the rest. */
static bool read_certificate(struct restoring *r)
{
    struct sessions *sessions = r->sessions;
    struct text pem = r->record.head.certificate;
    if (!text_equal(sessions->imported_pem, pem)) {
        session_forget_import(sessions);
        sessions->imported = dtls_certificate_import(pem);
        if (sessions->imported == NULL)
            return refuse(r, SESSION_REFUSED_MALFORMED, "certificate: no key with a certificate");
        sessions->imported_pem = text_of(text_dup(pem), pem.len);
        if (sessions->imported_pem.data == NULL)
            sessions->imported_pem.len = 0;
    }
    r->certificate = sessions->imported;
    return true;
}

static bool read_call(struct restoring *r)
{
    struct call_record_why why = {""};
    r->call = call_record_read(r->record.tree, &why);
    return r->call != NULL || refuse(r, SESSION_REFUSED_MALFORMED, "%s", why.text);
}

static bool refuse_address(struct restoring *r, const struct address *bound)
{
    char text[ADDRESS_TEXT_SIZE];
    return refuse(
        r, SESSION_REFUSED_ADDRESS, "%s is not on this machine now", address_ip_text(bound, text));
}

static bool is_here(struct restoring *r, const struct address *bound)
{
    return r->how->is_here == NULL || address_is_unspecified(bound) ||
           r->how->is_here(r->how->owner, bound) || refuse_address(r, bound);
}

static bool use_shared_port(struct restoring *r, const struct address *bound)
{
    uint16_t port = r->sessions->workers[r->worker].webrtc_port;
    char text[ADDRESS_TEXT_SIZE];
    if (r->record.head.webrtc_port == 0 || bound->port != port)
        return refuse(r, SESSION_REFUSED_WORKER, "%s is not the shared port of its worker",
            address_text(bound, text));
    if (!leases_have_address(r->sessions->leases, bound))
        return refuse(r, SESSION_REFUSED_INTERFACE, "%s is no address of an interface",
            address_text(bound, text));
    return true;
}

static bool refuse_port(struct restoring *r, const struct address *bound, int error)
{
    char text[ADDRESS_TEXT_SIZE];
    address_text(bound, text);
    switch (error) {
    case -EADDRNOTAVAIL:
        if (leases_have_address(r->sessions->leases, bound))
            return refuse_address(r, bound);
        return refuse(r, SESSION_REFUSED_INTERFACE, "%s is no address of an interface", text);
    case -ERANGE:
        return refuse(r, SESSION_REFUSED_PORTS, "%s is not within the range of ports", text);
    case -EBUSY:
        return refuse(r, SESSION_REFUSED_PORTS, "%s belongs to another call", text);
    case -ENOMEM:
        return refuse(r, SESSION_REFUSED_MEMORY, "out of memory");
    default:
        return refuse(r, SESSION_REFUSED_PORTS, "%s: %s", text, uv_strerror(error));
    }
}

static bool take_port(void *owner, const struct call_record_port *port, uint32_t *lease)
{
    struct restoring *r = owner;
    if (!is_here(r, &port->rtp))
        return false;
    if (port->shared)
        return use_shared_port(r, &port->rtp);
    int error = leases_take(r->sessions->leases, port, lease);
    return error == 0 || refuse_port(r, &port->rtp, error);
}

static bool lease_ports(struct restoring *r)
{
    refuse(r, SESSION_REFUSED_MEMORY, "out of memory"); /* unless take_port() says otherwise */
    return call_record_lease(r->call, take_port, r);
}

/* Media without its state would use the key stream of SRTP again from the start. */
static bool read_media(struct restoring *r)
{
    const struct plan *plan = call_plan(r->call);
    struct call_record_why why = {""};
    if (plan->transport_count == 0 && plan->stream_count == 0)
        return true;
    if (!r->record.has_media)
        return refuse(r, SESSION_REFUSED_MALFORMED, "media: missing");
    r->media = record_media(&r->record, &why);
    if (r->media == NULL)
        return refuse(r, SESSION_REFUSED_MALFORMED, "%s", why.text);
    r->media->age_ms = age_ms(r, r->record.head.saved_us);
    r->media->earlier = r->how->takes > 1 ? r->how->takes - 1 : 0;
    if (relay_resume_jumps(r->media) > RELAY_MAX_JUMPS)
        return refuse(r, SESSION_REFUSED_OLD, "taken %u times since it was saved", r->how->takes);
    return true;
}

/* Its clocks go on as if it had been here all the time. */
static void set_clocks(struct restoring *r, struct session *session)
{
    uint64_t now_ms = uv_now(r->sessions->loop);
    int64_t ends_us = r->record.head.ends_us;
    session->created_ms = now_ms - age_ms(r, r->record.created_us);
    session->signalled_ms = now_ms - age_ms(r, r->record.signalled_us);
    if (ends_us == 0)
        return;
    uint64_t left_ms = ends_us > r->now_us ? (uint64_t)(ends_us - r->now_us) / 1000 : 0;
    session->end_at_ms = now_ms + left_ms;
}

/* Takes the call and its media when it succeeds. */
static bool begin(struct restoring *r)
{
    struct sessions *sessions = r->sessions;
    size_t count;
    const struct relay_sockets *sockets = leases_new_sockets(sessions->leases, &count);
    struct session *session = session_new_on(sessions, r->record.id, r->worker, r->certificate);
    if (session == NULL)
        return refuse(r, SESSION_REFUSED_MEMORY, "out of memory");
    struct relay_update *update = NULL;
    if (session_wake(sessions, session))
        update = relay_update_new(session->by_handle.key, session->id, call_plan(r->call),
            session->certificate, sockets, count);
    if (update == NULL) {
        session_free(sessions, session);
        return refuse(r, SESSION_REFUSED_MEMORY, "out of memory");
    }
    update->resume = r->media;
    r->media = NULL;
    session->call = r->call;
    r->call = NULL;
    leases_commit(sessions->leases);
    relay_post_update(sessions->workers[r->worker].relay, update);
    set_clocks(r, session);
    r->out.handle = session->by_handle.key;
    return true;
}

static bool restore(struct restoring *r, struct bytes bytes)
{
    return open_record(r, bytes) && is_young(r) && is_new(r) && choose_worker(r) &&
           read_certificate(r) && read_call(r) && lease_ports(r) && read_media(r) && begin(r);
}

static void tell(const struct restoring *r)
{
    if (r->out.ok)
        log_event(LOG_INFO, r->out.call_id, "call-restored", "worker=%zu calls=%zu", r->worker,
            r->sessions->by_id.count);
    else
        log_event(LOG_WARNING, r->out.call_id, "record-refused", "reason=%s why=%s",
            session_refusal_word(r->out.refusal), LOG_QUOTED(text_from(r->out.why)));
}

struct session_restored sessions_restore(
    struct sessions *sessions, struct bytes record, const struct session_restoring *how)
{
    struct restoring r = {.sessions = sessions, .how = how, .now_us = wall_clock_us()};
    r.out.ok = restore(&r, record);
    if (r.out.ok)
        sessions->records.restored++;
    else
        sessions_count_refused(sessions, r.out.refusal);
    tell(&r);
    leases_rollback(sessions->leases);
    relay_resume_free(r.media);
    call_free(r.call);
    record_close(&r.record);
    return r.out;
}

void sessions_count_refused(struct sessions *sessions, enum session_refusal refusal)
{
    sessions->records.refused[refusal]++;
}

struct sessions_records sessions_records(const struct sessions *sessions)
{
    return sessions->records;
}

void session_forget_import(struct sessions *sessions)
{
    struct text pem = sessions->imported_pem;
    if (pem.data != NULL)
        explicit_bzero((char *)(uintptr_t)pem.data, pem.len);
    free((char *)(uintptr_t)pem.data);
    dtls_certificate_unref(sessions->imported);
    sessions->imported = NULL;
    sessions->imported_pem = text_of(NULL, 0);
}
