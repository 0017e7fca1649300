/* SPDX-License-Identifier: Apache-2.0 */
/* Offer and answer: find or make the session, lease, apply, post. */
#include "session/table.h"

#include "base/log.h"

static bool limit_is_reached(const struct sessions *sessions)
{
    int64_t limit = sessions->config.max_sessions;
    return sessions->refuses_new || (limit >= 0 && sessions->by_id.count >= (uint64_t)limit);
}

void sessions_refuse_new(struct sessions *sessions, bool refuse)
{
    sessions->refuses_new = refuse;
}

static void log_created(const struct sessions *sessions, const struct session *session)
{
    log_event(LOG_INFO, session->id, "call-created", "worker=%zu calls=%zu", session->worker,
        sessions->by_id.count);
}

/* Only an offer begins a call, or goes on with a deleted one: an answer or a candidate may have
 * crossed the delete. */
static bool begins_call(const struct call_command *command)
{
    return command->verb == CALL_OFFER && !command->flags.fragment;
}

/* Carries the command out on a session, whose call may be none yet. */
static struct session_outcome carry_out(
    struct sessions *sessions, struct session *session, const struct call_command *command)
{
    struct call *next;
    struct call_ports ports;
    if (!session_wake(sessions, session))
        return session_failed(CALL_OUT_OF_MEMORY);
    struct call_env env = session_env(sessions, session, &ports);
    struct session_outcome outcome = {.status = SESSION_OK};
    outcome.call = call_apply(session->call, command, &env, &next, &outcome.result);
    if (outcome.call == CALL_OK && next != NULL && session_advance(sessions, session, next) != 0) {
        outcome.call = CALL_OUT_OF_MEMORY;
        outcome.result = (struct call_result){0};
    }
    if (outcome.call != CALL_OK) {
        outcome.status = SESSION_FAILED;
        leases_rollback(sessions->leases);
        return outcome;
    }
    if (begins_call(command))
        session->end_at_ms = 0;
    if (session->call != NULL) /* else no call began */
        session_changed(sessions, session);
    return outcome;
}

static struct session_outcome begin(struct sessions *sessions, const struct call_command *command)
{
    if (!begins_call(command))
        return session_failed(CALL_UNKNOWN);
    if (limit_is_reached(sessions)) {
        sessions->totals.refused++;
        return (struct session_outcome){.status = SESSION_LIMIT};
    }
    struct session *session = session_new(sessions, command->call_id);
    if (session == NULL)
        return session_failed(CALL_OUT_OF_MEMORY);
    struct session_outcome outcome = carry_out(sessions, session, command);
    if (session->call == NULL) { /* nothing reached the worker: no call began */
        session_free(sessions, session);
        return outcome;
    }
    sessions->totals.managed++;
    log_created(sessions, session);
    return outcome;
}

struct session_outcome sessions_exchange(
    struct sessions *sessions, const struct call_command *command)
{
    struct session *session = session_find(sessions, command->call_id);
    return session != NULL ? carry_out(sessions, session, command) : begin(sessions, command);
}
