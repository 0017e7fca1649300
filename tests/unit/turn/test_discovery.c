/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"
#include "turn/discovery.h"

#define COOKIE_AND_ID "2112a442 0102030405060708090a0b0c"
#define CHANGE "0003 0004 000000"
#define MAPPED "0020 0008 0001 2c84 e112a643 0001 0008 0001 0d96 c0000201"

static struct address at(const char *text)
{
    struct address a;
    assert_true(address_parse_with_port(text_from(text), 0, &a));
    return a;
}

static struct turn_discovery square(void)
{
    return (struct turn_discovery){
        .is_on = true,
        .at = {{at("10.0.0.1:3478"), at("10.0.0.1:3479")},
            {at("10.0.0.2:3478"), at("10.0.0.2:3479")}},
    };
}

#define ORIGIN_11 "802b 0008 0001 0d96 0a000001"
#define ORIGIN_12 "802b 0008 0001 0d97 0a000001"
#define ORIGIN_21 "802b 0008 0001 0d96 0a000002"
#define ORIGIN_22 "802b 0008 0001 0d97 0a000002"
#define OTHER_11 "802c 0008 0001 0d96 0a000001"
#define OTHER_12 "802c 0008 0001 0d97 0a000001"
#define OTHER_21 "802c 0008 0001 0d96 0a000002"
#define OTHER_22 "802c 0008 0001 0d97 0a000002"
#define SUCCESS "0101 0030" COOKIE_AND_ID MAPPED

