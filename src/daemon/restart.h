/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/restart.h - calls over a restart: put into the file of the option `restart-file` at the
 * end, taken from it at the start. Runs on the control thread, and logs what comes of it.
 */
#ifndef DAEMON_RESTART_H
#define DAEMON_RESTART_H

#include "daemon/config.h"
#include "session/session.h"

/* Who is told what came back; copied. */
struct restart_watcher {
    void *owner;
    void (*call)(void *owner, uint64_t handle, struct text call_id);
};

/* Takes the calls that the process before has left, if any, unless that was longer ago than
 * `max_age_s`; the workers run, and nobody commands calls yet. */
void restart_load(struct sessions *sessions, const struct process_settings *settings,
    int64_t max_age_s, const struct restart_watcher *watcher);

/* Saves all calls, which ends them here; `done` is called once, from within or later. Nobody
 * commands calls any more. */
void restart_save(struct sessions *sessions, const struct process_settings *settings,
    void (*done)(void *owner), void *owner);

#endif
