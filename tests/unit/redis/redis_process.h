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

/* What redis_process_start_with() is told. */
struct redis_setup {
    const char *directory; /* for its files */
    const char *lines;     /* of its configuration, after those for port and directory */
    bool is_sentinel;
};

/* A port that is free now. */
uint16_t free_port(void);

/* Starts it, or starts it anew on the same port, without its data, and waits until it answers.
 * False when there is no redis-server on this machine. */
NODISCARD bool redis_process_start(struct redis_process *process);

/* The same with files: it keeps what it writes there. */
NODISCARD bool redis_process_start_with(
    struct redis_process *process, const struct redis_setup *setup);

void redis_process_kill(struct redis_process *process);

/* Stops it and lets it go on (SIGSTOP, SIGCONT). */
void redis_process_freeze(struct redis_process *process);
void redis_process_thaw(struct redis_process *process);

/* Carries out one command, words of a sentence separated by '|', and waits for it. */
void redis_process_do(const struct redis_process *process, const char *words);
void redis_process_do_words(
    const struct redis_process *process, const struct text *words, size_t count);

/* The same, and writes the answer, a number or text, into `out`; also an error's. */
void redis_process_ask(
    const struct redis_process *process, const char *words, char *out, size_t size);

/* Asks until the answer contains the word, for ten seconds at most. */
NODISCARD bool redis_process_comes_to_say(
    const struct redis_process *process, const char *words, const char *wanted);

#endif
