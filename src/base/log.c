/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static atomic_int log_level = LOG_INFO;
static atomic_int log_fd = STDERR_FILENO;
static atomic_bool log_to_journal = false;

/* journald names the stream it reads by device and inode, so that a redirected stderr is told from
 * it (systemd.exec(5), JOURNAL_STREAM). */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char name[64];

    if (stream == NULL || fstat(fd, &status) != 0)
        return false;
    snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(stream, name) == 0;
}

void log_start(int fd)
{
    atomic_store(&log_fd, fd);
    atomic_store(&log_to_journal, is_journal(fd));
}

void log_set_level(int level)
{
    atomic_store(&log_level, level < LOG_EMERG ? LOG_EMERG : level > LOG_DEBUG ? LOG_DEBUG : level);
}

int log_get_level(void)
{
    return atomic_load_explicit(&log_level, memory_order_relaxed);
}

static const char *level_name(int level)
{
    static const char *const names[] = {
        "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"};
    return names[level < 0 ? 0 : level > LOG_DEBUG ? LOG_DEBUG : level];
}

struct line {
    char data[LOG_LINE_MAX];
    size_t len;
};

__attribute__((format(printf, 2, 0))) static void line_vadd(
    struct line *line, const char *format, va_list arguments)
{
    size_t room = sizeof(line->data) - line->len;
    int len = vsnprintf(line->data + line->len, room, format, arguments);
    if (len > 0)
        line->len += (size_t)len < room ? (size_t)len : room - 1;
}

__attribute__((format(printf, 2, 3))) static void line_add(
    struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    line_vadd(line, format, arguments);
    va_end(arguments);
}

static void line_start(struct line *line, int level)
{
    struct timespec now;
    struct tm utc;

    if (atomic_load_explicit(&log_to_journal, memory_order_relaxed)) {
        line_add(line, "<%d>", level);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    line_add(line, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s ", utc.tm_year + 1900, utc.tm_mon + 1,
        utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1000000, level_name(level));
}

/* Nothing may break the line in two, whatever a caller forgot to quote. */
static void line_end(struct line *line)
{
    static const char cut[] = "...";
    if (line->len >= sizeof(line->data) - 1) {
        line->len = sizeof(line->data) - 1;
        memcpy(line->data + line->len - (sizeof(cut) - 1), cut, sizeof(cut) - 1);
    }
    for (size_t i = 0; i < line->len; i++)
        if (line->data[i] == '\n' || line->data[i] == '\r')
            line->data[i] = ' ';
    line->data[line->len++] = '\n';
}

void log_write(int level, struct text call_id, const char *event, const char *format, ...)
{
    struct line line = {.len = 0};
    va_list arguments;

    if (level > log_get_level())
        return;
    line_start(&line, level);
    if (call_id.len > 0)
        line_add(&line, "call-id=%s ", LOG_QUOTED(call_id));
    line_add(&line, "event=%s", event);
    if (format[0] != '\0') {
        line_add(&line, " ");
        va_start(arguments, format);
        line_vadd(&line, format, arguments);
        va_end(arguments);
    }
    line_end(&line);

    int fd = atomic_load_explicit(&log_fd, memory_order_relaxed);
    while (write(fd, line.data, line.len) < 0 && errno == EINTR)
        continue;
}

static bool is_harmless(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-_.:@/+*%&!?~^,;()[]{}<>$#|", c) != NULL);
}

/* Writes one character, terminated, into `out` and returns how long it became. */
static size_t quote_char(char c, char out[5])
{
    if (c >= ' ' && c <= '~' && c != '"' && c != '\\')
        return (size_t)snprintf(out, 5, "%c", c);
    return (size_t)snprintf(out, 5, "\\x%02x", (unsigned)(unsigned char)c);
}

const char *log_quote(struct text t, char out[LOG_QUOTED_SIZE])
{
    static const char end[] = "...\"";
    size_t harmless = 0;
    while (harmless < t.len && is_harmless(t.data[harmless]))
        harmless++;
    if (t.len > 0 && harmless == t.len && t.len < LOG_QUOTED_SIZE) {
        memcpy(out, t.data, t.len);
        out[t.len] = '\0';
        return out;
    }

    size_t len = 0;
    out[len++] = '"';
    for (size_t i = 0; i < t.len; i++) {
        char one[5];
        size_t one_len = quote_char(t.data[i], one);
        if (len + one_len + sizeof(end) > LOG_QUOTED_SIZE) {
            memcpy(out + len, end, sizeof(end));
            return out;
        }
        memcpy(out + len, one, one_len);
        len += one_len;
    }
    out[len++] = '"';
    out[len] = '\0';
    return out;
}

bool log_limit_passes(
    struct log_limit *limit, unsigned per_second, uint64_t now_ms, unsigned *suppressed)
{
    uint64_t second = now_ms / 1000;
    if (second != limit->second) {
        limit->second = second;
        limit->passed = 0;
    }
    if (limit->passed >= per_second) {
        limit->suppressed++;
        return false;
    }
    limit->passed++;
    *suppressed = limit->suppressed;
    limit->suppressed = 0;
    return true;
}
