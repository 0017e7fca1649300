/* SPDX-License-Identifier: Apache-2.0 */
/* The calls as those see them who look after the node. */
#include <errno.h>
#include <stdlib.h>

#include "session/table.h"

static struct session_row row_of(const struct sessions *sessions, const struct session *session)
{
    return (struct session_row){
        .handle = session->by_handle.key,
        .call_id = session->id,
        .worker = session->worker,
        .age_ms = uv_now(sessions->loop) - session->created_ms,
        .is_deleted = session->end_at_ms != 0,
    };
}

static bool matches(const struct session *session, const struct session_filter *filter)
{
    if (session->is_leaving)
        return false;
    return filter->match.len == 0 ||
           memmem(session->id.data, session->id.len, filter->match.data, filter->match.len) != NULL;
}

static int by_age(const void *a, const void *b)
{
    const struct session *const *one = a, *const *other = b;
    uint64_t left = (*one)->by_handle.key, right = (*other)->by_handle.key;
    return (left > right) - (left < right);
}

int sessions_browse(struct sessions *sessions, const struct session_filter *filter,
    void (*visit)(void *owner, const struct session_row *row), void *owner, size_t *total)
{
    size_t count = 0, left = filter->limit;
    const struct session **found = calloc(sessions->by_handle.count + 1, sizeof(*found));
    if (found == NULL)
        return -ENOMEM;
    map_for_each (at, &sessions->by_handle) {
        const struct session *session = CONTAINER_OF(at, struct session, by_handle.link);
        if (matches(session, filter))
            found[count++] = session;
    }
    qsort(found, count, sizeof(*found), by_age);
    for (size_t i = 0; i < count && left > 0; i++) {
        if (found[i]->by_handle.key <= filter->after)
            continue;
        struct session_row row = row_of(sessions, found[i]);
        visit(owner, &row);
        left--;
    }
    free(found);
    *total = count;
    return 0;
}

bool sessions_look(const struct sessions *sessions, struct text call_id, struct session_row *out)
{
    const struct session *session = session_find(sessions, call_id);
    if (session != NULL)
        *out = row_of(sessions, session);
    return session != NULL;
}

bool sessions_terminate(struct sessions *sessions, struct text call_id)
{
    struct session *session = session_find(sessions, call_id);
    if (session == NULL)
        return false;
    session_end(sessions, session, SESSION_END_FORCED);
    return true;
}

size_t sessions_worker_count(const struct sessions *sessions)
{
    return sessions->worker_count;
}

const struct session_worker *sessions_worker(const struct sessions *sessions, size_t index)
{
    return &sessions->workers[index];
}
