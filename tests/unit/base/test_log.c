/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static int ends[2];
static char output[1 << 16];

static int open_pipe(void **state)
{
    (void)state;
    assert_int_equal(pipe(ends), 0);
    unsetenv("JOURNAL_STREAM");
    log_start(ends[1]);
    log_set_level(LOG_INFO);
    return 0;
}

static int close_pipe(void **state)
{
    (void)state;
    log_start(STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static const char *read_log(void)
{
    char mark = '\0';
    assert_int_equal(write(ends[1], &mark, 1), 1);
    size_t len = 0;
    do {
        ssize_t got = read(ends[0], output + len, sizeof(output) - len);
        assert_true(got > 0);
        len += (size_t)got;
    } while (output[len - 1] != '\0');
    return output;
}

static void one_line_an_event(void **state)
{
    (void)state;
    log_event(
        LOG_WARNING, TEXT("abc@host"), "offer", "media=%d from=%s", 2, LOG_QUOTED(TEXT("a\nb")));
    const char *line = read_log();
    int year = 0, at = 0;
    assert_int_equal(sscanf(line, "%d-%*d-%*dT%*d:%*d:%*d.%*3dZ %n", &year, &at), 1);
    assert_in_range(year, 2020, 9999);
    assert_string_equal(
        line + at, "warning call-id=abc@host event=offer media=2 from=\"a\\x0ab\"\n");
}

static void without_a_call_there_is_no_call_id(void **state)
{
    (void)state;
    log_event(LOG_INFO, LOG_NO_CALL, "start", "%s", "");
    assert_non_null(strstr(read_log(), "Z info event=start \n"));
}

static void hides_what_is_above_the_level(void **state)
{
    (void)state;
    log_event(LOG_DEBUG, LOG_NO_CALL, "hidden", "n=%d", 1);
    assert_string_equal(read_log(), "");
    log_set_level(99);
    assert_int_equal(log_get_level(), LOG_DEBUG);
    log_event(LOG_DEBUG, LOG_NO_CALL, "seen", "n=%d", 1);
    assert_non_null(strstr(read_log(), " debug event=seen n=1\n"));
    log_set_level(-5);
    assert_int_equal(log_get_level(), LOG_EMERG);
}

static void journald_gets_the_level_instead_of_the_time(void **state)
{
    (void)state;
    struct stat status;
    char stream[64];
    assert_int_equal(fstat(ends[1], &status), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_start(ends[1]);
    log_event(LOG_ERR, LOG_NO_CALL, "x", "a=%d", 1);
    assert_string_equal(read_log(), "<3>event=x a=1\n");

    setenv("JOURNAL_STREAM", "1:1", 1); /* somebody else's: ours goes elsewhere */
    log_start(ends[1]);
    log_event(LOG_ERR, LOG_NO_CALL, "x", "a=%d", 1);
    assert_non_null(strstr(read_log(), "Z error event=x a=1\n"));
    unsetenv("JOURNAL_STREAM");
}

static void cuts_a_line_too_long_and_breaks_none(void **state)
{
    (void)state;
    static char huge[5000];
    memset(huge, 'a', sizeof(huge) - 1);
    huge[100] = '\n';
    log_event(LOG_INFO, LOG_NO_CALL, "huge", "text=%s", huge);
    const char *line = read_log();
    size_t len = strlen(line);
    assert_int_equal(len, LOG_LINE_MAX);
    assert_string_equal(line + len - 4, "...\n");
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
}

#define LITERAL(text) text, sizeof(text) - 1

static const struct {
    const char *text;
    size_t len;
    const char *expected;
} quotes[] = {
    {LITERAL("plain-1.2@host"), "plain-1.2@host"},
    {LITERAL(""), "\"\""},
    {LITERAL("two words"), "\"two words\""},
    {LITERAL("a=b"), "\"a=b\""},
    {LITERAL("say \"x\" \\"), "\"say \\x22x\\x22 \\x5c\""},
    {LITERAL("a\0b"), "\"a\\x00b\""},
    {LITERAL("\x1b[31m\xff"), "\"\\x1b[31m\\xff\""},
};

static void quotes_hostile_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(quotes); i++)
        assert_string_equal(LOG_QUOTED(text_of(quotes[i].text, quotes[i].len)), quotes[i].expected);

    char text[600];
    memset(text, '\n', sizeof(text));
    for (size_t len = 0; len < sizeof(text); len++) {
        char out[LOG_QUOTED_SIZE];
        size_t quoted = strlen(log_quote(text_of(text, len), out));
        assert_true(quoted < LOG_QUOTED_SIZE);
        assert_int_equal(out[quoted - 1], '"');
    }
    memset(text, 'a', sizeof(text));
    assert_int_equal(strlen(LOG_QUOTED(text_of(text, LOG_QUOTED_SIZE - 1))), LOG_QUOTED_SIZE - 1);
    assert_non_null(strstr(LOG_QUOTED(text_of(text, LOG_QUOTED_SIZE)), "...\""));
}

static void limits_lines_per_second(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    unsigned suppressed = 99;
    assert_true(log_limit_passes(&limit, 2, 5000, &suppressed));
    assert_int_equal(suppressed, 0);
    assert_true(log_limit_passes(&limit, 2, 5999, &suppressed));
    assert_false(log_limit_passes(&limit, 2, 5999, &suppressed));
    assert_false(log_limit_passes(&limit, 2, 5999, &suppressed));
    assert_true(log_limit_passes(&limit, 2, 6000, &suppressed));
    assert_int_equal(suppressed, 2);
    assert_true(log_limit_passes(&limit, 2, 6000, &suppressed));
    assert_int_equal(suppressed, 0);
}

static void *write_lines(void *name)
{
    for (int i = 0; i < 100; i++)
        log_event(LOG_INFO, LOG_NO_CALL, "thread", "name=%s end", (const char *)name);
    return NULL;
}

static void threads_never_mix_their_lines(void **state)
{
    (void)state;
    static char names[] = "a\0b\0c";
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names + 2 * i), 0);
    for (int i = 0; i < 50; i++)
        log_set_level(i % 2 == 0 ? LOG_DEBUG : LOG_INFO);
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);

    size_t lines = 0;
    for (struct text rest = text_from(read_log()); rest.len > 0; lines++) {
        struct text line = text_cut(&rest, '\n');
        assert_true(line.len == strlen("2026-01-31T12:00:00.123Z info event=thread name=a end"));
    }
    assert_int_equal(lines, 300);
}

#define LOG_TEST(test) cmocka_unit_test_setup_teardown(test, open_pipe, close_pipe)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(one_line_an_event),
        LOG_TEST(without_a_call_there_is_no_call_id),
        LOG_TEST(hides_what_is_above_the_level),
        LOG_TEST(journald_gets_the_level_instead_of_the_time),
        LOG_TEST(cuts_a_line_too_long_and_breaks_none),
        LOG_TEST(quotes_hostile_text),
        LOG_TEST(limits_lines_per_second),
        LOG_TEST(threads_never_mix_their_lines),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
