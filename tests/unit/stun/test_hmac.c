/* SPDX-License-Identifier: Apache-2.0 */
#include "stun/hmac.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <openssl/hmac.h>

#include "hex.h"

enum { THREADS = 4, ROUNDS = 200 };

/* RFC 2202, section 3, and RFC 4231, section 4: case 2 of each. */
static const struct {
    enum hmac_hash hash;
    size_t size;
    const char *expected;
} vectors[] = {
    {HMAC_SHA1, HMAC_SHA1_SIZE, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {HMAC_SHA256, HMAC_SHA256_SIZE,
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
};

static void mac_of(enum hmac_hash hash, const struct bytes *parts, size_t count, uint8_t *out)
{
    assert_true(hmac_compute(hash, text_bytes(TEXT("Jefe")), parts, count, out));
}

static void vectors_of_the_rfcs(void **state)
{
    const struct bytes whole = text_bytes(TEXT("what do ya want for nothing?"));
    const struct bytes parts[] = {
        bytes_of(whole.data, 5), bytes_of(NULL, 0), bytes_of(whole.data + 5, whole.len - 5)};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        struct bytes expected = from_hex(vectors[i].expected);
        uint8_t mac[HMAC_SHA256_SIZE];
        mac_of(vectors[i].hash, &whole, 1, mac);
        assert_memory_equal(mac, expected.data, vectors[i].size);
        mac_of(vectors[i].hash, parts, COUNT_OF(parts), mac);
        assert_memory_equal(mac, expected.data, vectors[i].size);
        free((void *)expected.data);
    }
}

/* The context of the key before is still there: an empty key must not mean it. */
static void an_empty_key_is_no_key(void **state)
{
    const struct bytes message = text_bytes(TEXT("message"));
    uint8_t mac[HMAC_SHA1_SIZE];
    (void)state;
    mac_of(HMAC_SHA1, &message, 1, mac);
    assert_false(hmac_compute(HMAC_SHA1, bytes_of(NULL, 0), &message, 1, mac));
    assert_false(hmac_compute(HMAC_SHA1, bytes_of("", 0), &message, 1, mac));
}

/* Keys come again, grow, shrink and are of all lengths around what is kept of them. */
static void each_message_has_its_key(void **state)
{
    static const uint8_t lengths[] = {1, 1, 2, 1, 16, 16, 63, 64, 64, 65, 64, 65, 65, 100, 1};
    const struct bytes message = text_bytes(TEXT("message"));
    uint8_t key[100], mac[HMAC_SHA256_SIZE], expected[HMAC_SHA256_SIZE];
    (void)state;
    for (unsigned round = 0; round < 4 * COUNT_OF(lengths); round++) {
        size_t len = lengths[round % COUNT_OF(lengths)];
        bool is_sha1 = round % 3 == 0;
        memset(key, round % 7 == 0 ? 'x' : 'y', sizeof(key));
        assert_true(
            hmac_compute(is_sha1 ? HMAC_SHA1 : HMAC_SHA256, bytes_of(key, len), &message, 1, mac));
        HMAC(is_sha1 ? EVP_sha1() : EVP_sha256(), key, (int)len, message.data, message.len,
            expected, NULL);
        assert_memory_equal(mac, expected, is_sha1 ? HMAC_SHA1_SIZE : HMAC_SHA256_SIZE);
    }
}

static void *work(void *number)
{
    uint8_t expected[HMAC_SHA256_SIZE], mac[HMAC_SHA256_SIZE];
    const struct bytes message = bytes_of(number, 1);
    bool same = hmac_compute(HMAC_SHA256, message, &message, 1, expected);
    for (unsigned i = 0; i < ROUNDS && same; i++)
        same = hmac_compute(HMAC_SHA256, message, &message, 1, mac) &&
               memcmp(mac, expected, sizeof(mac)) == 0;
    return same ? number : NULL;
}

static void threads_do_not_meet(void **state)
{
    pthread_t threads[THREADS];
    uint8_t numbers[THREADS];
    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = (uint8_t)i;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &numbers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfcs),
        cmocka_unit_test(an_empty_key_is_no_key),
        cmocka_unit_test(each_message_has_its_key),
        cmocka_unit_test(threads_do_not_meet),
    };
    return cmocka_run_group_tests_name("stun hmac", tests, NULL, NULL);
}
