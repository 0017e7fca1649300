/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/oauth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gen.h"
#include "hex.h"
#include "mediaferry/base64.h"

enum { ISSUED_S = 1700000000, LIFETIME_S = 3600, ROUNDS = 100 };

#define ZEROS_50                                                                                   \
    "00000000000000000000000000000000000000000000000000"                                           \
    "00000000000000000000000000000000000000000000000000"
#define ZEROS_400 "000c" ZEROS_50 ZEROS_50 ZEROS_50 ZEROS_50 ZEROS_50 ZEROS_50 ZEROS_50 ZEROS_50

static const struct text server = {.data = "turn.example.org", .len = 16};

static struct oauth_key key_of(enum oauth_algorithm algorithm)
{
    struct oauth_key key = {.kid = TEXT("north"), .algorithm = algorithm};
    assert_true(
        oauth_key_read(TEXT("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="), algorithm, key.key));
    return key;
}

/* Made by coturn's turnutils_oauth (4.6.1) from the nonce "nonce0123456". */
static void tokens_of_coturn_are_opened(void **state)
{
    static const struct {
        enum oauth_algorithm algorithm;
        const char *token;
    } cases[] = {
        {OAUTH_A256GCM, "AAxub25jZTAxMjM0NTbdKw1TiFfMla9XoPga5I4ysQVAtu8sZGu42YbrYN92mnEKMT1royd+"
                        "xNdOJedLNUSLig=="},
        {OAUTH_A128GCM, "AAxub25jZTAxMjM0NTZwN3W8eus4bGuAAEBTwEjdfz6zQM5rIpra9532wcgfObkC9dlIRA07B5"
                        "3Z6a/+UQPHWw=="},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t memory[128], again[128];
        struct writer w = writer_over(memory, sizeof(memory));
        struct writer sealed = writer_over(again, sizeof(again));
        struct oauth_key key = key_of(cases[i].algorithm);
        struct oauth_token token;

        assert_true(base64_decode(&w, text_from(cases[i].token)));
        assert_true(oauth_open(&key, server, writer_bytes(&w), &token));
        assert_int_equal(token.mac_key_len, 20);
        assert_memory_equal(token.mac_key, "abcdefghijklmnopqrst", 20);
        assert_true(token.issued_s == ISSUED_S && token.lifetime_s == LIFETIME_S);

        oauth_seal(&key, server, text_bytes(TEXT("nonce0123456")), &token, &sealed);
        assert_true(bytes_equal(writer_bytes(&sealed), writer_bytes(&w)));
    }
}

static void names_of_algorithms(void **state)
{
    static const struct {
        const char *name;
        bool ok;
        enum oauth_algorithm algorithm;
    } cases[] = {
        {"A256GCM", true, OAUTH_A256GCM},
        {"a128gcm", true, OAUTH_A128GCM},
        {"A256CBC", false, 0},
        {"", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum oauth_algorithm a = OAUTH_A256GCM;
        assert_int_equal(oauth_algorithm_from_name(text_from(cases[i].name), &a), cases[i].ok);
        if (cases[i].ok)
            assert_true(a == cases[i].algorithm);
    }
}

static void keys_are_read_or_refused(void **state)
{
    static const struct {
        const char *base64;
        bool is_256, is_128;
    } cases[] = {
        {"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEK", true, true}, /* 33 bytes */
        {"MTIzNDU2Nzg5MDEyMzQ1Ngo=", false, true},                    /* 17 */
        {"MTIzNDU2Nzg5MDEyMzQ1", false, false},                       /* 15 */
        {"no base64!", false, false},
        {"", false, false},
    };
    uint8_t key[OAUTH_MAX_KEY];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text base64 = text_from(cases[i].base64);
        assert_int_equal(oauth_key_read(base64, OAUTH_A256GCM, key), cases[i].is_256);
        assert_int_equal(oauth_key_read(base64, OAUTH_A128GCM, key), cases[i].is_128);
    }
}

static void times_decide(void **state)
{
    static const struct {
        int64_t from_s, lifetime_s, now_s;
        bool ok;
    } keys[] = {
        {0, 0, 0, true},
        {1000, 100, 994, false},
        {1000, 100, 995, true},
        {1000, 100, 1104, true},
        {1000, 100, 1105, false},
        {1000, 0, 999999, true},
    };
    static const struct {
        int64_t now_s;
        bool ok;
    } tokens[] = {
        {1000, true},
        {1104, true},
        {1105, false},
        {896, true},
        {895, false},
        {INT64_MAX, false},
    };
    const struct oauth_token token = {.issued_s = 1000, .lifetime_s = 100};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct oauth_key key = {.from_s = keys[i].from_s, .lifetime_s = keys[i].lifetime_s};
        assert_int_equal(oauth_key_is_valid(&key, keys[i].now_s), keys[i].ok);
    }
    for (size_t i = 0; i < COUNT_OF(tokens); i++)
        assert_int_equal(oauth_token_is_valid(&token, tokens[i].now_s), tokens[i].ok);
}

