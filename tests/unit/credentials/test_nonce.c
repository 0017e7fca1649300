/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/nonce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gen.h"

enum { NOW_S = 1700000000, LIFETIME_S = 600, ROUNDS = 200 };

static struct address address_of(const char *literal)
{
    struct address a;
    assert_true(address_parse_with_port(text_from(literal), 0, &a));
    return a;
}

static struct nonce_keys keys_of(uint8_t first)
{
    struct nonce_keys keys = {.current = {first}};
    return keys;
}

static void nonces_look_as_documented(void **state)
{
    static const struct {
        unsigned features;
        size_t len;
        const char *prefix;
    } cases[] = {
        {0, 11, ""},
        {NONCE_PASSWORD_ALGORITHMS, 24, "obMatJos2AAAB"},
        {NONCE_USERNAME_ANONYMITY, 24, "obMatJos2AAAC"}, /* as in RFC 8489, appendix B.1 */
        {NONCE_PASSWORD_ALGORITHMS | NONCE_USERNAME_ANONYMITY, 24, "obMatJos2AAAD"},
    };
    const struct nonce_keys keys = keys_of(1);
    const struct address client = address_of("192.0.2.1:5000");
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char memory[NONCE_MAX_SIZE];
        unsigned features = 77;
        struct text nonce = nonce_write(&keys, cases[i].features, &client, NOW_S, memory);
        assert_int_equal(nonce.len, cases[i].len);
        assert_true(text_starts_with(nonce, cases[i].prefix));
        assert_true(nonce_check(&keys, nonce, &client, NOW_S, LIFETIME_S, &features));
        assert_int_equal(features, cases[i].features);
    }
}

static void each_client_has_its_own(void **state)
{
    static const char *const others[] = {
        "192.0.2.1:5001", "192.0.2.2:5000", "[::ffff:192.0.2.1]:5000", "[c000:201::]:5000"};
    const struct nonce_keys keys = keys_of(1);
    const struct address client = address_of("192.0.2.1:5000");
    char memory[NONCE_MAX_SIZE];
    struct text nonce = nonce_write(&keys, 1, &client, NOW_S, memory);
    unsigned features;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct address other = address_of(others[i]);
        assert_false(nonce_check(&keys, nonce, &other, NOW_S, LIFETIME_S, &features));
    }
}

static void time_decides(void **state)
{
    static const struct {
        int64_t now_s;
        uint32_t lifetime_s;
        bool fresh;
    } cases[] = {
        {NOW_S, 600, true},
        {NOW_S + 600, 600, true},
        {NOW_S + 601, 600, false},
        {NOW_S + 601, 0, true}, /* unlimited */
        {NOW_S + 100000000, 0, true},
        {NOW_S - NONCE_FUTURE_SKEW_S, 600, true}, /* made by a server whose clock is ahead */
        {NOW_S - NONCE_FUTURE_SKEW_S - 1, 600, false},
        {NOW_S + (1 << 24) - 601, 600, false}, /* before the stamp comes round */
        {NOW_S + (1 << 23), 600, false},
    };
    const struct nonce_keys keys = keys_of(1);
    const struct address client = address_of("[2001:db8::1]:5000");
    char memory[NONCE_MAX_SIZE];
    struct text nonce = nonce_write(&keys, 0, &client, NOW_S, memory);
    unsigned features;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(
            nonce_check(&keys, nonce, &client, cases[i].now_s, cases[i].lifetime_s, &features),
            cases[i].fresh);
}

static void the_former_key_is_accepted_while_told(void **state)
{
    const struct nonce_keys before = keys_of(1);
    struct nonce_keys after = keys_of(2);
    const struct address client = address_of("192.0.2.1:5000");
    char memory[NONCE_MAX_SIZE];
    struct text nonce = nonce_write(&before, 3, &client, NOW_S, memory);
    unsigned features;
    (void)state;

    assert_false(nonce_check(&after, nonce, &client, NOW_S, LIFETIME_S, &features));
    memcpy(after.previous, before.current, sizeof(after.previous));
    assert_false(nonce_check(&after, nonce, &client, NOW_S, LIFETIME_S, &features));
    after.has_previous = true;
    assert_true(nonce_check(&after, nonce, &client, NOW_S, LIFETIME_S, &features));
    assert_int_equal(features, 3);

    /* New ones are made with the new key. */
    nonce = nonce_write(&after, 3, &client, NOW_S, memory);
    assert_false(nonce_check(&before, nonce, &client, NOW_S, LIFETIME_S, &features));
}

static void every_flipped_bit_is_seen(void **state)
{
    struct gen g = gen_start();
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct nonce_keys keys = {0};
        struct address client = {.family = gen_below(&g, 2) != 0 ? ADDRESS_IP4 : ADDRESS_IP6};
        char memory[NONCE_MAX_SIZE];
        unsigned features = (unsigned)gen_below(&g, 4), read;

        gen_fill(&g, keys.current, sizeof(keys.current));
        gen_fill(&g, client.ip, address_ip_len(&client));
        client.port = (uint16_t)gen_u64(&g);
        struct text nonce = nonce_write(&keys, features, &client, NOW_S, memory);
        assert_true(nonce_check(&keys, nonce, &client, NOW_S, 0, &read) && read == features);

        for (size_t bit = 0; bit < nonce.len * 8; bit++) {
            memory[bit / 8] = (char)(memory[bit / 8] ^ 1 << bit % 8);
            assert_false(nonce_check(&keys, nonce, &client, NOW_S, 0, &read));
            memory[bit / 8] = (char)(memory[bit / 8] ^ 1 << bit % 8);
        }
        for (size_t len = 0; len < nonce.len; len++)
            assert_false(nonce_check(&keys, text_of(memory, len), &client, NOW_S, 0, &read));
    }
}

/* Features are protected too: a nonce without its cookie is another nonce. */
static void the_cookie_cannot_be_taken_off(void **state)
{
    const struct nonce_keys keys = keys_of(1);
    const struct address client = address_of("192.0.2.1:5000");
    char memory[NONCE_MAX_SIZE], added[NONCE_MAX_SIZE];
    struct text nonce = nonce_write(&keys, 1, &client, NOW_S, memory);
    unsigned features;
    (void)state;
    assert_false(nonce_check(&keys, text_skip(nonce, 13), &client, NOW_S, 0, &features));

    nonce = nonce_write(&keys, 0, &client, NOW_S, memory);
    memcpy(added, "obMatJos2AAAA", 13);
    memcpy(added + 13, nonce.data, nonce.len);
    assert_false(nonce_check(&keys, text_of(added, sizeof(added)), &client, NOW_S, 0, &features));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonces_look_as_documented),
        cmocka_unit_test(each_client_has_its_own),
        cmocka_unit_test(time_decides),
        cmocka_unit_test(the_former_key_is_accepted_while_told),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(the_cookie_cannot_be_taken_off),
    };
    return cmocka_run_group_tests_name("credentials nonce", tests, NULL, NULL);
}
