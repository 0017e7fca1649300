/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/http_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

static struct text exact(const char *string)
{
    return text_from_bytes(exact_copy(bytes_of(string, strlen(string))));
}

/* --- the line --- */

static const struct {
    const char *method, *target;
    int status;
    enum http_method means;
    const char *path, *query;
} lines[] = {
    {"GET", "/", 200, HTTP_GET, "/", ""},
    {"HEAD", "/?", 200, HTTP_HEAD, "/", ""},
    {"POST", "/a?b?c=d", 200, HTTP_POST, "/a", "b?c=d"},
    {"DELETE", "/turn/users/a%2Fb/../c?x=1&y", 200, HTTP_DELETE, "/turn/users/a%2Fb/../c", "x=1&y"},
    {"get", "/", 200, HTTP_OTHER, "/", ""},
    {"TRACE", "/", 200, HTTP_OTHER, "/", ""},
    {"GET", "http://host:1/x?y", 200, HTTP_GET, "/x", "y"},
    {"GET", "//host/x", 200, HTTP_GET, "//host/x", ""},
    {"GET", "", 400, HTTP_OTHER, "", ""},
    {"GET", "x", 400, HTTP_OTHER, "", ""},
    {"GET", "?x", 400, HTTP_OTHER, "", ""},
    {"OPTIONS", "*", 400, HTTP_OTHER, "", ""},
    {"CONNECT", "host:1", 400, HTTP_OTHER, "", ""},
    {"GET", "http://host", 400, HTTP_OTHER, "", ""},
    {"GET", "http://host?x", 400, HTTP_OTHER, "", ""},
    {"GET", "https://host/x", 400, HTTP_OTHER, "", ""},
    {"GET", "/#x", 400, HTTP_OTHER, "", ""},
    {"GET", "/\xc3\xa9", 400, HTTP_OTHER, "", ""},
    {"GET", "/\x7f", 400, HTTP_OTHER, "", ""},
    {"GET", "/\t", 400, HTTP_OTHER, "", ""},
    {"GET", "/ x", 400, HTTP_OTHER, "", ""},
};

static void reads_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct http_request r = {.method = HTTP_OTHER};
        struct text target = exact(lines[i].target);
        int status = http_request_line(&r, text_from(lines[i].method), target);
        if (status != lines[i].status)
            fail_msg("%s: %d, not %d", lines[i].target, status, lines[i].status);
        if (status == 200) {
            assert_int_equal(r.method, lines[i].means);
            assert_true(text_is(r.path, lines[i].path));
            assert_true(text_is(r.query, lines[i].query));
            assert_null(r.authorization.data);
        }
        free((void *)target.data);
    }
}

static void targets_have_a_limit(void **state)
{
    static char target[HTTP_MAX_TARGET + 1];
    struct http_request r = {.method = HTTP_OTHER};
    (void)state;
    memset(target, '/', sizeof(target));
    struct text most = text_of(target, HTTP_MAX_TARGET), more = text_of(target, sizeof(target));
    assert_int_equal(http_request_line(&r, TEXT("GET"), most), 200);
    assert_int_equal(http_request_line(&r, TEXT("GET"), more), 414);
}

/* --- fields --- */

static const struct {
    const char *names[2], *values[2];
    int status; /* of the last */
} fields[] = {
    {{"Host"}, {"a"}, 200},
    {{"X"}, {"\xc3\xa9\t\""}, 200},
    {{"X", "X"}, {"1", "2"}, 200},
    {{"Host", "host"}, {"a", "a"}, 400},
    {{"Host "}, {"a"}, 400},
    {{""}, {"a"}, 400},
    {{"a b"}, {"c"}, 400},
    {{"a\xc3"}, {"c"}, 400},
    {{"X"}, {"a\rb"}, 400},
    {{"X"}, {"\x01"}, 400},
    {{"X"}, {"\x7f"}, 400},
    {{"Content-Length"}, {"9223372036854775807"}, 200},
    {{"Content-Length"}, {"9223372036854775808"}, 400},
    {{"Content-Length"}, {""}, 400},
    {{"Content-Length"}, {"-1"}, 400},
    {{"Content-Length"}, {"+1"}, 400},
    {{"Content-Length"}, {"0x1"}, 400},
    {{"Content-Length"}, {"1, 1"}, 400},
    {{"Content-Length", "content-length"}, {"1", "1"}, 400},
    {{"Content-Length", "Transfer-Encoding"}, {"3", "x"}, 501},
    {{"transfer-ENCODING"}, {"chunked"}, 501},
    {{"Authorization", "Authorization"}, {"a", "b"}, 400},
    {{"Authorization", "Authorization"}, {"", "b"}, 400},
};

static void reads_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        struct http_request r = {.method = HTTP_OTHER};
        int status = 200;
        for (size_t j = 0; j < 2 && fields[i].names[j] != NULL; j++) {
            struct text name = exact(fields[i].names[j]), value = exact(fields[i].values[j]);
            assert_int_equal(status, 200);
            status = http_request_field(&r, name, value);
            free((void *)name.data);
            free((void *)value.data);
        }
        if (status != fields[i].status)
            fail_msg("%s: %s: %d, not %d", fields[i].names[0], fields[i].values[0], status,
                fields[i].status);
    }
}

static void keeps_what_counts(void **state)
{
    struct http_request r = {.method = HTTP_OTHER};
    (void)state;
    assert_int_equal(http_request_field(&r, TEXT("AUTHORIZATION"), TEXT(" Bearer x\t")), 200);
    assert_int_equal(http_request_field(&r, TEXT("content-length"), TEXT("12 ")), 200);
    assert_true(text_is(r.authorization, "Bearer x"));
    assert_int_equal(r.content_length, 12);
}

static void fields_have_a_limit(void **state)
{
    struct http_request r = {.method = HTTP_OTHER};
    (void)state;
    for (int i = 0; i < HTTP_MAX_FIELDS; i++)
        assert_int_equal(http_request_field(&r, TEXT("X"), TEXT("y")), 200);
    assert_int_equal(http_request_field(&r, TEXT("X"), TEXT("y")), 431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_lines),
        cmocka_unit_test(targets_have_a_limit),
        cmocka_unit_test(reads_fields),
        cmocka_unit_test(keeps_what_counts),
        cmocka_unit_test(fields_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
