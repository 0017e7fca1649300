/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked about calls. The facts are those that the ng commands tell. */
#include <stdlib.h>
#include <time.h>

#include "daemon/operation_state.h"
#include "ng/json.h"
#include "ng/report.h"

/* Calls of a list that workers are asked about at a time: others have their turn meanwhile. */
enum { AT_A_TIME = 32 };

enum {
    FIRST_DOCUMENT = 1 << 16, /* bytes */
    LARGEST_DOCUMENT = 1 << 26,
    DOCUMENT_MEMORY = 1 << 26,
};

struct question;

/* One call of a question. */
struct asked_call {
    struct question *question;
    struct session_row row; /* its call-id is owned */
    json_t *told;           /* NULL: not yet, or it is gone */
};

/* A request that waits for workers: about the calls of a list, or about one. */
struct question {
    struct list link;
    struct operation *operation;
    uint64_t request;
    struct asked_call *calls;
    size_t capacity, count; /* of them */
    size_t total;           /* calls that match */
    size_t asked, answered;
    bool failed;
};

static void question_free(struct question *q)
{
    for (size_t i = 0; i < q->count; i++) {
        free((void *)q->calls[i].row.call_id.data);
        json_decref(q->calls[i].told);
    }
    list_remove(&q->link);
    free(q->calls);
    free(q);
}

static struct question *question_new(struct operation *o, uint64_t request, size_t capacity)
{
    struct question *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return NULL;
    list_push_back(&o->questions, &q->link);
    q->operation = o;
    q->request = request;
    q->capacity = capacity;
    q->calls = calloc(capacity, sizeof(*q->calls));
    if (q->calls != NULL)
        return q;
    question_free(q);
    return NULL;
}

void operation_forget_questions(struct operation *o)
{
    for (struct list *at; (at = list_first(&o->questions)) != NULL;)
        question_free(CONTAINER_OF(at, struct question, link));
}

static void lack_memory(struct operation *o, uint64_t request)
{
    admin_answer_error(o->admin, request, ADMIN_UNAVAILABLE, TEXT("out of memory"));
}

static void there_is_none(struct operation *o, uint64_t request)
{
    admin_answer_error(o->admin, request, ADMIN_NOT_FOUND, TEXT("there is no such call"));
}

static bool add_call(struct question *q, const struct session_row *row)
{
    struct asked_call *call = &q->calls[q->count];
    char *id = text_dup(row->call_id);
    if (id == NULL)
        return false;
    *call = (struct asked_call){.question = q, .row = *row};
    call->row.call_id = text_of(id, row->call_id.len);
    q->count++;
    return true;
}

static const char *state_word(const struct session_row *row)
{
    return row->is_deleted ? "deleted" : "up";
}

/* --- the list --- */

static json_t *parties_of(const struct call *call)
{
    json_t *tags = json_array();
    for (uint32_t i = 0; i < call_party_count(call); i++)
        json_array_append_new(tags, operation_text(call_party(call, i).tag));
    return tags;
}

static void put_media(json_t *out, const struct relay_snapshot *snapshot)
{
    enum { RTP = 0 };
    int64_t last_us = 0;
    uint64_t packets = 0;
    for (size_t i = 0; snapshot != NULL && i < snapshot->stream_count; i++) {
        const struct relay_stream_state *stream = &snapshot->streams[i];
        packets += stream->in[RTP].packets;
        if (stream->last_packet_us[RTP] > last_us)
            last_us = stream->last_packet_us[RTP];
    }
    json_object_set_new(
        out, "streams", json_integer(snapshot != NULL ? (json_int_t)snapshot->stream_count : 0));
    json_object_set_new(out, "packets", json_integer((json_int_t)packets));
    json_object_set_new(
        out, "idle", last_us == 0 ? json_null() : json_integer(time(NULL) - last_us / 1000000));
}

static json_t *line_of(const struct session_row *row, const struct session_report *report)
{
    json_t *line = json_pack("{s:o, s:I, s:I, s:s, s:o}", "call_id", operation_text(row->call_id),
        "worker", (json_int_t)row->worker, "age", (json_int_t)(row->age_ms / 1000), "state",
        state_word(row), "parties", parties_of(report->call));
    if (line != NULL)
        put_media(line, report->snapshot);
    return line;
}

