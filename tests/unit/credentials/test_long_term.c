/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/long_term.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

/* md5sum and sha256sum of "user:example.org:secret" */
#define MD5_HEX "a9832fed4a7567b40e43443f9f30c272"
#define SHA256_HEX "bf9f8cc2da128fcb78077f794a818f9d3ccf550dab291cb21c82f29a153b3355"

static void a_password_makes_both_keys(void **state)
{
    struct bytes md5 = from_hex(MD5_HEX), sha256 = from_hex(SHA256_HEX);
    struct long_term_keys keys = {0};
    (void)state;
    assert_true(long_term_derive(TEXT("user"), TEXT("example.org"), TEXT("secret"), &keys));
    assert_true(bytes_equal(long_term_key(&keys, PASSWORD_MD5), md5));
    assert_true(bytes_equal(long_term_key(&keys, PASSWORD_SHA256), sha256));

    long_term_wipe(&keys);
    assert_int_equal(long_term_key(&keys, PASSWORD_MD5).len, 0);
    assert_int_equal(long_term_key(&keys, PASSWORD_SHA256).len, 0);
    free((void *)md5.data);
    free((void *)sha256.data);
}

static void stored_forms_are_read_or_refused(void **state)
{
    static const struct {
        const char *stored;
        bool ok, sha256;
    } cases[] = {
        {"secret", true, true},
        {"0x" MD5_HEX, true, false},
        {"0X" MD5_HEX, true, true}, /* a password that looks like one */
        {"0xAABBCCDDEEFF00112233445566778899", true, false},
        {"0xaabbccddeeff0011223344556677889", false, false},
        {"0xaabbccddeeff00112233445566778899a", false, false},
        {"0xaabbccddeeff0011223344556677889g", false, false},
        {"0x", false, false},
        {"", false, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct long_term_keys keys = {0};
        bool ok =
            long_term_read(TEXT("user"), TEXT("example.org"), text_from(cases[i].stored), &keys);
        if (ok != cases[i].ok || keys.has_sha256 != cases[i].sha256)
            fail_msg("%s", cases[i].stored);
        assert_int_equal(keys.has_md5, cases[i].ok);
    }
    struct long_term_keys read, derived;
    assert_true(long_term_read(TEXT("user"), TEXT("x"), TEXT("0x" MD5_HEX), &read));
    assert_true(long_term_derive(TEXT("user"), TEXT("example.org"), TEXT("secret"), &derived));
    assert_memory_equal(read.md5, derived.md5, sizeof(read.md5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_makes_both_keys),
        cmocka_unit_test(stored_forms_are_read_or_refused),
    };
    return cmocka_run_group_tests_name("credentials long term", tests, NULL, NULL);
}
