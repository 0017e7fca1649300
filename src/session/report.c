/* SPDX-License-Identifier: Apache-2.0 */
/* Query and delete: what is told of them waits for the worker's counters. */
#include "session/table.h"

#include <errno.h>
#include <stdlib.h>

/* One query or delete between its command and its answer. */
struct report {
    struct u64_node node; /* by token, while the worker is asked */
    struct list link;     /* in `ready`, when there is nothing to ask */
    uint64_t handle;      /* of the session asked for; 0: there was none */
    bool is_delete;
    struct call *before; /* the call as a delete found it; NULL: there was none */
    struct session_outcome outcome;
    session_report_fn *done;
    void *owner;
};

static struct report *report_new(session_report_fn *done, void *owner)
{
    struct report *report = calloc(1, sizeof(*report));
    if (report == NULL)
        return NULL;
    report->done = done;
    report->owner = owner;
    return report;
}

static void report_free(struct report *report)
{
    call_free(report->before);
    free(report);
}

/* A query tells of the call as it is now, a delete of what it was. */
static void tell(
    struct sessions *sessions, struct report *report, const struct relay_snapshot *snapshot)
{
    struct session_report told = {
        .outcome = report->outcome, .call = report->before, .snapshot = snapshot};
    if (!report->is_delete) {
        struct session *session = session_find_handle(sessions, report->handle);
        if (session != NULL && session_wake(sessions, session))
            told.call = session->call;
        else
            told.outcome = session_failed(session == NULL ? CALL_UNKNOWN : CALL_OUT_OF_MEMORY);
    }
    report->done(report->owner, &told);
    report_free(report);
}

void reports_snapshot(void *owner, uint64_t token, const struct relay_snapshot *snapshot)
{
    struct sessions *sessions = owner;
    struct u64_node *node = u64_map_find(&sessions->reports, token);
    if (node == NULL)
        return;
    struct report *report = CONTAINER_OF(node, struct report, node);
    u64_map_remove(&sessions->reports, &report->node);
    tell(sessions, report, snapshot->found ? snapshot : NULL);
}

static void tell_ready(uv_timer_t *timer)
{
    struct sessions *sessions = timer->data;
    struct list now;
    list_init(&now);
    list_move_all(&now, &sessions->ready);
    for (struct list *at; (at = list_pop_front(&now)) != NULL;)
        tell(sessions, CONTAINER_OF(at, struct report, link), NULL);
}

static void tell_soon(struct sessions *sessions, struct report *report)
{
    list_push_back(&sessions->ready, &report->link);
    uv_timer_start(&sessions->tell, tell_ready, 0, 0);
}

/* Asks the worker about the media as it is before anything that is posted from now on. */
static void ask(
    struct sessions *sessions, struct report *report, const struct session *session, bool counters)
{
    uint64_t token = ++sessions->last_token;
    if (session != NULL)
        report->handle = session->by_handle.key;
    if (session != NULL && counters &&
        relay_post_query(sessions->workers[session->worker].relay, report->handle, token) == 0)
        u64_map_put(&sessions->reports, &report->node, token);
    else
        tell_soon(sessions, report);
}

static void end_after(struct sessions *sessions, struct session *session, int delay_s)
{
    uint64_t seconds = delay_s < 0 ? sessions->config.delete_delay_s : (uint64_t)delay_s;
    uint64_t end_at_ms = uv_now(sessions->loop) + seconds * 1000;
    if (seconds == 0) {
        session_end(sessions, session, SESSION_END_DELETED);
        return;
    }
    if (session->end_at_ms == 0 || end_at_ms < session->end_at_ms)
        session->end_at_ms = end_at_ms;
    session_changed(sessions, session);
}

static struct session_outcome carry_out(
    struct sessions *sessions, struct session *session, const struct call_command *command)
{
    struct call *next;
    struct call_ports ports;
    struct call_env env = session_env(sessions, session, &ports);
    struct session_outcome outcome = {.status = SESSION_OK};
    outcome.call = call_apply(session->call, command, &env, &next, &outcome.result);
    if (outcome.call == CALL_OK && outcome.result.ended)
        end_after(sessions, session, command->flags.delete_delay);
    else if (outcome.call == CALL_OK && session_advance(sessions, session, next) != 0)
        outcome.call = CALL_OUT_OF_MEMORY;
    else if (outcome.call == CALL_OK)
        session_changed(sessions, session);
    if (outcome.call != CALL_OK)
        outcome.status = SESSION_FAILED;
    return outcome;
}

int sessions_delete(struct sessions *sessions, const struct call_command *command,
    session_report_fn *done, void *owner)
{
    struct session *session = session_find(sessions, command->call_id);
    struct report *report = report_new(done, owner);
    if (report == NULL)
        return -ENOMEM;
    report->is_delete = true;
    if (session != NULL && (!session_wake(sessions, session) ||
                               (report->before = call_clone(session->call)) == NULL)) {
        report_free(report);
        return -ENOMEM;
    }
    ask(sessions, report, session, !command->flags.fast);
    report->outcome =
        session != NULL ? carry_out(sessions, session, command) : session_failed(CALL_NO_MATCH);
    return 0;
}

int sessions_query(struct sessions *sessions, struct text id, session_report_fn *done, void *owner)
{
    struct report *report = report_new(done, owner);
    if (report == NULL)
        return -ENOMEM;
    ask(sessions, report, session_find(sessions, id), true);
    return 0;
}

void reports_open(struct sessions *sessions)
{
    map_init(&sessions->reports);
    list_init(&sessions->ready);
    uv_timer_init(sessions->loop, &sessions->tell);
    sessions->tell.data = sessions;
}

/* Who asked is gone as well: nobody is told. */
void reports_close(struct sessions *sessions)
{
    for (struct list *at; (at = list_pop_front(&sessions->ready)) != NULL;)
        report_free(CONTAINER_OF(at, struct report, link));
    map_for_each (at, &sessions->reports) {
        struct report *report = CONTAINER_OF(at, struct report, node.link);
        u64_map_remove(&sessions->reports, &report->node);
        report_free(report);
    }
    map_done(&sessions->reports);
}
