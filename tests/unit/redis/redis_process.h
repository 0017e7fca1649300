/* SPDX-License-Identifier: Apache-2.0 */
/* redis_process.h - a real redis-server of the test's own, on loopback, without files. */
#ifndef REDIS_PROCESS_H
#define REDIS_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

#include "mediaferry/bytes.h"

struct redis_process {
    pid_t pid; /* 0: not running */
    uint16_t port;
    const char *password; /* NULL: none */
};

/* A port that is free now. */
uint16_t free_port(void);

/* Starts it, or starts it anew on the same port, without its data, and waits until it answers.
 * False when there is no redis-server on this machine. */
NODISCARD bool redis_process_start(struct redis_process *process);
void redis_process_kill(struct redis_process *process);

/* Stops it and lets it go on (SIGSTOP, SIGCONT). */
void redis_process_freeze(struct redis_process *process);
void redis_process_thaw(struct redis_process *process);

/* Carries out one command, words of a sentence separated by '|', and waits for it. */
void redis_process_do(const struct redis_process *process, const char *words);
void redis_process_do_words(
    const struct redis_process *process, const struct text *words, size_t count);

#endif