static const struct {
    const char *what, *server;
    bool is_datagram;
    const char *request, *reply, *from, *to;
} cases[] = {
    {"plain", "10.0.0.1:3478", true, "0001 0000" COOKIE_AND_ID, SUCCESS ORIGIN_11 OTHER_22,
        "10.0.0.1:3478", "192.0.2.1:3478"},
    {"plain, elsewhere", "10.0.0.2:3479", true, "0001 0000" COOKIE_AND_ID,
        SUCCESS ORIGIN_22 OTHER_11, "10.0.0.2:3479", "192.0.2.1:3478"},
    {"plain, over TCP", "10.0.0.1:3479", false, "0001 0000" COOKIE_AND_ID,
        SUCCESS ORIGIN_12 OTHER_21, "10.0.0.1:3479", "192.0.2.1:3478"},
    {"no flag", "10.0.0.1:3478", true, "0001 0008" COOKIE_AND_ID CHANGE "00",
        SUCCESS ORIGIN_11 OTHER_22, "10.0.0.1:3478", "192.0.2.1:3478"},
    {"port", "10.0.0.1:3478", true, "0001 0008" COOKIE_AND_ID CHANGE "02",
        SUCCESS ORIGIN_12 OTHER_22, "10.0.0.1:3479", "192.0.2.1:3478"},
    {"ip", "10.0.0.1:3478", true, "0001 0008" COOKIE_AND_ID CHANGE "04", SUCCESS ORIGIN_21 OTHER_22,
        "10.0.0.2:3478", "192.0.2.1:3478"},
    {"both", "10.0.0.1:3478", true, "0001 0008" COOKIE_AND_ID CHANGE "06",
        SUCCESS ORIGIN_22 OTHER_22, "10.0.0.2:3479", "192.0.2.1:3478"},
    {"both, back", "10.0.0.2:3479", true, "0001 0008" COOKIE_AND_ID CHANGE "06",
        SUCCESS ORIGIN_11 OTHER_11, "10.0.0.1:3478", "192.0.2.1:3478"},
    {"reserved bits", "10.0.0.1:3478", true, "0001 0008" COOKIE_AND_ID "0003 0004 fffffff9",
        SUCCESS ORIGIN_11 OTHER_22, "10.0.0.1:3478", "192.0.2.1:3478"},
    {"another port", "10.0.0.1:3478", true, "0001 0008" COOKIE_AND_ID "0027 0004 1f900000",
        SUCCESS ORIGIN_11 OTHER_22, "10.0.0.1:3478", "192.0.2.1:8080"},
    {"another port, unpadded", "10.0.0.1:3478", true,
        "0001 0008" COOKIE_AND_ID "0027 0002 1f900000", SUCCESS ORIGIN_11 OTHER_22, "10.0.0.1:3478",
        "192.0.2.1:8080"},
    {"both kinds", "10.0.0.1:3478", true,
        "0001 0010" COOKIE_AND_ID "0027 0004 1f900000" CHANGE "04", SUCCESS ORIGIN_21 OTHER_22,
        "10.0.0.2:3478", "192.0.2.1:8080"},
    {"little padding", "10.0.0.1:3478", true, "0001 0008" COOKIE_AND_ID "0026 0004 00000000",
        "0101 0034" COOKIE_AND_ID MAPPED ORIGIN_11 OTHER_22 "0026 0000", "10.0.0.1:3478",
        "192.0.2.1:3478"},
    {"port 0", "10.0.0.1:3478", true, "0001 0008" COOKIE_AND_ID "0027 0004 00000000",
        "0111 0008" COOKIE_AND_ID "0009 0004 00000400", "10.0.0.1:3478", "192.0.2.1:3478"},
    {"no port", "10.0.0.1:3478", true, "0001 0004" COOKIE_AND_ID "0027 0000",
        "0111 0008" COOKIE_AND_ID "0009 0004 00000400", "10.0.0.1:3478", "192.0.2.1:3478"},
    {"short flags", "10.0.0.1:3478", true, "0001 0008" COOKIE_AND_ID "0003 0002 00060000",
        "0111 0008" COOKIE_AND_ID "0009 0004 00000400", "10.0.0.1:3478", "192.0.2.1:3478"},
    {"port and padding", "10.0.0.1:3478", true,
        "0001 0010" COOKIE_AND_ID "0027 0004 1f900000 0026 0004 00000000",
        "0111 0008" COOKIE_AND_ID "0009 0004 00000400", "10.0.0.1:3478", "192.0.2.1:3478"},
    {"something unknown", "10.0.0.1:3478", true,
        "0001 0010" COOKIE_AND_ID CHANGE "06 7fff 0004 00000000",
        "0111 0010" COOKIE_AND_ID "0009 0004 00000414 000a 0002 7fff 0000", "10.0.0.1:3478",
        "192.0.2.1:3478"},
    {"flags over TCP", "10.0.0.1:3478", false, "0001 0008" COOKIE_AND_ID CHANGE "06",
        "0111 0010" COOKIE_AND_ID "0009 0004 00000414 000a 0002 0003 0000", "10.0.0.1:3478",
        "192.0.2.1:3478"},
    {"flags, none of the four", "10.0.0.3:3478", true, "0001 0008" COOKIE_AND_ID CHANGE "06",
        "0111 0010" COOKIE_AND_ID "0009 0004 00000414 000a 0002 0003 0000", "10.0.0.3:3478",
        "192.0.2.1:3478"},
    {"plain, none of the four", "10.0.0.3:3478", true, "0001 0000" COOKIE_AND_ID,
        "0101 000c" COOKIE_AND_ID "0020 0008 0001 2c84 e112a643", "10.0.0.3:3478",
        "192.0.2.1:3478"},
    {"an indication", "10.0.0.1:3478", true, "0011 0000" COOKIE_AND_ID, "", "", ""},
    {"a wrong fingerprint", "10.0.0.1:3478", true, "0001 0008" COOKIE_AND_ID "8028 0004 00000000",
        "", "", ""},
};

static void answers_as_the_rfc_says(void **state)
{
    (void)state;
    const struct turn_discovery discovery = square();
    const struct address client = at("192.0.2.1:3478");

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes request = from_hex(cases[i].request), expected = from_hex(cases[i].reply);
        struct address server = at(cases[i].server);
        uint8_t memory[256];
        struct writer reply = writer_over(memory, sizeof(memory));
        struct stun_message m;
        struct binding_route route;

        assert_int_equal(stun_parse(request, &m), STUN_OK);
        enum stun_answer answer = discovery_answer(
            &discovery, &m, &client, &server, cases[i].is_datagram, &reply, &route);
        if (!bytes_equal(writer_bytes(&reply), expected))
            fail_msg("%s", cases[i].what);
        assert_int_equal(answer == STUN_ANSWER_NONE, expected.len == 0);
        if (answer != STUN_ANSWER_NONE) {
            struct address from = at(cases[i].from), to = at(cases[i].to);
            assert_true(address_equal(&route.from, &from));
            assert_true(address_equal(&route.to, &to));
        }
        free((void *)request.data);
        free((void *)expected.data);
    }
}

