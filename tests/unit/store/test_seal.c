/* SPDX-License-Identifier: Apache-2.0 */
#include "store/seal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/random.h"
#include "hex.h"

#define KEY_1 "0101010101010101010101010101010101010101010101010101010101010101"
#define KEY_2 "a2A2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2"
#define KEY_3 "0303030303030303030303030303030303030303030303030303030303030303"

/* --- the cipher --- */

struct vector {
    const char *key, *nonce, *aad, *plain, *sealed;
};

/* Of c2sp.org/XAES-256-GCM: the most significant bit of the mask is 0, and 1. */
static const struct vector vectors[] = {
    {KEY_1, "ABCDEFGHIJKLMNOPQRSTUVWX", "", "XAES-256-GCM",
        "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
    {KEY_3, "ABCDEFGHIJKLMNOPQRSTUVWX", "c2sp.org/XAES-256-GCM", "XAES-256-GCM",
        "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
};

static void encrypts_as_specified(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        const struct vector *v = &vectors[i];
        struct bytes key = from_hex(v->key), sealed = from_hex(v->sealed);
        uint8_t out[64];
        struct bytes plain = text_bytes(text_from(v->plain));
        assert_true(seal_encrypt(
            key.data, (const uint8_t *)v->nonce, text_bytes(text_from(v->aad)), plain, out));
        assert_true(bytes_equal(bytes_of(out, plain.len + 16), sealed));
        free((void *)key.data);
        free((void *)sealed.data);
    }
}

/* --- files of keys --- */

struct file_case {
    const char *file;
    size_t keys;     /* 0: refused */
    const char *why; /* begins so */
};

static const struct file_case files[] = {
    {KEY_1, 1, ""},
    {KEY_1 "\n", 1, ""},
    {"# the key of spring\n" KEY_2 "\r\n\n   " KEY_1 "  # old one\n", 2, ""},
    {"", 0, "there is no key"},
    {"#" KEY_1 "\n", 0, "there is no key"},
    {KEY_1 "\n" KEY_2 "0\n", 0, "line 2 is no key"},
    {"\n\n0101", 0, "line 3 is no key"},
    {KEY_1 KEY_1, 0, "line 1 is no key"},
    {"g" KEY_1, 0, "line 1 is no key"},
    {"g101010101010101010101010101010101010101010101010101010101010101", 0, "line 1 is no key"},
    {KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1
           "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1,
        16, ""},
    {KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1
           "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1 "\n" KEY_1,
        0, "more than 16 keys"},
};

static void reads_files_of_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        const struct file_case *c = &files[i];
        struct bytes exact = exact_copy(text_bytes(text_from(c->file)));
        struct seal *seal = NULL;
        struct str why = {.data = NULL};
        int error = seal_read(text_from_bytes(exact), &seal, &why);
        assert_int_equal(error, c->keys > 0 ? 0 : -EINVAL);
        assert_true(text_starts_with(str_text(&why), c->why));
        assert_null(strstr(str_string(&why), "0101"));
        if (seal != NULL)
            assert_int_equal(seal_key_count(seal), c->keys);
        seal_free(seal);
        str_done(&why);
        free((void *)exact.data);
    }
}

static void loads_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/test_seal.XXXXXX";
    struct seal *seal = NULL;
    struct str why = {.data = NULL};
    int fd = mkstemp(path);
    assert_int_equal(write(fd, KEY_1 "\n", 65), 65);
    assert_int_equal(seal_load(path, &seal, &why), 0);
    assert_int_equal(seal_key_count(seal), 1);
    seal_free(seal);

    assert_int_equal(ftruncate(fd, 20000), 0);
    assert_int_equal(seal_load(path, &seal, &why), -EINVAL);
    assert_string_equal(str_string(&why), "too large for a file of keys");
    close(fd);
    unlink(path);
    str_reset(&why);
    assert_int_equal(seal_load(path, &seal, &why), -ENOENT);
    assert_string_equal(str_string(&why), "No such file or directory");
    str_done(&why);
}

/* --- records --- */

static struct seal *keys(const char *file)
{
    struct seal *seal = NULL;
    struct str why = {.data = NULL};
    assert_int_equal(seal_read(text_from(file), &seal, &why), 0);
    return seal;
}

