/* SPDX-License-Identifier: Apache-2.0 */
/* turnserver/log_lines.h - what the log tells of allocations: who, where, how much, and why not. */
#ifndef TURNSERVER_LOG_LINES_H
#define TURNSERVER_LOG_LINES_H

#include "turnserver/state.h"

/* As in struct turn_host; `owner` is the struct turn_worker. */
void log_made(void *owner, const struct turn_report *report);
void log_ended(void *owner, const struct turn_report *report, enum turn_end why);
void log_refused(void *owner, const struct turn_path *path, unsigned method, unsigned code,
    const struct auth_identity *identity);
void log_unproven(void *owner, const struct turn_path *path, struct text username);

#endif
