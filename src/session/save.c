/* SPDX-License-Identifier: Apache-2.0 */
/* A call as a record: its worker is asked for the media, and with the answer it is written. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "session/table.h"

/* A question on its way to the worker and back. */
struct save_request {
    struct u64_node node; /* by token */
    uint64_t handle;
    enum relay_save how;
    session_saved_fn *done;
    void *owner;
};

void saves_open(struct sessions *sessions)
{
    map_init(&sessions->saves);
}

/* Who asked is gone as well: nobody is told. */
void saves_close(struct sessions *sessions)
{
    struct session_writer *writer = &sessions->writer;
    map_for_each (at, &sessions->saves) {
        struct save_request *request = CONTAINER_OF(at, struct save_request, node.link);
        u64_map_remove(&sessions->saves, &request->node);
        free(request);
    }
    map_done(&sessions->saves);
    record_buffer_done(&writer->buffer);
    dtls_certificate_unref(writer->certificate);
    explicit_bzero(writer, sizeof(*writer));
}

/* --- the record --- */

/* Calls have few certificates between them: the one before is most likely it. */
static bool read_pem(struct session_writer *writer, struct dtls_certificate *certificate)
{
    if (writer->certificate == certificate)
        return true;
    dtls_certificate_unref(writer->certificate);
    writer->certificate = NULL;
    if (!dtls_certificate_export(certificate, writer->pem))
        return false;
    writer->certificate = dtls_certificate_ref(certificate);
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

static bool has_word(struct text words, struct text word)
{
    while (words.len > 0) {
        struct text head = text_cut(&words, ' ');
        if (text_equal(head, word))
            return true;
    }
    return false;
}

/* One that there is no room for is left out: who goes on with the call asks for each itself. */
static void add_place(struct session_writer *writer, size_t *len, const struct address *bound)
{
    char memory[ADDRESS_TEXT_SIZE];
    struct text ip = text_from(address_ip_text(bound, memory));
    size_t space = *len > 0;
    if (address_is_unspecified(bound) || has_word(text_of(writer->places, *len), ip) ||
        *len + space + ip.len > sizeof(writer->places))
        return;
    if (space > 0)
        writer->places[(*len)++] = ' ';
    memcpy(writer->places + *len, ip.data, ip.len);
    *len += ip.len;
}

static struct text places_of(struct session_writer *writer, const struct plan *plan)
{
    size_t len = 0;
    for (uint32_t i = 0; i < plan->transport_count; i++)
        for (uint8_t k = 0; k < plan->transports[i].local_count; k++)
            add_place(writer, &len, &plan->transports[i].locals[k].rtp);
    return text_of(writer->places, len);
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
static const char *write_record(struct sessions *sessions, struct session *session,
    const struct relay_resume *media, struct session_saved *out)
{
    struct session_writer *writer = &sessions->writer;
    if (!session_wake(sessions, session) || !read_pem(writer, session->certificate))
        return "out of memory";
    const struct plan *plan = call_plan(session->call);
    if (media == NULL && !is_empty(plan))
        return "the worker has no media of it";
    const int64_t now_us = wall_clock_us();
    const struct record_head head = {
        .saved_us = now_us,
        .ends_us = ends_us(sessions, session, now_us),
        .webrtc_port = uses_shared_port(plan) ? sessions->workers[session->worker].webrtc_port : 0,
        .certificate = text_from(writer->pem),
    };
    *out = (struct session_saved){
        .call_id = session->id,
        .places = places_of(writer, plan),
        .record = record_write(&writer->buffer, &head, session->call, media),
    };
    return out->record.len > 0 ? NULL : "out of memory, or too large";
}

/* --- the answer --- */

void session_hide(struct sessions *sessions, struct session *session)
{
    session->is_leaving = true;
    map_remove(&sessions->by_id, &session->by_id);
}

/* Its media is still there; but another call may have got its call-id. What its worker has told
 * meanwhile is told now. */
static void come_back(struct sessions *sessions, struct session *session)
{
    session->is_leaving = false;
    if (session_find(sessions, session->id) != NULL) {
        session_end(sessions, session, SESSION_END_FORCED);
        return;
    }
    map_put(&sessions->by_id, &session->by_id, text_bytes(session->id));
    session_changed(sessions, session);
}

void session_leave(struct sessions *sessions, struct session *session)
{
    sessions->records.saved++;
    log_event(LOG_INFO, session->id, "call-saved", "worker=%zu calls=%zu", session->worker,
        sessions->by_handle.count - 1);
    session_free(sessions, session);
}

/* `had_media`: that has ended with the answer. */
static void failed(struct sessions *sessions, const struct save_request *request,
    struct session *session, bool had_media, const char *trouble)
{
    log_event(LOG_ERR, session->id, "call-not-saved", "why=\"%s\"", trouble);
    bool is_over = request->how == RELAY_SAVE_AND_END && had_media;
    if (!is_over && session->is_leaving)
        come_back(sessions, session);
    request->done(request->owner, request->handle, NULL);
    session = session_find_handle(sessions, request->handle);
    if (is_over && session != NULL)
        session_end(sessions, session, SESSION_END_SHUTDOWN);
}

static void tell(
    struct sessions *sessions, const struct save_request *request, const struct relay_resume *media)
{
    struct session *session = session_find_handle(sessions, request->handle);
    struct session_saved saved;
    if (session == NULL) {
        request->done(request->owner, request->handle, NULL);
        return;
    }
    const char *trouble = write_record(sessions, session, media, &saved);
    if (trouble != NULL) {
        failed(sessions, request, session, media != NULL, trouble);
        return;
    }
    request->done(request->owner, request->handle, &saved);
    session = session_find_handle(sessions, request->handle);
    if (request->how == RELAY_SAVE_COPY)
        sessions->records.copied++;
    else if (session != NULL)
        session_leave(sessions, session);
}

void saves_answered(void *owner, uint64_t token, const struct relay_resume *resume)
{
    struct sessions *sessions = owner;
    struct u64_node *node = u64_map_find(&sessions->saves, token);
    if (node == NULL)
        return;
    struct save_request *request = CONTAINER_OF(node, struct save_request, node);
    u64_map_remove(&sessions->saves, &request->node);
    tell(sessions, request, resume);
    free(request);
}

int sessions_save(struct sessions *sessions, uint64_t handle, enum relay_save how,
    session_saved_fn *done, void *owner)
{
    struct session *session = session_find_handle(sessions, handle);
    if (session == NULL || session->is_leaving)
        return -ENOENT;
    uint64_t token = ++sessions->last_token;
    struct save_request *request = malloc(sizeof(*request));
    if (request == NULL ||
        relay_post_save(sessions->workers[session->worker].relay, handle, token, how) != 0) {
        free(request);
        return -ENOMEM;
    }
    *request = (struct save_request){.handle = handle, .how = how, .done = done, .owner = owner};
    u64_map_put(&sessions->saves, &request->node, token);
    if (how == RELAY_SAVE_AND_END)
        session_hide(sessions, session);
    return 0;
}