/* Seals a token of the given sizes into an exact block. */
static struct bytes sealed(const struct oauth_key *key, size_t nonce_len, size_t mac_key_len)
{
    static const uint8_t nonce[200];
    uint8_t memory[512];
    struct writer w = writer_over(memory, sizeof(memory));
    struct oauth_token token = {.mac_key_len = mac_key_len, .issued_s = 1, .lifetime_s = 2};
    oauth_seal(key, server, bytes_of(nonce, nonce_len), &token, &w);
    return exact_copy(writer_bytes(&w));
}

static void lengths_are_looked_at_first(void **state)
{
    static const struct {
        size_t nonce_len, mac_key_len;
        bool ok;
    } cases[] = {
        {12, 20, true},
        {12, 32, true},
        {12, OAUTH_MAX_MAC_KEY, true},
        {12, 1, true},
        {12, 0, false},
        {1, 20, true},
        {OAUTH_MAX_NONCE, 20, true},
        {OAUTH_MAX_NONCE + 1, 20, false},
        {100, 20, false},
        {12, OAUTH_MAX_MAC_KEY + 1, false},
    };
    static const char *const broken[] = {
        "",
        "00",
        "0000",
        "ffff",
        "000c 000000000000000000000000",
        ZEROS_400,
        "ffff 00000000000000000000000000000000000000000000000000000000000000000000",
    };
    struct oauth_key key = key_of(OAUTH_A256GCM);
    struct oauth_token token;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes b = sealed(&key, cases[i].nonce_len, cases[i].mac_key_len);
        if (oauth_open(&key, server, b, &token) != cases[i].ok)
            fail_msg("%zu %zu", cases[i].nonce_len, cases[i].mac_key_len);
        if (cases[i].ok)
            assert_int_equal(token.mac_key_len, cases[i].mac_key_len);
        free((void *)b.data);
    }
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        struct bytes b = from_hex(broken[i]);
        assert_false(oauth_open(&key, server, b, &token));
        free((void *)b.data);
    }
}

static void every_flipped_bit_is_seen(void **state)
{
    struct gen g = gen_start();
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct oauth_key key = {.algorithm = gen_below(&g, 2) == 0 ? OAUTH_A256GCM : OAUTH_A128GCM};
        gen_fill(&g, key.key, sizeof(key.key));
        struct bytes b =
            sealed(&key, 1 + gen_below(&g, OAUTH_MAX_NONCE), 1 + gen_below(&g, OAUTH_MAX_MAC_KEY));
        uint8_t *data = (uint8_t *)b.data;
        struct oauth_token token;

        assert_true(oauth_open(&key, server, b, &token));
        size_t bit = gen_below(&g, b.len * 8);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(oauth_open(&key, server, b, &token));
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(oauth_open(&key, server, bytes_of(b.data, b.len - 1), &token));
        assert_false(oauth_open(&key, TEXT("turn.example.com"), b, &token));
        key.key[0] ^= 1;
        assert_false(oauth_open(&key, server, b, &token));
        free((void *)b.data);
    }
}

static void failures_stay_in_the_writer(void **state)
{
    struct oauth_key key = key_of(OAUTH_A256GCM);
    const struct oauth_token token = {.mac_key_len = 20};
    uint8_t memory[64];
    (void)state;
    for (size_t room = 0; room < sizeof(memory); room++) {
        struct writer w = writer_over(memory, room);
        oauth_seal(&key, server, text_bytes(TEXT("nonce0123456")), &token, &w);
        assert_false(writer_ok(&w));
    }
    struct writer w = writer_over(memory, sizeof(memory));
    oauth_seal(&key, server, text_bytes(TEXT("nonce0123456")), &token, &w);
    assert_true(writer_ok(&w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_of_coturn_are_opened),
        cmocka_unit_test(names_of_algorithms),
        cmocka_unit_test(keys_are_read_or_refused),
        cmocka_unit_test(times_decide),
        cmocka_unit_test(lengths_are_looked_at_first),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(failures_stay_in_the_writer),
    };
    return cmocka_run_group_tests_name("credentials oauth", tests, NULL, NULL);
}