/* Behind the last one there may be more. */
static void answer_list(struct question *q)
{
    json_t *list = json_array();
    for (size_t i = 0; i < q->count; i++)
        if (q->calls[i].told != NULL)
            json_array_append(list, q->calls[i].told);
    json_int_t count = (json_int_t)json_array_size(list);
    json_t *document =
        json_pack("{s:o, s:I, s:I}", "calls", list, "count", count, "total", (json_int_t)q->total);
    if (q->count > 0 && q->count == q->capacity) {
        char handle[24]; /* text: numbers of JSON are exact up to 2^53 only */
        snprintf(
            handle, sizeof(handle), "%llu", (unsigned long long)q->calls[q->count - 1].row.handle);
        json_object_set_new(document, "after", json_string(handle));
    }
    operation_answer(q->operation, q->request, document);
    question_free(q);
}

static void ask_more(struct question *q);

static void on_line(void *owner, const struct session_report *report)
{
    struct asked_call *call = owner;
    struct question *q = call->question;
    if (report->call != NULL)
        call->told = line_of(&call->row, report);
    q->answered++;
    ask_more(q);
}

static void ask_more(struct question *q)
{
    struct operation *o = q->operation;
    if (o->admin == NULL) /* closed: nobody is there to answer, and the workers have gone */
        return;
    while (q->asked < q->count && q->asked - q->answered < AT_A_TIME) {
        struct asked_call *call = &q->calls[q->asked++];
        if (sessions_query(o->own.sessions, call->row.call_id, on_line, call) != 0)
            q->answered++;
    }
    if (q->answered == q->count)
        answer_list(q);
}

static void visit(void *owner, const struct session_row *row)
{
    struct question *q = owner;
    if (!add_call(q, row))
        q->failed = true;
}

void operation_calls(void *owner, uint64_t request, const struct admin_call_filter *filter)
{
    struct operation *o = owner;
    struct session_filter wanted = {
        .match = filter->match, .after = filter->after, .limit = filter->limit};
    struct question *q = question_new(o, request, filter->limit);
    if (q == NULL || sessions_browse(o->own.sessions, &wanted, visit, q, &q->total) != 0 ||
        q->failed) {
        lack_memory(o, request);
        if (q != NULL)
            question_free(q);
        return;
    }
    ask_more(q);
}

/* --- one call --- */

/* As the ng command `query`, with what its reply has no place for before it. */
static bool write_report(const struct session_row *row, const struct session_report *report,
    struct ng_arena *arena, struct str *out)
{
    struct ng_value *document = ng_dict(arena);
    ng_put_string(arena, document, TEXT("call-id"), row->call_id);
    ng_put_string(arena, document, TEXT("state"), text_from(state_word(row)));
    ng_put_int(arena, document, TEXT("worker"), (int64_t)row->worker);
    ng_put_int(arena, document, TEXT("age"), (int64_t)(row->age_ms / 1000));
    ng_put_int(arena, document, TEXT("now"), time(NULL));
    ng_report(arena, document, report, TEXT(""), NG_SSRC_INLINE);

    for (size_t size = FIRST_DOCUMENT; ng_arena_ok(arena) && size <= LARGEST_DOCUMENT; size *= 4) {
        uint8_t *memory = malloc(size);
        struct writer w = writer_over(memory, memory != NULL ? size : 0);
        json_write(&w, document);
        if (writer_ok(&w))
            str_add(out, text_from_bytes(writer_bytes(&w)));
        free(memory);
        if (out->len > 0)
            return str_ok(out);
    }
    return false;
}

static void on_report(void *owner, const struct session_report *report)
{
    struct asked_call *call = owner;
    struct question *q = call->question;
    struct operation *o = q->operation;
    struct ng_arena arena;
    struct str body = {0};
    ng_arena_init(&arena, DOCUMENT_MEMORY);
    if (report->call == NULL)
        there_is_none(o, q->request);
    else if (write_report(&call->row, report, &arena, &body))
        admin_answer_json(o->admin, q->request, &body);
    else
        lack_memory(o, q->request);
    str_done(&body);
    ng_arena_done(&arena);
    question_free(q);
}

void operation_call(void *owner, uint64_t request, struct text call_id)
{
    struct operation *o = owner;
    struct session_row row;
    if (!sessions_look(o->own.sessions, call_id, &row)) {
        there_is_none(o, request);
        return;
    }
    struct question *q = question_new(o, request, 1);
    if (q != NULL && add_call(q, &row) &&
        sessions_query(o->own.sessions, call_id, on_report, &q->calls[0]) == 0)
        return;
    lack_memory(o, request);
    if (q != NULL)
        question_free(q);
}

void operation_end_call(void *owner, uint64_t request, struct text call_id)
{
    struct operation *o = owner;
    if (sessions_terminate(o->own.sessions, call_id))
        operation_answer(o, request, json_pack("{s:i}", "ended", 1));
    else
        there_is_none(o, request);
}
