/* SPDX-License-Identifier: Apache-2.0 */
/* Who keeps calls elsewhere is told of them, and may take one away. */
#include "session/table.h"

void sessions_watch(struct sessions *sessions, const struct sessions_watcher *watcher)
{
    static const struct sessions_watcher nobody;
    sessions->watcher = watcher != NULL ? *watcher : nobody;
}

void session_changed(const struct sessions *sessions, const struct session *session)
{
    const struct sessions_watcher *watcher = &sessions->watcher;
    if (watcher->changed != NULL && !session->is_leaving)
        watcher->changed(watcher->owner, session->by_handle.key, session->id);
}

void session_is_over(const struct sessions *sessions, const struct session *session)
{
    const struct sessions_watcher *watcher = &sessions->watcher;
    if (watcher->ended != NULL)
        watcher->ended(watcher->owner, session->by_handle.key, session->id);
}

void session_media_changed(void *owner, uint64_t handle)
{
    const struct sessions *sessions = owner;
    const struct session *session = session_find_handle(sessions, handle);
    if (session != NULL)
        session_changed(sessions, session);
}

bool sessions_drop(struct sessions *sessions, uint64_t handle)
{
    struct session *session = session_find_handle(sessions, handle);
    if (session == NULL)
        return false;
    session->is_lost = true;
    session_hide(sessions, session);
    session_end(sessions, session, SESSION_END_LOST);
    return true;
}
