/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/restart.h - calls over a restart: put into the file of the option `restart-file` at the
 * end, taken from it at the start. Runs on the control thread, and logs what comes of it.
 */
#ifndef DAEMON_RESTART_H
#define DAEMON_RESTART_H

#include "daemon/config.h"
#include "session/session.h"

/* Takes the calls that the process before has left, if any; the workers run, and nobody commands
 * calls yet. */
void restart_load(struct sessions *sessions, const struct process_settings *settings);

/* Saves all calls, which ends them here; `done` is called once, from within or later. Nobody
 * commands calls any more. */
void restart_save(struct sessions *sessions, const struct process_settings *settings,
    void (*done)(void *owner), void *owner);

#endif
