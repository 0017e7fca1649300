/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void reads_answers(void **state)
{
    static const struct {
        const char *raw;
        unsigned status;
        const char *type, *body;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\n", 200, "", ""},
        {"HTTP/1.0 404 Not Found\r\n\r\nx", 404, "", "x"},
        {"HTTP/1.1 599 \r\nA: b\r\n\r\n", 599, "", ""},
        {"HTTP/1.1 200\r\nCONTENT-LENGTH: 3\r\nContent-Type: application/json\r\n\r\nabc", 200,
            "application/json", "abc"},
        {"HTTP/1.1 200 OK\r\nContent-Type:text/plain ; charset=utf-8\r\n\r\na\r\nb", 200,
            "text/plain", "a\r\nb"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ctl_reply reply;
        if (!ctl_reply_read(text_from(cases[i].raw), &reply))
            fail_msg("%s", cases[i].raw);
        assert_int_equal(reply.status, cases[i].status);
        assert_true(text_is(reply.type, cases[i].type));
        assert_true(text_is(reply.body, cases[i].body));
    }
}

static void refuses_the_rest(void **state)
{
    static const char *const cases[] = {
        "",
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\n\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 600 X\r\n\r\n",
        "HTTP/1.1 -200 X\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", /* cut off */
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ctl_reply reply;
        if (ctl_reply_read(text_from(cases[i]), &reply))
            fail_msg("%s", cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_answers),
        cmocka_unit_test(refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
