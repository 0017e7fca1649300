/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"
#include "mediaferry/stun.h"

#define COOKIE_AND_ID "2112a442 0102030405060708090a0b0c"
#define SUCCESS_IP4 "0101 000c" COOKIE_AND_ID "0020 0008 0001 2c84 e112a643"

static const struct {
    const char *request, *source;
    const char *reply; /* "": none */
} cases[] = {
    {"0001 0000" COOKIE_AND_ID, "192.0.2.1:3478", SUCCESS_IP4},
    {"0001 0000" COOKIE_AND_ID, "[2001:db8::1]:3478",
        "0101 0018" COOKIE_AND_ID "0020 0014 0002 2c84 0113a9fa 01020304 05060708 090a0b0d"},
    /* optional attributes are passed over, credentials too */
    {"0001 0008" COOKIE_AND_ID "8abc 0001 61000000", "192.0.2.1:3478", SUCCESS_IP4},
    {"0001 0008" COOKIE_AND_ID "0006 0001 61000000", "192.0.2.1:3478", SUCCESS_IP4},
    /* CHANGE-REQUEST and an attribute of nobody: refused, naming both once */
    {"0001 0008" COOKIE_AND_ID "0003 0004 00000006", "192.0.2.1:3478",
        "0111 0010" COOKIE_AND_ID "0009 0004 00000414 000a 0002 0003 0000"},
    {"0001 0010" COOKIE_AND_ID "0003 0004 00000006 7fff 0000 7fff 0000", "192.0.2.1:3478",
        "0111 0010" COOKIE_AND_ID "0009 0004 00000414 000a 0004 0003 7fff"},
    /* no requests, or not for us */
    {"0101 0000" COOKIE_AND_ID, "192.0.2.1:3478", ""},
    {"0111 0000" COOKIE_AND_ID, "192.0.2.1:3478", ""},
    {"0011 0000" COOKIE_AND_ID, "192.0.2.1:3478", ""},
    {"0003 0000" COOKIE_AND_ID, "192.0.2.1:3478", ""},
    {"0001 0000 00000000 0102030405060708090a0b0c", "192.0.2.1:3478", ""},
    {"0001 0000" COOKIE_AND_ID "00", "192.0.2.1:3478", ""},
    {"0001 0000", "192.0.2.1:3478", ""},
    {"", "192.0.2.1:3478", ""},
    /* a wrong fingerprint */
    {"0001 0008" COOKIE_AND_ID "8028 0004 01020304", "192.0.2.1:3478", ""},
};

static void answers_as_the_rfc_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes request = from_hex(cases[i].request);
        struct bytes expected = from_hex(cases[i].reply);
        struct address source;
        uint8_t memory[128];
        struct writer reply = writer_over(memory, sizeof(memory));

        assert_true(address_parse_with_port(text_from(cases[i].source), 0, &source));
        enum stun_answer answer = stun_answer_binding(request, &source, TEXT("mediaferry"), &reply);
        if (!bytes_equal(writer_bytes(&reply), expected))
            print_message("# case %zu\n", i);
        assert_true(bytes_equal(writer_bytes(&reply), expected));
        assert_int_equal(answer == STUN_ANSWER_NONE, expected.len == 0);
        if (expected.len > 0)
            assert_int_equal(answer == STUN_ANSWER_UNKNOWN_ATTRIBUTE, memory[1] == 0x11);
        free((void *)request.data);
        free((void *)expected.data);
    }
}

static size_t reply_len(struct bytes request, const char *software, struct stun_message *m)
{
    static uint8_t memory[256];
    struct writer reply = writer_over(memory, sizeof(memory));
    struct address source;
    assert_true(address_parse_with_port(TEXT("192.0.2.1:3478"), 0, &source));
    assert_int_equal(
        stun_answer_binding(request, &source, text_from(software), &reply), STUN_ANSWER_SUCCESS);
    assert_int_equal(stun_parse(writer_bytes(&reply), m), STUN_OK);
    return reply.len;
}

static void software_never_makes_the_reply_longer_than_the_request(void **state)
{
    (void)state;
    for (size_t filler = 0; filler <= 64; filler += 4) {
        uint8_t memory[128];
        static const uint8_t zeros[64];
        struct stun_message m;
        struct writer w = writer_over(memory, sizeof(memory));
        stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of("0123456789ab", 12));
        stun_write_attr(&w, 0x8abc, bytes_of(zeros, filler));
        stun_write_fingerprint(&w);

        size_t len = reply_len(writer_bytes(&w), "mediaferry", &m);
        assert_int_equal(stun_check_fingerprint(&m), STUN_CHECK_RIGHT);
        assert_int_equal(stun_has(&m, STUN_SOFTWARE), w.len >= 40 + 16);
        assert_true(len == 40 || len <= w.len);
    }
}

static void a_full_writer_is_no_answer(void **state)
{
    struct bytes request = from_hex("0001 0000" COOKIE_AND_ID);
    struct address source;
    uint8_t memory[32];
    (void)state;
    assert_true(address_parse_with_port(TEXT("192.0.2.1:3478"), 0, &source));
    for (size_t room = 0; room <= sizeof(memory); room++) {
        struct writer reply = writer_over(memory, room);
        assert_int_equal(stun_answer_binding(request, &source, text_of(NULL, 0), &reply),
            room < 32 ? STUN_ANSWER_NONE : STUN_ANSWER_SUCCESS);
    }
    free((void *)request.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_the_rfc_says),
        cmocka_unit_test(software_never_makes_the_reply_longer_than_the_request),
        cmocka_unit_test(a_full_writer_is_no_answer),
    };
    return cmocka_run_group_tests_name("stun binding", tests, NULL, NULL);
}
