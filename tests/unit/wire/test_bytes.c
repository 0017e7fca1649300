/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

static void reads_big_endian_and_sticks_on_failure(void **state)
{
    (void)state;
    struct bytes input = from_hex("01 0203 040506 0708090a 0b0c0d0e0f101112 13");
    struct reader r = reader_over(input);
    assert_int_equal(reader_u8(&r), 0x01);
    assert_int_equal(reader_u16(&r), 0x0203);
    assert_int_equal(reader_u24(&r), 0x040506);
    assert_int_equal(reader_u32(&r), 0x0708090a);
    assert_true(reader_u64(&r) == 0x0b0c0d0e0f101112u);
    assert_int_equal(reader_left(&r), 1);
    assert_int_equal(reader_u16(&r), 0); /* one byte is left: none is read */
    assert_false(reader_ok(&r));
    assert_int_equal(reader_u8(&r), 0); /* and it stays failed */
    free((void *)input.data);
}

static void writes_until_full_and_no_further(void **state)
{
    (void)state;
    uint8_t memory[7] = {0};
    struct writer w = writer_over(memory, 6);
    writer_u32(&w, 0x01020304);
    writer_u16(&w, 0x0506);
    assert_int_equal(writer_bytes(&w).len, 6);
    writer_u8(&w, 0x07);
    assert_false(writer_ok(&w));
    assert_int_equal(writer_bytes(&w).len, 0);
    assert_int_equal(memory[6], 0);
    assert_int_equal(memory[5], 6);
}

static void cuts_text(void **state)
{
    (void)state;
    struct text t = TEXT("a=b=c");
    assert_true(text_is(text_cut(&t, '='), "a"));
    assert_true(text_is(t, "b=c"));
    t = TEXT("  two  words");
    assert_true(text_is(text_word(&t, ' '), "two"));
    assert_true(text_is(text_word(&t, ' '), "words"));
    assert_int_equal(text_word(&t, ' ').len, 0);
    assert_true(text_is_nocase(TEXT("UDP"), "udp"));
    assert_true(text_is(text_trim(TEXT(" \tx ")), "x"));
}

static void reads_numbers_within_their_limit(void **state)
{
    (void)state;
    uint64_t n = 99;
    assert_true(text_to_u64(TEXT("65535"), 65535, &n));
    assert_int_equal(n, 65535);
    assert_false(text_to_u64(TEXT("65536"), 65535, &n));
    assert_false(text_to_u64(TEXT("6"), 5, &n));
    assert_false(text_to_u64(TEXT(""), 5, &n));
    assert_false(text_to_u64(TEXT("-1"), 5, &n));
    assert_false(text_to_u64(TEXT("1 "), 5, &n));
    assert_true(text_to_u64(TEXT("18446744073709551615"), UINT64_MAX, &n));
    assert_false(text_to_u64(TEXT("18446744073709551616"), UINT64_MAX, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_big_endian_and_sticks_on_failure),
        cmocka_unit_test(writes_until_full_and_no_further),
        cmocka_unit_test(cuts_text),
        cmocka_unit_test(reads_numbers_within_their_limit),
    };
    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
