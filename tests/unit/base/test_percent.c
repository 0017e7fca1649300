/* SPDX-License-Identifier: Apache-2.0 */
#include "base/percent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

struct decoding {
    const char *encoded;
    const char *decoded; /* NULL: refused */
    enum percent_plus plus;
};

static const struct decoding decodings[] = {
    {"", "", PERCENT_PLUS_IS_PLUS},
    {"plain", "plain", PERCENT_PLUS_IS_PLUS},
    {"a+b", "a+b", PERCENT_PLUS_IS_PLUS},
    {"a+b%2B", "a b+", PERCENT_PLUS_IS_SPACE},
    {"%2f%2F%41%7e", "//A~", PERCENT_PLUS_IS_PLUS},
    {"%25%32%35", "%25", PERCENT_PLUS_IS_PLUS}, /* once only */
    {"%C3%A9", "\xc3\xa9", PERCENT_PLUS_IS_PLUS},
    {"%", NULL, PERCENT_PLUS_IS_PLUS},
    {"a%4", NULL, PERCENT_PLUS_IS_PLUS},
    {"%4g", NULL, PERCENT_PLUS_IS_PLUS},
    {"%g4", NULL, PERCENT_PLUS_IS_PLUS},
    {"%%41", NULL, PERCENT_PLUS_IS_PLUS},
    {"%+1", NULL, PERCENT_PLUS_IS_SPACE},
};

static void decodes_or_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(decodings); i++) {
        const struct decoding *d = &decodings[i];
        struct bytes exact = exact_copy(text_bytes(text_from(d->encoded)));
        struct text encoded = text_from_bytes(exact), decoded;
        bool ok = percent_decode(encoded, d->plus, (char *)exact.data, &decoded);
        if (ok != (d->decoded != NULL) || (ok && !text_is(decoded, d->decoded)))
            fail_msg("%s", d->encoded);
        free((void *)exact.data);
    }
}

static void a_zero_byte_is_a_byte(void **state)
{
    char memory[3];
    struct text decoded;
    (void)state;
    assert_true(percent_decode(TEXT("%00"), PERCENT_PLUS_IS_PLUS, memory, &decoded));
    assert_int_equal(decoded.len, 1);
    assert_int_equal(decoded.data[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_or_refuses),
        cmocka_unit_test(a_zero_byte_is_a_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