struct opening {
    const char *keys;
    enum store_kind kind;
    const char *id;
    size_t changed; /* this byte is another; SIZE_MAX: none */
    size_t cut;     /* bytes missing at the end */
    bool opens;
};

/* Of a record of 100 bytes, sealed with KEY_1 for the call "abc". */
static const struct opening openings[] = {
    {KEY_1, STORE_CALL, "abc", SIZE_MAX, 0, true},
    {KEY_2 "\n" KEY_1, STORE_CALL, "abc", SIZE_MAX, 0, true},
    {KEY_2, STORE_CALL, "abc", SIZE_MAX, 0, false},
    {KEY_1, STORE_ALLOCATION, "abc", SIZE_MAX, 0, false},
    {KEY_1, STORE_CALL, "abd", SIZE_MAX, 0, false},
    {KEY_1, STORE_CALL, "abc", 0, 0, false},
    {KEY_1, STORE_CALL, "abc", 1, 0, false},
    {KEY_1, STORE_CALL, "abc", 24, 0, false},
    {KEY_1, STORE_CALL, "abc", 25, 0, false},
    {KEY_1, STORE_CALL, "abc", 140, 0, false},
    {KEY_1, STORE_CALL, "abc", SIZE_MAX, 1, false},
    {KEY_1, STORE_CALL, "abc", SIZE_MAX, 100, false},
    {KEY_1, STORE_CALL, "abc", SIZE_MAX, 101, false},
    {KEY_1, STORE_CALL, "abc", SIZE_MAX, 140, false},
    {KEY_1, STORE_CALL, "abc", SIZE_MAX, 141, false},
};

static void opens_what_it_has_sealed(void **state)
{
    (void)state;
    struct seal *first = keys(KEY_1 "\n" KEY_3);
    uint8_t record[100], out[100], sealed[sizeof(record) + SEAL_OVERHEAD];
    random_bytes(record, sizeof(record));
    for (size_t i = 0; i < COUNT_OF(openings); i++) {
        const struct opening *c = &openings[i];
        struct seal *seal = keys(c->keys);
        size_t len = 0;
        assert_true(
            seal_close(first, STORE_CALL, TEXT("abc"), bytes_of(record, sizeof(record)), sealed));
        assert_true(seal_is_sealed(bytes_of(sealed, sizeof(sealed))));
        if (c->changed != SIZE_MAX)
            sealed[c->changed] ^= 1;
        struct bytes there = exact_copy(bytes_of(sealed, sizeof(sealed) - c->cut));
        assert_int_equal(seal_open(seal, c->kind, text_from(c->id), there, out, &len), c->opens);
        if (c->opens)
            assert_true(bytes_equal(bytes_of(out, len), bytes_of(record, sizeof(record))));
        free((void *)there.data);
        seal_free(seal);
    }
    seal_free(first);
}

static void hides_what_it_seals(void **state)
{
    (void)state;
    static const char secret[] = "d7:version1:1e-----BEGIN PRIVATE KEY-----";
    struct bytes record = bytes_of(secret, sizeof(secret) - 1);
    struct seal *seal = keys(KEY_1);
    uint8_t first[sizeof(secret) + SEAL_OVERHEAD], second[sizeof(secret) + SEAL_OVERHEAD];
    assert_true(seal_close(seal, STORE_CALL, TEXT("abc"), record, first));
    assert_true(seal_close(seal, STORE_CALL, TEXT("abc"), record, second));
    assert_null(memmem(first, sizeof(first), "PRIVATE", 7));
    assert_memory_not_equal(first + 1, second + 1, SEAL_NONCE_SIZE);
    assert_memory_not_equal(first + 25, second + 25, record.len);
    assert_false(seal_is_sealed(record));
    assert_false(seal_is_sealed(bytes_of(NULL, 0)));
    seal_free(seal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encrypts_as_specified),
        cmocka_unit_test(reads_files_of_keys),
        cmocka_unit_test(loads_a_file),
        cmocka_unit_test(opens_what_it_has_sealed),
        cmocka_unit_test(hides_what_it_seals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