/* W6, and no word of other addresses. */
static void is_a_plain_service_when_off(void **state)
{
    (void)state;
    struct turn_discovery off = square();
    const struct address client = at("192.0.2.1:3478"), server = at("10.0.0.1:3478");
    static const char *const pairs[][2] = {
        {"0001 0000" COOKIE_AND_ID, "0101 000c" COOKIE_AND_ID "0020 0008 0001 2c84 e112a643"},
        {"0001 0018" COOKIE_AND_ID CHANGE "06 0026 0004 00000000 0027 0004 1f900000",
            "0111 0014" COOKIE_AND_ID "0009 0004 00000414 000a 0006 0003 0026 0027 0000"},
    };
    off.is_on = false;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct bytes request = from_hex(pairs[i][0]), expected = from_hex(pairs[i][1]);
        uint8_t memory[256];
        struct writer reply = writer_over(memory, sizeof(memory));
        struct stun_message m;
        struct binding_route route;

        assert_int_equal(stun_parse(request, &m), STUN_OK);
        assert_int_not_equal(
            discovery_answer(&off, &m, &client, &server, true, &reply, &route), STUN_ANSWER_NONE);
        assert_true(bytes_equal(writer_bytes(&reply), expected));
        assert_true(address_equal(&route.from, &server));
        free((void *)request.data);
        free((void *)expected.data);
    }
}

static void tells_addresses_as_seen_from_outside(void **state)
{
    (void)state;
    struct turn_discovery discovery = square();
    const struct address client = at("192.0.2.1:3478"), server = at("10.0.0.1:3478");
    struct bytes request = from_hex("0001 0008" COOKIE_AND_ID CHANGE "02");
    struct bytes expected = from_hex(SUCCESS "802b 0008 0001 0d97 cb007101" OTHER_22);
    uint8_t memory[256];
    struct writer reply = writer_over(memory, sizeof(memory));
    struct stun_message m;
    struct binding_route route;

    discovery.seen[0][1] = at("203.0.113.1:3479");
    assert_int_equal(stun_parse(request, &m), STUN_OK);
    assert_int_equal(discovery_answer(&discovery, &m, &client, &server, true, &reply, &route),
        STUN_ANSWER_SUCCESS);
    assert_true(bytes_equal(writer_bytes(&reply), expected));
    assert_true(address_equal(&route.from, &discovery.at[0][1]));
    free((void *)request.data);
    free((void *)expected.data);
}

/* A padded answer is as long as its request, to the multiple of four, and no longer. */
static void pads_no_more_than_was_paid_for(void **state)
{
    (void)state;
    const struct turn_discovery discovery = square();
    const struct address client = at("192.0.2.1:3478"), server = at("10.0.0.1:3478");
    static const uint8_t zeros[1900];

    for (size_t len = 0; len <= sizeof(zeros); len += 100) {
        for (int with_fingerprint = 0; with_fingerprint < 2; with_fingerprint++) {
            uint8_t memory[2048], answer[2048];
            struct writer w = writer_over(memory, sizeof(memory));
            struct writer reply = writer_over(answer, sizeof(answer));
            struct stun_message m, back;
            struct binding_route route;
            struct bytes padding;

            stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of(zeros, STUN_ID_SIZE));
            stun_write_attr(&w, STUN_PADDING, bytes_of(zeros, len));
            if (with_fingerprint)
                stun_write_fingerprint(&w);
            assert_int_equal(stun_parse(writer_bytes(&w), &m), STUN_OK);
            assert_int_equal(
                discovery_answer(&discovery, &m, &client, &server, true, &reply, &route),
                STUN_ANSWER_SUCCESS);
            assert_int_equal(stun_parse(writer_bytes(&reply), &back), STUN_OK);
            assert_true(stun_find(&back, STUN_PADDING, &padding));
            assert_int_equal(stun_check_fingerprint(&back),
                with_fingerprint ? STUN_CHECK_RIGHT : STUN_CHECK_ABSENT);
            if (len >= 100 && len <= 1500)
                assert_int_equal(reply.len, w.len);
            assert_true(padding.len <= 1500);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_the_rfc_says),
        cmocka_unit_test(is_a_plain_service_when_off),
        cmocka_unit_test(tells_addresses_as_seen_from_outside),
        cmocka_unit_test(pads_no_more_than_was_paid_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
