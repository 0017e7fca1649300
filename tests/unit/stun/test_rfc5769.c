/* SPDX-License-Identifier: Apache-2.0 */
#include "rfc5769.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"
#include "stun/integrity.h"

static struct bytes password(void)
{
    return text_bytes(TEXT(RFC5769_PASSWORD));
}

static void checks_and_values_are_right(void **state)
{
    static const struct {
        const char *hex;
        uint16_t type;
        const char *software, *mapped;
    } cases[] = {
        {RFC5769_REQUEST, 0x0001, "STUN test client", NULL},
        {RFC5769_RESPONSE_IP4, 0x0101, "test vector", "192.0.2.1:32853"},
        {RFC5769_RESPONSE_IP6, 0x0101, "test vector",
            "[2001:db8:1234:5678:11:2233:4455:6677]:32853"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes datagram = from_hex(cases[i].hex);
        struct stun_message m;
        struct bytes value;
        struct address mapped;
        char text[ADDRESS_TEXT_SIZE];

        assert_int_equal(stun_parse(datagram, &m), STUN_OK);
        assert_int_equal(m.type, cases[i].type);
        assert_int_equal(stun_check_fingerprint(&m), STUN_CHECK_RIGHT);
        assert_int_equal(stun_check_integrity(&m, password()), STUN_CHECK_RIGHT);
        assert_true(stun_find(&m, STUN_SOFTWARE, &value));
        assert_true(text_is(text_from_bytes(value), cases[i].software));
        if (cases[i].mapped != NULL) {
            assert_true(stun_find(&m, STUN_XOR_MAPPED_ADDRESS, &value));
            assert_true(stun_read_xor_address(&m, value, &mapped));
            assert_string_equal(address_text(&mapped, text), cases[i].mapped);
        }
        free((void *)datagram.data);
    }
}

static void request_carries_its_ice_attributes(void **state)
{
    struct bytes datagram = from_hex(RFC5769_REQUEST);
    struct stun_message m;
    struct bytes value;
    uint32_t priority = 0;
    uint64_t tie_breaker = 0;
    (void)state;

    assert_int_equal(stun_parse(datagram, &m), STUN_OK);
    assert_true(stun_find(&m, STUN_USERNAME, &value));
    assert_true(text_is(text_from_bytes(value), "evtj:h6vY"));
    assert_true(stun_find(&m, STUN_PRIORITY, &value) && stun_read_u32(value, &priority));
    assert_int_equal(priority, 0x6e0001ff);
    assert_true(stun_find(&m, STUN_ICE_CONTROLLED, &value) && stun_read_u64(value, &tie_breaker));
    assert_true(tie_breaker == 0x932ff9b151263b36u);
    free((void *)datagram.data);
}

static void long_term_key_verifies(void **state)
{
    struct bytes datagram = from_hex(RFC5769_LONG_TERM);
    struct bytes key = from_hex(RFC5769_LONG_TERM_KEY);
    struct stun_message m;
    (void)state;
    assert_int_equal(stun_parse(datagram, &m), STUN_OK);
    assert_int_equal(stun_check_integrity(&m, key), STUN_CHECK_RIGHT);
    assert_int_equal(stun_check_fingerprint(&m), STUN_CHECK_ABSENT);
    free((void *)datagram.data);
    free((void *)key.data);
}

/* The vectors pad with spaces, we with zeros: the padding of ours is then made theirs. */
static void writes_the_response_of_the_rfc(void **state)
{
    struct bytes expected = from_hex(RFC5769_RESPONSE_IP6);
    uint8_t memory[128];
    struct writer w = writer_over(memory, sizeof(memory));
    struct address mapped;
    (void)state;

    assert_true(
        address_parse_with_port(TEXT("[2001:db8:1234:5678:11:2233:4455:6677]:32853"), 0, &mapped));
    stun_begin(&w, stun_type(STUN_BINDING, STUN_SUCCESS), bytes_of(expected.data + 8, 12));
    stun_write_attr(&w, STUN_SOFTWARE, text_bytes(TEXT("test vector")));
    assert_int_equal(memory[35], 0);
    memory[35] = ' ';
    stun_write_xor_address(&w, STUN_XOR_MAPPED_ADDRESS, &mapped);
    stun_write_integrity(&w, password());
    stun_write_fingerprint(&w);
    assert_true(bytes_equal(writer_bytes(&w), expected));
    free((void *)expected.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_and_values_are_right),
        cmocka_unit_test(request_carries_its_ice_attributes),
        cmocka_unit_test(long_term_key_verifies),
        cmocka_unit_test(writes_the_response_of_the_rfc),
    };
    return cmocka_run_group_tests_name("RFC 5769", tests, NULL, NULL);
}
