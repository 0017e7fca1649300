/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/log.h - the log of the process: one line an event, written to stderr by one write(2).
 *
 *     2026-01-31T12:00:00.123Z info call-id=abc event=offer media=2 from="sip:\x22x"
 *
 * The levels are syslog's, LOG_EMERG 0 to LOG_DEBUG 7. Under journald, which knows the time, the
 * line starts with "<N>" instead. The caller writes `key=value` pairs; whatever came from outside
 * goes through LOG_QUOTED(). Secrets are never logged. Every function may be called in any thread.
 * Lower layers return errors and do not log.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <syslog.h>

#include "mediaferry/bytes.h"

enum { LOG_LINE_MAX = 2048, LOG_QUOTED_SIZE = 256 };

/* Lines go to `fd`, which is borrowed; finds out whether journald reads it. Without this call:
 * stderr, with the time. */
void log_start(int fd);

/* Events of this level and below are written; LOG_INFO unless told. Clamped to 0..7. */
void log_set_level(int level);
int log_get_level(void);

/* `call_id` may be empty: the event belongs to no call. A line too long ends in "...". */
void log_write(int level, struct text call_id, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* log_write(), its arguments evaluated only when the level is on. */
#define log_event(level, ...)                                                                      \
    do {                                                                                           \
        if ((level) <= log_get_level())                                                            \
            log_write((level), __VA_ARGS__);                                                       \
    } while (0)

#define LOG_NO_CALL TEXT("")

/*
 * Writes `t` so that it can break no line and fake no pair: bare when it is made of harmless
 * characters only, else in double quotes with \xNN for what is not printable. Cut, with "..." at
 * the end, when it does not fit. Returns `out`.
 */
const char *log_quote(struct text t, char out[LOG_QUOTED_SIZE]);

/* A quoted copy that lives until the end of the enclosing block. */
#define LOG_QUOTED(t) log_quote((t), (char[LOG_QUOTED_SIZE]){""})

/* At most so many lines a second for one key (a peer, a call); embedded in what it limits. */
struct log_limit {
    uint64_t second;
    unsigned passed;     /* in this second */
    unsigned suppressed; /* since the last that passed */
};

/* Whether one more line may be written; then `*suppressed` says how many were not, before it. */
bool log_limit_passes(
    struct log_limit *limit, unsigned per_second, uint64_t now_ms, unsigned *suppressed);

#endif
