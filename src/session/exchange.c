/* SPDX-License-Identifier: Apache-2.0 */
/* Offer and answer: find or make the session, lease, apply, post. */
#include "session/table.h"

#include <stdio.h>

#include "base/log.h"

static bool limit_is_reached(const struct sessions *sessions)
{
    int64_t limit = sessions->config.max_sessions;
    return limit >= 0 && sessions->by_id.count >= (uint64_t)limit;
}

static struct session_outcome failed(enum call_status status)
{
    return (struct session_outcome){.status = SESSION_FAILED, .call = status};
}

static void log_created(const struct sessions *sessions, const struct session *session)
{
    log_event(LOG_INFO, text_from(session->id), "call-created", "worker=%zu calls=%zu",
        session->worker, sessions->by_id.count);
}

struct session_outcome sessions_exchange(
    struct sessions *sessions, const struct call_command *command)
{
    struct session *session = session_find(sessions, command->call_id);
    bool is_new = session == NULL;
    if (is_new) {
        if (command->verb != CALL_OFFER)
            return failed(CALL_UNKNOWN);
        if (limit_is_reached(sessions)) {
            sessions->totals.refused++;
            return (struct session_outcome){.status = SESSION_LIMIT};
        }
        session = session_new(sessions, command->call_id);
        if (session == NULL)
            return failed(CALL_OUT_OF_MEMORY);
    }

    struct call_ports ports;
    struct call_env env = session_env(sessions, session, &ports);
    struct session_outcome outcome = {.status = SESSION_OK};
    outcome.call = call_apply(&session->call, command, &env, &outcome.result);
    if (outcome.call == CALL_OK && session_post_plan(sessions, session) != 0)
        outcome.call = CALL_OUT_OF_MEMORY;
    if (outcome.call != CALL_OK) {
        outcome.status = SESSION_FAILED;
        leases_rollback(sessions->leases);
        if (is_new) {
            /* Nothing reached the worker: not a call that ended, but none that began. */
            call_free(session->call);
            session->call = NULL;
            session_end(sessions, session, SESSION_END_DELETED);
        }
        return outcome;
    }
    session->end_at_ms = 0; /* signalling about a deleted call revives it */
    if (is_new) {
        sessions->totals.managed++;
        log_created(sessions, session);
    }
    return outcome;
}
