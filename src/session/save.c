/* SPDX-License-Identifier: Apache-2.0 */
/* All calls as records, one after the other: a few are asked for at a time, one is in memory. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "session/record.h"
#include "session/table.h"

/* So many workers' answers may be on their way. */
enum { WINDOW = 32 };

struct saver {
    struct sessions_sink sink;
    struct sessions_saved counts;
    struct record_buffer buffer;
    struct dtls_certificate *certificate; /* the one that `pem` is of; NULL: none */
    char pem[DTLS_PEM_SIZE];
    size_t waiting; /* answers */
    size_t next, count;
    uint64_t handles[]; /* of the calls, the oldest first */
};

static int by_number(const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

static void saver_free(struct saver *saver)
{
    record_buffer_done(&saver->buffer);
    dtls_certificate_unref(saver->certificate);
    explicit_bzero(saver->pem, sizeof(saver->pem));
    free(saver);
}

static void finish(struct sessions *sessions)
{
    struct saver *saver = sessions->saver;
    const struct sessions_sink sink = saver->sink;
    const struct sessions_saved counts = saver->counts;
    sessions->saver = NULL;
    saver_free(saver);
    sessions->records.saved += counts.saved;
    sessions->records.lost += counts.lost;
    sink.done(sink.owner, &counts);
}

/* Calls have few certificates between them: the one before is most likely it. */
static bool read_pem(struct saver *saver, struct dtls_certificate *certificate)
{
    if (saver->certificate == certificate)
        return true;
    dtls_certificate_unref(saver->certificate);
    saver->certificate = NULL;
    if (!dtls_certificate_export(certificate, saver->pem))
        return false;
    saver->certificate = dtls_certificate_ref(certificate);
    return true;
}

static bool is_empty(const struct plan *plan)
{
    return plan->transport_count == 0 && plan->stream_count == 0;
}

static bool uses_shared_port(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->transport_count; i++)
        for (uint8_t k = 0; k < plan->transports[i].local_count; k++)
            if (plan->transports[i].locals[k].lease == 0)
                return true;
    return false;
}

static int64_t ends_us(
    const struct sessions *sessions, const struct session *session, int64_t now_us)
{
    uint64_t now_ms = uv_now(sessions->loop);
    if (session->end_at_ms == 0)
        return 0;
    uint64_t left_ms = session->end_at_ms > now_ms ? session->end_at_ms - now_ms : 0;
    return now_us + (int64_t)left_ms * 1000;
}

/* Returns NULL, or what was in the way. */
static const char *write_record(
    struct sessions *sessions, struct session *session, const struct relay_resume *media)
{
    struct saver *saver = sessions->saver;
    if (!session_wake(sessions, session) || !read_pem(saver, session->certificate))
        return "out of memory";
    const struct plan *plan = call_plan(session->call);
    if (media == NULL && !is_empty(plan))
        return "the worker has no media of it";
    const int64_t now_us = wall_clock_us();
    const struct record_head head = {
        .saved_us = now_us,
        .ends_us = ends_us(sessions, session, now_us),
        .webrtc_port = uses_shared_port(plan) ? sessions->workers[session->worker].webrtc_port : 0,
        .certificate = text_from(saver->pem),
    };
    struct bytes record = record_write(&saver->buffer, &head, session->call, media);
    if (record.len == 0)
        return "out of memory, or too large";
    return saver->sink.keep(saver->sink.owner, session->id, record) ? NULL : "it could not be kept";
}

/* What is written goes on elsewhere; what is not has lost its media here, too. */
static void save(
    struct sessions *sessions, struct session *session, const struct relay_resume *media)
{
    const char *trouble = write_record(sessions, session, media);
    if (trouble == NULL) {
        sessions->saver->counts.saved++;
        log_event(LOG_INFO, session->id, "call-saved", "worker=%zu calls=%zu", session->worker,
            sessions->by_id.count - 1);
        session_free(sessions, session);
        return;
    }
    sessions->saver->counts.lost++;
    log_event(LOG_ERR, session->id, "call-not-saved", "why=\"%s\"", trouble);
    session_end(sessions, session, SESSION_END_SHUTDOWN);
}

/* Asks the workers for the next ones; false without memory for that. */
static bool ask(struct sessions *sessions, struct saver *saver, uint64_t handle)
{
    struct session *session = session_find_handle(sessions, handle);
    if (session == NULL) /* it has ended meanwhile */
        return true;
    if (relay_post_save(
            sessions->workers[session->worker].relay, handle, handle, RELAY_SAVE_AND_END) != 0)
        return false;
    saver->waiting++;
    return true;
}

static void go_on(struct sessions *sessions)
{
    struct saver *saver = sessions->saver;
    while (saver->waiting < WINDOW && saver->next < saver->count) {
        uint64_t handle = saver->handles[saver->next++];
        if (!ask(sessions, saver, handle))
            save(sessions, session_find_handle(sessions, handle), NULL);
    }
    if (saver->waiting == 0)
        finish(sessions);
}

void saver_saved(void *owner, uint64_t token, const struct relay_resume *resume)
{
    struct sessions *sessions = owner;
    struct session *session = session_find_handle(sessions, token);
    if (sessions->saver == NULL)
        return;
    sessions->saver->waiting--;
    if (session != NULL)
        save(sessions, session, resume);
    go_on(sessions);
}

void sessions_stop_saving(struct sessions *sessions)
{
    if (sessions->saver != NULL)
        finish(sessions);
}

int sessions_save_all(struct sessions *sessions, const struct sessions_sink *sink)
{
    size_t count = sessions->by_handle.count;
    struct saver *saver = calloc(1, sizeof(*saver) + count * sizeof(saver->handles[0]));
    if (saver == NULL)
        return -ENOMEM;
    saver->sink = *sink;
    map_for_each (at, &sessions->by_handle)
        saver->handles[saver->count++] =
            CONTAINER_OF(at, struct session, by_handle.link)->by_handle.key;
    qsort(saver->handles, saver->count, sizeof(saver->handles[0]), by_number);
    sessions->saver = saver;
    go_on(sessions);
    return 0;
}
