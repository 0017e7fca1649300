/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/restart.h - calls and TURN allocations over a restart: put into the file of the option
 * `restart-file` at the end, taken from it at the start. Runs on the control thread, and logs what
 * comes of it.
 */
#ifndef DAEMON_RESTART_H
#define DAEMON_RESTART_H

#include "daemon/config.h"
#include "session/session.h"
#include "store/store.h"
#include "turnserver/turnserver.h"

/* What goes over; all borrowed. */
struct restart {
    const struct process_settings *settings;
    int64_t max_age_s; /* what was saved longer ago is not taken */
    struct sessions *sessions;
    struct turnserver *turnserver;
    void *owner;
    /* Told of each that came back; NULL: nobody wants to know. */
    void (*returned)(void *owner, enum store_kind kind, uint64_t handle, struct text id);
};

/* Before the workers run: clients of TURN that come now may have an allocation in the file. */
void restart_expect(const struct restart *restart);

/* Takes what the process before has left, if any; the workers run, and nobody commands calls yet.
 */
void restart_load(const struct restart *restart);

/* Saves all of it, which ends here; `done` is called once, from within or later. Nobody commands
 * calls any more. */
void restart_save(const struct restart *restart, void (*done)(void *owner), void *owner);

#endif
