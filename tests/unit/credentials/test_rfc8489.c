/* SPDX-License-Identifier: Apache-2.0 */
/* The vector of RFC 8489, appendix B.1, as corrected by the RFC's erratum 6268: the length in the
 * header, and the algorithm that makes the key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "credentials/long_term.h"
#include "hex.h"
#include "stun/integrity.h"

#define USER "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9"
#define HEADER "00010090 2112a442 78ad3433c6ad72c029da412e"
#define USERHASH "4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704"
#define NONCE_HEX                                                                                  \
    "6f624d61744a6f733241414143662f2f3439396b39"                                                   \
    "353464364f4c33346f4c39465354767936347341"
#define INTEGRITY "b5c7bf005b6c52a21c51c5e892f81924136296cb927c43149309278cc6518e65"
#define MESSAGE                                                                                    \
    HEADER "001e0020" USERHASH "00150029" NONCE_HEX "000000"                                       \
           "0014000b 6578616d706c652e6f7267 00"                                                    \
           "001d0004 00020000"                                                                     \
           "001c0020" INTEGRITY

static void key_of_the_rfc(struct long_term_keys *keys)
{
    assert_true(long_term_derive(TEXT(USER), TEXT("example.org"), TEXT("TheMatrIX"), keys));
}

static void the_message_is_read_and_proved(void **state)
{
    struct bytes datagram = from_hex(MESSAGE);
    struct stun_message m;
    struct bytes value;
    struct long_term_keys keys;
    uint8_t hash[LONG_TERM_USERHASH_SIZE];
    (void)state;

    key_of_the_rfc(&keys);
    assert_int_equal(stun_parse(datagram, &m), STUN_OK);
    assert_true(stun_find(&m, STUN_NONCE, &value));
    assert_true(text_is(text_from_bytes(value), "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA"));
    assert_true(long_term_userhash(TEXT(USER), TEXT("example.org"), hash));
    assert_true(stun_find(&m, STUN_USERHASH, &value));
    assert_true(bytes_equal(value, bytes_of(hash, sizeof(hash))));
    assert_int_equal(stun_check_integrity_sha256(&m, long_term_key(&keys, PASSWORD_SHA256), 32),
        STUN_CHECK_RIGHT);
    assert_int_equal(
        stun_check_integrity_sha256(&m, long_term_key(&keys, PASSWORD_MD5), 32), STUN_CHECK_WRONG);
    free((void *)datagram.data);
}

static void the_message_is_written(void **state)
{
    struct bytes expected = from_hex(MESSAGE);
    uint8_t memory[256], hash[LONG_TERM_USERHASH_SIZE];
    struct writer w = writer_over(memory, sizeof(memory));
    struct long_term_keys keys;
    (void)state;

    key_of_the_rfc(&keys);
    assert_true(long_term_userhash(TEXT(USER), TEXT("example.org"), hash));
    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of(expected.data + 8, 12));
    stun_write_attr(&w, STUN_USERHASH, bytes_of(hash, sizeof(hash)));
    stun_write_attr(&w, STUN_NONCE, text_bytes(TEXT("obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA")));
    stun_write_attr(&w, STUN_REALM, text_bytes(TEXT("example.org")));
    stun_write_u32(&w, STUN_PASSWORD_ALGORITHM, (uint32_t)PASSWORD_SHA256 << 16);
    stun_write_integrity_sha256(&w, long_term_key(&keys, PASSWORD_SHA256));
    assert_true(bytes_equal(writer_bytes(&w), expected));
    free((void *)expected.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_message_is_read_and_proved),
        cmocka_unit_test(the_message_is_written),
    };
    return cmocka_run_group_tests_name("RFC 8489", tests, NULL, NULL);
}
