/* SPDX-License-Identifier: Apache-2.0 */
/* Query and delete: they wait for the worker's counters, then tell. */
#include "session/table.h"

#include <stdlib.h>

#include "base/str.h"

/* One query or delete between its command and its answer. */
struct report {
    struct u64_node node; /* by token, while the worker is asked */
    struct list link;     /* in `ready`, when there is nothing to ask */
    bool is_delete;
    uint64_t handle; /* of the session; 0: there was none */
    struct call_command command;
    char *texts[4]; /* copies that `command` borrows */
    session_report_fn *done;
    void *owner;
};

static bool keep_text(char **kept, struct text *text)
{
    *kept = text_dup(*text);
    *text = text_from(*kept);
    return *kept != NULL;
}

static void free_report(struct report *report)
{
    for (size_t i = 0; i < COUNT_OF(report->texts); i++)
        free(report->texts[i]);
    free(report);
}

/* The command borrows the message, which is gone when the snapshot comes. */
static struct report *new_report(
    const struct call_command *command, session_report_fn *done, void *owner)
{
    struct report *report = calloc(1, sizeof(*report));
    if (report == NULL)
        return NULL;
    report->done = done;
    report->owner = owner;
    report->command = *command;
    report->command.sdp = text_of(NULL, 0);
    struct text *texts[] = {&report->command.call_id, &report->command.from_tag,
        &report->command.to_tag, &report->command.via_branch};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (!keep_text(&report->texts[i], texts[i])) {
            free_report(report);
            return NULL;
        }
    return report;
}

static void tell_missing(struct report *report)
{
    struct session_report missing = {.outcome = {.status = SESSION_FAILED,
                                         .call = report->is_delete ? CALL_NO_MATCH : CALL_UNKNOWN}};
    report->done(report->owner, &missing);
}

/* The state after the delete replaces the old one only when a party is left; else the call goes on
 * as it was until the delay has passed, so that a new offer can revive it. */
static void carry_out(struct sessions *sessions, struct session *session, struct call *after,
    const struct report *report, const struct call_result *result)
{
    if (!result->ended) {
        call_free(session->call);
        session->call = after;
        /* Without memory the worker keeps the old plan until the next one: nothing is lost. */
        if (session_post_plan(sessions, session) != 0)
            leases_rollback(sessions->leases);
        return;
    }
    call_free(after);
    int delay_s = report->command.flags.delete_delay;
    if (delay_s < 0)
        delay_s = (int)sessions->config.delete_delay_s;
    uint64_t end_at_ms = uv_now(sessions->loop) + (uint64_t)delay_s * 1000;
    if (delay_s == 0)
        session_end(sessions, session, SESSION_END_DELETED);
    else if (session->end_at_ms == 0 || end_at_ms < session->end_at_ms)
        session->end_at_ms = end_at_ms;
}

static void tell_delete(struct sessions *sessions, struct session *session, struct report *report,
    const struct relay_snapshot *snapshot)
{
    struct call *after = call_clone(session->call);
    struct session_report told = {.call = session->call, .snapshot = snapshot};
    struct call_ports ports;
    struct call_env env = session_env(sessions, session, &ports);

    told.outcome.call = after == NULL
                            ? CALL_OUT_OF_MEMORY
                            : call_apply(&after, &report->command, &env, &told.outcome.result);
    told.outcome.status = told.outcome.call == CALL_OK ? SESSION_OK : SESSION_FAILED;
    report->done(report->owner, &told);
    if (told.outcome.call == CALL_OK)
        carry_out(sessions, session, after, report, &told.outcome.result);
    else
        call_free(after);
}

static void tell(
    struct sessions *sessions, struct report *report, const struct relay_snapshot *snapshot)
{
    struct session *session =
        report->handle != 0 ? session_find_handle(sessions, report->handle) : NULL;
    if (session == NULL) {
        tell_missing(report);
    } else if (report->is_delete) {
        tell_delete(sessions, session, report, snapshot);
    } else {
        struct session_report told = {.call = session->call, .snapshot = snapshot};
        report->done(report->owner, &told);
    }
    free_report(report);
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

/* Asks the worker, when there is one to ask and statistics are wanted. */
static void ask(struct sessions *sessions, struct report *report, const struct session *session)
{
    if (session == NULL) {
        tell_soon(sessions, report);
        return;
    }
    report->handle = session->by_handle.key;
    uint64_t token = ++sessions->last_token;
    struct relay *relay = sessions->workers[session->worker].relay;
    bool fast = report->is_delete && report->command.flags.fast;
    if (fast || relay_post_query(relay, report->handle, token) != 0)
        tell_soon(sessions, report);
    else
        u64_map_put(&sessions->reports, &report->node, token);
}

static void start_report(struct sessions *sessions, const struct call_command *command,
    bool is_delete, session_report_fn *done, void *owner)
{
    struct report *report = new_report(command, done, owner);
    if (report == NULL) {
        struct session_report failed = {
            .outcome = {.status = SESSION_FAILED, .call = CALL_OUT_OF_MEMORY}};
        done(owner, &failed);
        return;
    }
    report->is_delete = is_delete;
    ask(sessions, report, session_find(sessions, command->call_id));
}

void sessions_delete(struct sessions *sessions, const struct call_command *command,
    session_report_fn *done, void *owner)
{
    start_report(sessions, command, true, done, owner);
}

void sessions_query(struct sessions *sessions, struct text id, session_report_fn *done, void *owner)
{
    start_report(sessions, &(struct call_command){.call_id = id}, false, done, owner);
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
        free_report(CONTAINER_OF(at, struct report, link));
    map_for_each (at, &sessions->reports) {
        struct report *report = CONTAINER_OF(at, struct report, node.link);
        u64_map_remove(&sessions->reports, &report->node);
        free_report(report);
    }
    map_done(&sessions->reports);
}
