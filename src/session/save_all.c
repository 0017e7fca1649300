/* SPDX-License-Identifier: Apache-2.0 */
/* All calls as records, one after the other: a few are asked for at a time, one is in memory. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "session/table.h"

/* So many workers' answers may be on their way. */
enum { WINDOW = 32 };

struct saver {
    struct sessions_sink sink;
    struct sessions_saved counts;
    size_t waiting; /* answers */
    size_t next, count;
    uint64_t handles[]; /* of the calls, the oldest first */
};

static int by_number(const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

static void finish(struct sessions *sessions)
{
    struct saver *saver = sessions->saver;
    const struct sessions_sink sink = saver->sink;
    const struct sessions_saved counts = saver->counts;
    sessions->saver = NULL;
    free(saver);
    sessions->records.lost += counts.lost;
    sink.done(sink.owner, &counts);
}

/* What is not written has lost its media here, too. */
static void lose(struct sessions *sessions, struct session *session)
{
    sessions->saver->counts.lost++;
    session_end(sessions, session, SESSION_END_SHUTDOWN);
}

static void go_on(struct sessions *sessions);

static void log_lost(const struct session *session, const char *why)
{
    log_event(LOG_ERR, session->id, "call-not-saved", "why=\"%s\"", why);
}

/* Whether somebody has it now. */
static bool keep(struct sessions *sessions, struct session *session, struct bytes record)
{
    const struct sessions_sink *sink = &sessions->saver->sink;
    if (!sink->keep(sink->owner, session->id, record)) {
        log_lost(session, "it could not be kept");
        return false;
    }
    sessions->saver->counts.saved++;
    session_leave(sessions, session);
    return true;
}

static void saved_one(void *owner, uint64_t handle, const struct session_saved *saved)
{
    struct sessions *sessions = owner;
    struct session *session = session_find_handle(sessions, handle);
    if (sessions->saver == NULL) { /* it was stopped */
        if (session != NULL)
            session_end(sessions, session, SESSION_END_SHUTDOWN);
        return;
    }
    sessions->saver->waiting--;
    if (session != NULL && (saved == NULL || !keep(sessions, session, saved->record)))
        lose(sessions, session);
    go_on(sessions);
}

static void go_on(struct sessions *sessions)
{
    struct saver *saver = sessions->saver;
    while (saver->waiting < WINDOW && saver->next < saver->count) {
        uint64_t handle = saver->handles[saver->next++];
        int error = sessions_save(sessions, handle, RELAY_SAVE_AND_END, saved_one, sessions);
        saver->waiting += error == 0;
        if (error != -ENOMEM)
            continue;
        struct session *session = session_find_handle(sessions, handle);
        log_lost(session, "out of memory");
        lose(sessions, session);
    }
    if (saver->waiting == 0)
        finish(sessions);
}

void sessions_stop_saving(struct sessions *sessions)
{
    if (sessions->saver != NULL)
        finish(sessions);
}

int sessions_save_all(struct sessions *sessions, const struct sessions_sink *sink)
{
    size_t room = sessions->by_handle.count;
    struct saver *saver = calloc(1, sizeof(*saver) + room * sizeof(saver->handles[0]));
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
