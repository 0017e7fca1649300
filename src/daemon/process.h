/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/process.h - what the process asks of the system, and tells it. */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include "mediaferry/bytes.h"

/* Raises the number of descriptors allowed to the hard limit; returns what is allowed now. */
uint64_t process_raise_descriptor_limit(void);

/* Processor cores that this process may run on; at least 1. */
unsigned process_cores(void);

/* Writes the process id; an empty path does nothing. Returns 0 or a negative errno. */
NODISCARD int process_write_pidfile(const char *path);
void process_remove_pidfile(const char *path);

/* Tell systemd, when it waits for that. */
void process_notify_ready(void);
void process_notify_reloading(void); /* until it is ready again */
void process_notify_stopping(void);

/* The end waits for these; to be told again each few seconds, or systemd's patience
 * (TimeoutStopSec) comes to its end. */
void process_notify_draining(uint64_t calls, uint64_t allocations);

#endif
