/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/http_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

struct parse_case {
    const char *head;
    int status;
};

static const struct parse_case cases[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200},
    {"get / HTTP/1.1\r\nHost: a\r\n\r\n", 200}, /* another method, see below */
    {"GET / HTTP/1.0\r\n\r\n", 200},
    {"GET / HTTP/1.0\r\nHost:\r\n\r\n", 200},
    {"GET http://host:1/x?y HTTP/1.1\r\nhost:a\r\n\r\n", 200},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: \xc3\xa9\t\"\r\n\r\n", 200},
    {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", 200},
    {"", 0},
    {"G", 0},
    {"GET / HTTP/1.1\r\nHost: a\r\n", 0},
    {"GET / HTTP/1.1\r\nHost: a\r\n\r", 0},
    {"\x16\x03\x01", 400}, /* TLS */
    {" ", 400},
    {"\r\n", 400},
    {"GET / HTTP/1.1\nHost: a\n\n\r\n", 400},
    {"GET / HTTP/1.1\r\n\r\n", 400}, /* no Host */
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
    {"GET /\r\nHost: a\r\n\r\n", 400},
    {"GET / FTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
    {"CONNECT host:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET http://host HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: x\r\n\r\n", 501},
};

static int parse(const char *head, size_t len, struct http_request *out)
{
    struct bytes exact = exact_copy(bytes_of(head, len));
    int status = http_request_parse(text_from_bytes(exact), out);
    free((void *)exact.data);
    return status;
}

static void accepts_and_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_request request;
        int status = parse(cases[i].head, strlen(cases[i].head), &request);
        if (status != cases[i].status)
            fail_msg("%s: %d, not %d", cases[i].head, status, cases[i].status);
    }
}

/* What is accepted at the end was incomplete until then, and what follows changes nothing. */
static void needs_every_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_request request;
        size_t len = strlen(cases[i].head);
        if (cases[i].status != 200)
            continue;
        for (size_t part = 0; part < len; part++)
            assert_int_equal(parse(cases[i].head, part, &request), 0);
        assert_int_equal(parse(cases[i].head, len, &request), 200);
        assert_int_equal(request.head_len, len);
    }
}

static void reads_what_counts(void **state)
{
    static const char head[] = "DELETE http://h/turn/users/a%2Fb/../c?x=1?&y HTTP/1.1\r\n"
                               "HOST: a\r\ncontent-LENGTH: \t12 \r\n"
                               "Authorization:   Bearer x  \r\n\r\nbody";
    struct http_request r;
    (void)state;
    assert_int_equal(http_request_parse(text_from(head), &r), 200);
    assert_int_equal(r.method, HTTP_DELETE);
    assert_true(text_is(r.path, "/turn/users/a%2Fb/../c")); /* as it is */
    assert_true(text_is(r.query, "x=1?&y"));
    assert_true(text_is(r.authorization, "Bearer x"));
    assert_int_equal(r.content_length, 12);
    assert_string_equal(head + r.head_len, "body");

    assert_int_equal(http_request_parse(TEXT("get /? HTTP/1.1\r\nHost: a\r\n\r\n"), &r), 200);
    assert_int_equal(r.method, HTTP_OTHER);
    assert_int_equal(r.query.len, 0);
    assert_null(r.authorization.data);
}

static int parse_filled(const char *before, size_t len, const char *after)
{
    char *head = malloc(len + 200);
    struct http_request request;
    assert_non_null(head);
    size_t at = (size_t)sprintf(head, "%s", before);
    memset(head + at, 'a', len);
    sprintf(head + at + len, "%s", after);
    int status = parse(head, strlen(head), &request);
    free(head);
    return status;
}

static void has_limits(void **state)
{
    static const char end[] = " HTTP/1.1\r\nHost: a\r\n\r\n",
                      field[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    size_t room = HTTP_MAX_HEAD - strlen(field) - 4;
    char many[4096] = "GET / HTTP/1.1\r\nHost: a\r\n";
    struct http_request request;
    (void)state;
    assert_int_equal(parse_filled("GET /", HTTP_MAX_TARGET - 1, end), 200);
    assert_int_equal(parse_filled("GET /", HTTP_MAX_TARGET, end), 414);
    assert_int_equal(parse_filled("GET /", HTTP_MAX_TARGET, ""), 414);
    assert_int_equal(parse_filled("GET /", 100000, end), 414);
    assert_int_equal(parse_filled(field, room, "\r\n\r\n"), 200);
    assert_int_equal(parse_filled(field, room + 1, "\r\n\r\n"), 431);
    assert_int_equal(parse_filled(field, room + 2, ""), 0);
    assert_int_equal(parse_filled(field, 100000, ""), 431);
    for (int i = 1; i < HTTP_MAX_FIELDS; i++)
        strcat(many, "X: y\r\n");
    size_t len = strlen(many);
    strcpy(many + len, "\r\n");
    assert_int_equal(parse(many, len + 2, &request), 200);
    strcpy(many + len, "X: y\r\n\r\n");
    assert_int_equal(parse(many, len + 8, &request), 431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_and_refuses),
        cmocka_unit_test(needs_every_byte),
        cmocka_unit_test(reads_what_counts),
        cmocka_unit_test(has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
