/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"
#include "mediaferry/stun.h"

static void writes_bytes_as_the_rfc_draws_them(void **state)
{
    static const uint16_t unknown[] = {0x7001, 0x7002, 0x7003};
    static const char *const expected_hex = "0111 0048 2112a442 303132333435363738396162"
                                            "0009 0007 00000414 556e6b 00"
                                            "000a 0006 7001 7002 7003 0000"
                                            "0024 0004 0a0b0c0d"
                                            "802a 0008 0102030405060708"
                                            "0025 0000"
                                            "8023 0008 0001 0d96 c0000201"
                                            "0020 0008 0001 2c84 e112a643";
    struct bytes expected = from_hex(expected_hex);
    struct address a;
    uint8_t memory[128];
    struct writer w = writer_over(memory, sizeof(memory));
    (void)state;

    assert_true(address_parse_with_port(TEXT("192.0.2.1:3478"), 0, &a));
    stun_begin(&w, stun_type(STUN_BINDING, STUN_ERROR), bytes_of("0123456789ab", 12));
    stun_write_error(&w, STUN_UNKNOWN_ATTRIBUTE, TEXT("Unk"));
    stun_write_unknown(&w, unknown, 3);
    stun_write_u32(&w, STUN_PRIORITY, 0x0a0b0c0d);
    stun_write_u64(&w, STUN_ICE_CONTROLLING, 0x0102030405060708);
    stun_write_attr(&w, STUN_USE_CANDIDATE, bytes_of(NULL, 0));
    stun_write_address(&w, STUN_ALTERNATE_SERVER, &a);
    stun_write_xor_address(&w, STUN_XOR_MAPPED_ADDRESS, &a);
    assert_true(bytes_equal(writer_bytes(&w), expected));
    free((void *)expected.data);
}

static void writes_what_turn_adds(void **state)
{
    static const char *const expected_hex = "0103 001c 2112a442 303132333435363738396162"
                                            "8004 0008 0000 0603 000005dc"
                                            "8001 0004 02 00 04 28"
                                            "8001 0004 01 00 05 08";
    struct bytes expected = from_hex(expected_hex);
    uint8_t memory[128];
    struct writer w = writer_over(memory, sizeof(memory));
    (void)state;

    stun_begin(&w, stun_type(STUN_ALLOCATE, STUN_SUCCESS), bytes_of("0123456789ab", 12));
    stun_write_icmp(&w, &(struct stun_icmp){.type = 3, .code = 3, .data = 1500});
    stun_write_address_error(&w, ADDRESS_IP6, STUN_ADDRESS_FAMILY_NOT_SUPPORTED);
    stun_write_address_error(&w, ADDRESS_IP4, STUN_INSUFFICIENT_CAPACITY);
    assert_int_equal(memory[3], expected.len - STUN_HEADER_SIZE);
    assert_true(bytes_equal(writer_bytes(&w), expected));
    free((void *)expected.data);
}

static void length_is_right_after_every_call(void **state)
{
    uint8_t memory[128];
    struct writer w = writer_over(memory, sizeof(memory));
    struct stun_message m;
    (void)state;
    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of("0123456789ab", 12));
    for (size_t len = 0; len < 6; len++) {
        assert_int_equal(stun_parse(writer_bytes(&w), &m), STUN_OK);
        stun_write_attr(&w, STUN_SOFTWARE, bytes_of("abcdef", len));
    }
    assert_int_equal(stun_parse(writer_bytes(&w), &m), STUN_OK);
}

static void too_long_is_a_failure(void **state)
{
    size_t size = 70000;
    uint8_t *memory = malloc(size);
    uint8_t *value = calloc(1, 65536);
    (void)state;
    assert_non_null(memory);
    assert_non_null(value);

    struct writer w = writer_over(memory, size);
    stun_begin(&w, stun_type(STUN_SEND, STUN_INDICATION), bytes_of("0123456789ab", 12));
    stun_write_attr(&w, STUN_DATA_ATTR, bytes_of(value, 65528));
    assert_true(writer_ok(&w));
    assert_int_equal(writer_bytes(&w).len, 20 + 65532);
    stun_write_attr(&w, STUN_SOFTWARE, bytes_of(NULL, 0)); /* the length field would wrap */
    assert_false(writer_ok(&w));

    w = writer_over(memory, size);
    stun_begin(&w, stun_type(STUN_SEND, STUN_INDICATION), bytes_of("0123456789ab", 12));
    stun_write_attr(&w, STUN_DATA_ATTR, bytes_of(value, 65536));
    assert_false(writer_ok(&w));
    free(memory);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_bytes_as_the_rfc_draws_them),
        cmocka_unit_test(writes_what_turn_adds),
        cmocka_unit_test(length_is_right_after_every_call),
        cmocka_unit_test(too_long_is_a_failure),
    };
    return cmocka_run_group_tests_name("stun write", tests, NULL, NULL);
}
