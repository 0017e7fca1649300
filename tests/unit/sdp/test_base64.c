/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "gen.h"

/* RFC 4648, section 10 */
static const struct {
    const char *plain;
    const char *encoded;
} rfc_vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void encodes_the_vectors_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rfc_vectors); i++) {
        char out[16];
        struct writer w = writer_over(out, sizeof(out));
        base64_encode(&w, text_bytes(text_from(rfc_vectors[i].plain)));
        assert_true(writer_ok(&w));
        assert_true(text_is(text_from_bytes(writer_bytes(&w)), rfc_vectors[i].encoded));
    }
}

static void decodes_with_and_without_padding(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rfc_vectors); i++) {
        struct text encoded = text_from(rfc_vectors[i].encoded);
        while (true) {
            char out[16];
            struct writer w = writer_over(out, sizeof(out));
            assert_true(base64_decode(&w, encoded));
            assert_true(text_is(text_from_bytes(writer_bytes(&w)), rfc_vectors[i].plain));
            if (encoded.len == 0 || encoded.data[encoded.len - 1] != '=')
                break;
            encoded.len--;
        }
    }
}

static void refuses_what_is_no_base64(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "Z", "Zm9vY", "Zm 9", "Zm9v\n", "Zm=v", "Z===", "====", "Zg===", "-_-_", "Zm9\xff"};
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        char out[16];
        struct writer w = writer_over(out, sizeof(out));
        assert_false(base64_decode(&w, text_from(broken[i])));
    }
}

static void a_full_writer_fails(void **state)
{
    (void)state;
    char out[3];
    struct writer w = writer_over(out, sizeof(out));
    base64_encode(&w, bytes_of("f", 1));
    assert_false(writer_ok(&w));
    w = writer_over(out, 2);
    assert_false(base64_decode(&w, TEXT("Zm9v")));
    w = writer_over(out, 3);
    assert_true(base64_decode(&w, TEXT("Zm9v")));
}

static void round_trip(void **state)
{
    (void)state;
    struct gen g = gen_start();
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t plain[64], encoded[88], decoded[64];
        size_t len = gen_below(&g, sizeof(plain) + 1);
        gen_fill(&g, plain, len);
        struct writer e = writer_over(encoded, sizeof(encoded));
        struct writer d = writer_over(decoded, sizeof(decoded));
        base64_encode(&e, bytes_of(plain, len));
        assert_true(base64_decode(&d, text_from_bytes(writer_bytes(&e))));
        assert_true(bytes_equal(writer_bytes(&d), bytes_of(plain, len)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_the_vectors_of_the_rfc),
        cmocka_unit_test(decodes_with_and_without_padding),
        cmocka_unit_test(refuses_what_is_no_base64),
        cmocka_unit_test(a_full_writer_fails),
        cmocka_unit_test(round_trip),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
