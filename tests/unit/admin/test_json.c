/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void check(struct str *written, const char *expected)
{
    assert_true(str_ok(written));
    assert_string_equal(str_string(written), expected);
    str_done(written);
}

static void credentials_serve_browsers_and_the_draft(void **state)
{
    const struct text uris[] = {TEXT("turn:t.example:3478?transport=udp"), TEXT("turns:t.example")};
    struct admin_credentials c = {.username = TEXT("1700000600:anna"),
        .password = TEXT("c2VjcmV0\"/"),
        .realm = TEXT("example.org"),
        .uris = uris,
        .uri_count = 2,
        .ttl_s = 600,
        .expires_s = 1700000600};
    struct str out = {.data = NULL};
    (void)state;
    admin_json_credentials(&out, &c);
    check(&out,
        "{\"iceServers\":[{\"urls\":[\"turn:t.example:3478?transport=udp\",\"turns:t.example\"],"
        "\"username\":\"1700000600:anna\",\"credential\":\"c2VjcmV0\\\"/\"}],"
        "\"username\":\"1700000600:anna\",\"password\":\"c2VjcmV0\\\"/\",\"realm\":\"example.org\","
        "\"uris\":[\"turn:t.example:3478?transport=udp\",\"turns:t.example\"],"
        "\"ttl\":600,\"expires\":1700000600}\n");
}

static void rows_show_what_there_is(void **state)
{
    struct admin_allocation rows[] = {
        {.id = UINT64_MAX,
            .user = TEXT("a\xff\"<\n"),
            .realm = TEXT("r"),
            .client = TEXT("192.0.2.1:5"),
            .server = TEXT("192.0.2.9:3478"),
            .transport = TEXT("udp"),
            .relayed = TEXT("192.0.2.9:49152"),
            .relayed_second = TEXT("[2001:db8::9]:49152"),
            .is_tcp = true,
            .worker = 3,
            .age_s = 1,
            .expires_in_s = 599,
            .permissions = 2,
            .channels = 1,
            .from_client = {10, 1000},
            .from_peers = {UINT64_MAX, 7}},
        {.id = 1, .is_mobile = true},
    };
    struct str out = {.data = NULL};
    (void)state;
    admin_json_allocations(&out, rows, COUNT_OF(rows), 5);
    check(&out,
        "{\"allocations\":[{\"id\":\"18446744073709551615\",\"user\":\"a?\\\"<\\n\",\"realm\":"
        "\"r\","
        "\"transport\":\"udp\",\"client\":\"192.0.2.1:5\",\"server\":\"192.0.2.9:3478\","
        "\"relayed\":[\"192.0.2.9:49152\",\"[2001:db8::9]:49152\"],\"tcp\":true,\"mobile\":false,"
        "\"worker\":3,\"age\":1,\"expires_in\":599,\"permissions\":2,\"channels\":1,"
        "\"connections\":0,\"from_client\":{\"packets\":10,\"bytes\":1000},"
        "\"from_peers\":{\"packets\":9223372036854775807,\"bytes\":7}},"
        "{\"id\":\"1\",\"relayed\":[],\"tcp\":false,\"mobile\":true,\"worker\":0,\"age\":0,"
        "\"expires_in\":0,\"permissions\":0,\"channels\":0,\"connections\":0,"
        "\"from_client\":{\"packets\":0,\"bytes\":0},\"from_peers\":{\"packets\":0,\"bytes\":0}}],"
        "\"count\":2,\"total\":5}\n");
    admin_json_allocations(&out, NULL, 0, 0);
    check(&out, "{\"allocations\":[],\"count\":0,\"total\":0}\n");
}

static void small_answers(void **state)
{
    struct str out = {.data = NULL};
    (void)state;
    admin_json_ended(&out, 3);
    check(&out, "{\"ended\":3}\n");
    admin_json_drain(&out, true, 12);
    check(&out, "{\"draining\":true,\"allocations\":12}\n");
    admin_json_error(&out, TEXT("no \"such\" thing"));
    check(&out, "{\"error\":\"no \\\"such\\\" thing\"}\n");
}

static void reads_the_body_of_a_drain(void **state)
{
    static const struct {
        const char *body;
        int count; /* -1: refused */
    } cases[] = {
        {"", 0},
        {"{}", 0},
        {"{\"alternate-server\":\"192.0.2.1\"}", 1},
        {" {\"alternate-server\":[]} ", 0},
        {"{\"alternate-server\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\"]}", 8},
        {"{\"alternate-server\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]}", -1},
        {"{\"alternate-server\":\"\"}", -1},
        {"{\"alternate-server\":1}", -1},
        {"{\"alternate-server\":null}", -1},
        {"{\"alternate-server\":[\"a\",1]}", -1},
        {"{\"alternate-server\":{\"a\":\"b\"}}", -1},
        {"{\"alternate-server\":\"a\",\"alternate-server\":\"b\"}", -1},
        {"{\"alternate\":\"a\"}", -1},
        {"{\"alternate-server\":\"a\",\"x\":1}", -1},
        {"[]", -1},
        {"[\"a\"]", -1},
        {"null", -1},
        {"x", -1},
        {"{", -1},
        {"{}{}", -1},
        {"alternate-server=a", -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct admin_drain_body body;
        bool ok = admin_drain_body_read(text_from(cases[i].body), true, &body);
        if ((ok ? (int)body.how.alternate_count : -1) != cases[i].count)
            fail_msg("%s", cases[i].body);
        if (ok && cases[i].count == 8)
            assert_true(text_is(body.alternates[7], "h"));
        admin_drain_body_done(&body);
    }
}

static void reads_how_the_process_drains(void **state)
{
    static const struct {
        const char *body;
        int alternates; /* -1: refused */
        bool exit, has_timeout;
        unsigned timeout_s;
    } cases[] = {
        {"", 0, false, false, 0},
        {"{}", 0, false, false, 0},
        {"{\"exit\":false}", 0, false, false, 0},
        {"{\"exit\":true}", 0, true, false, 0},
        {"{\"exit\":true,\"timeout\":0}", 0, true, true, 0},
        {"{\"timeout\":90,\"exit\":true,\"alternate-server\":\"a\"}", 1, true, true, 90},
        {"{\"timeout\":90}", -1, false, false, 0},
        {"{\"exit\":false,\"timeout\":90}", -1, false, false, 0},
        {"{\"exit\":1}", -1, false, false, 0},
        {"{\"exit\":true,\"timeout\":-1}", -1, false, false, 0},
        {"{\"exit\":true,\"timeout\":1.5}", -1, false, false, 0},
        {"{\"exit\":true,\"timeout\":31622401}", -1, false, false, 0},
        {"{\"wait\":true}", -1, false, false, 0},
        {"[true]", -1, false, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct admin_drain_body body;
        bool ok = admin_drain_body_read(text_from(cases[i].body), false, &body);
        if ((ok ? (int)body.how.alternate_count : -1) != cases[i].alternates)
            fail_msg("%s", cases[i].body);
        assert_int_equal(ok && body.how.exit, cases[i].exit);
        assert_int_equal(ok && body.how.has_timeout, cases[i].has_timeout);
        if (ok)
            assert_int_equal(body.how.timeout_s, cases[i].timeout_s);
        admin_drain_body_done(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_serve_browsers_and_the_draft),
        cmocka_unit_test(rows_show_what_there_is),
        cmocka_unit_test(small_answers),
        cmocka_unit_test(reads_the_body_of_a_drain),
        cmocka_unit_test(reads_how_the_process_drains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
