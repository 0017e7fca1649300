/* SPDX-License-Identifier: Apache-2.0 */
/* The order and the codes of the check (RFC 8489, section 9.2.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "client.h"
#include "hex.h"
#include "stun/hmac.h"
#include "stun/integrity.h"

#define REALM "example.org"

static struct auth *auth; /* with algorithms offered */
static struct auth *old;  /* without */
static struct long_term_keys alice;
static uint8_t alice_hash[LONG_TERM_USERHASH_SIZE];

static struct auth *make(bool offer_sha256, uint8_t key)
{
    static const struct auth_user_config users[] = {
        {FIXED("alice"), FIXED("secret")},
        {FIXED("bob"), FIXED("0x00112233445566778899aabbccddeeff")},
    };
    static const struct auth_realm_config realms[] = {
        {FIXED(REALM), users, COUNT_OF(users), NULL, 0}};
    const struct auth_config config = {
        .realms = realms,
        .realm_count = COUNT_OF(realms),
        .nonce_keys = {.current = {key}},
        .nonce_lifetime_s = 600,
        .offer_sha256 = offer_sha256,
        .offer_anonymity = offer_sha256,
    };
    enum auth_config_error error;
    struct text culprit;
    return auth_new(&config, &error, &culprit);
}

static int set_up(void **state)
{
    (void)state;
    auth = make(true, 1);
    old = make(false, 1);
    return auth != NULL && old != NULL &&
                   long_term_derive(TEXT("alice"), TEXT(REALM), TEXT("secret"), &alice) &&
                   long_term_userhash(TEXT("alice"), TEXT(REALM), alice_hash)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    auth_unref(auth);
    auth_unref(old);
    return 0;
}

/* A request of alice, right in everything, with a nonce of `from`. */
static struct client_request right_request(
    const struct auth *from, enum password_algorithm algorithm, char nonce[NONCE_MAX_SIZE])
{
    return (struct client_request){
        .username = TEXT("alice"),
        .realm = TEXT(REALM),
        .nonce = client_nonce(from, CLIENT_NOW_S, nonce),
        .key = long_term_key(&alice, algorithm),
    };
}

enum change {
    RIGHT,
    UNSIGNED,
    NO_NAME,
    LATE_NAME,
    LONG_NAME,
    NO_REALM,
    NO_NONCE,
    FOREIGN_NONCE,
    WRONG_KEY,
    OTHER_USER,
    OTHER_REALM,
    HASHED,
    OTHER_HASH,
    SHORT_HASH,
};

static void apply(struct client_request *r, enum change change)
{
    static const uint8_t other[LONG_TERM_USERHASH_SIZE];
    static char long_name[LONG_TERM_MAX_NAME + 1];
    switch (change) {
    case RIGHT:
        return;
    case UNSIGNED:
        r->sha1 = r->sha256 = false;
        return;
    case NO_NAME:
        r->username = text_of(NULL, 0);
        return;
    case LATE_NAME:
        r->late_username = true;
        return;
    case LONG_NAME:
        memset(long_name, 'a', sizeof(long_name));
        r->username = text_of(long_name, sizeof(long_name));
        return;
    case NO_REALM:
        r->realm = text_of(NULL, 0);
        return;
    case NO_NONCE:
        r->nonce = text_of(NULL, 0);
        return;
    case FOREIGN_NONCE:
        r->nonce = TEXT("0123456789abcdef");
        return;
    case WRONG_KEY:
        r->key = text_bytes(TEXT("0123456789abcdef"));
        return;
    case OTHER_USER:
        r->username = TEXT("mallory");
        return;
    case OTHER_REALM:
        r->realm = TEXT("example.com");
        return;
    case HASHED:
    case OTHER_HASH:
    case SHORT_HASH:
        r->username = text_of(NULL, 0);
        r->userhash = bytes_of(change == OTHER_HASH ? other : alice_hash,
            change == SHORT_HASH ? sizeof(alice_hash) - 1 : sizeof(alice_hash));
        return;
    }
}

enum { OK = 0 };

static void requests_are_judged(void **state)
{
    static const struct {
        const char *name;
        enum change change;
        unsigned code;
    } cases[] = {
        {"right", RIGHT, OK},
        {"unsigned", UNSIGNED, 401},
        {"no name", NO_NAME, 400},
        {"a name that nothing protects", LATE_NAME, 400},
        {"too long a name", LONG_NAME, 400},
        {"no realm", NO_REALM, 400},
        {"no nonce", NO_NONCE, 400},
        {"a nonce that was never given", FOREIGN_NONCE, 438},
        {"wrong key", WRONG_KEY, 401},
        {"unknown user", OTHER_USER, 401},
        {"unknown realm", OTHER_REALM, 401},
        {"hidden name", HASHED, OK},
        {"unknown hidden name", OTHER_HASH, 401},
        {"hidden name of the wrong size", SHORT_HASH, 400},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases) * 2; i++) {
        size_t at = i / 2;
        bool sha256 = i % 2 != 0;
        char nonce[NONCE_MAX_SIZE];
        struct client_request r = right_request(auth, PASSWORD_MD5, nonce);
        r.sha256 = sha256;
        r.sha1 = !sha256;
        apply(&r, cases[at].change);

        struct auth_result result = client_ask(auth, &r, CLIENT_NOW_S, NULL);
        if (result.code != cases[at].code)
            fail_msg("%s: %u", cases[at].name, (unsigned)result.code);
        bool ok = cases[at].code == OK;
        assert_int_equal(result.verdict, ok ? AUTH_OK : AUTH_REFUSED);
        assert_int_equal(result.challenge, cases[at].code == 401 || cases[at].code == 438);
        assert_int_equal(result.signature, !ok      ? AUTH_UNSIGNED
                                           : sha256 ? AUTH_SIGN_SHA256
                                                    : AUTH_SIGN_SHA1);
        assert_int_equal(result.identity != NULL, ok);
        if (ok)
            assert_true(text_is(auth_identity_username(result.identity), "alice"));
        auth_result_done(&result);
    }
}

static void bidding_down_is_seen(void **state)
{
    static const struct {
        const char *name;
        bool offered; /* by the server whose nonce it is */
        enum password_algorithm key;
        unsigned algorithm;
        const char *algorithms;
        unsigned code;
    } cases[] = {
        {"a client that knows nothing of it", true, PASSWORD_MD5, 0, NULL, OK},
        {"SHA-256", true, PASSWORD_SHA256, 2, CLIENT_OFFERED, OK},
        {"MD5 of choice", true, PASSWORD_MD5, 1, CLIENT_OFFERED, OK},
        {"the key of the other one", true, PASSWORD_MD5, 2, CLIENT_OFFERED, 401},
        {"the list taken out", true, PASSWORD_SHA256, 2, NULL, 400},
        {"the choice taken out", true, PASSWORD_MD5, 0, CLIENT_OFFERED, 400},
        {"the best one taken out", true, PASSWORD_MD5, 1, "0001 0000", 400},
        {"another order", true, PASSWORD_MD5, 1, "0001 0000 0002 0000", 400},
        {"one more", true, PASSWORD_MD5, 1, CLIENT_OFFERED "0003 0000", 400},
        {"an empty list", true, PASSWORD_MD5, 1, "", 400},
        {"an algorithm that was not offered", true, PASSWORD_MD5, 3, CLIENT_OFFERED, 400},
        {"no offer: it is MD5", false, PASSWORD_MD5, 0, NULL, OK},
        {"no offer, and yet a choice", false, PASSWORD_SHA256, 2, CLIENT_OFFERED, 401},
        {"no offer, a choice that says nothing new", false, PASSWORD_MD5, 1, "0001 0000", OK},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char nonce[NONCE_MAX_SIZE];
        struct client_request r = right_request(cases[i].offered ? auth : old, cases[i].key, nonce);
        r.algorithm = cases[i].algorithm;
        r.algorithms = cases[i].algorithms;
        r.sha256 = true;
        /* The nonce tells what was offered, whatever the configuration says by now. */
        struct auth_result result = client_ask(auth, &r, CLIENT_NOW_S, NULL);
        if (result.code != cases[i].code)
            fail_msg("%s: %u", cases[i].name, (unsigned)result.code);
        auth_result_done(&result);
    }
}

static void a_choice_has_four_bytes(void **state)
{
    static const char *const choices[] = {"", "0002", "0002 0004", "0002 0000 00000000"};
    struct address client = client_address();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(choices); i++) {
        char nonce[NONCE_MAX_SIZE];
        uint8_t memory[512];
        struct writer w = writer_over(memory, sizeof(memory));
        struct bytes choice = from_hex(choices[i]), list = from_hex(CLIENT_OFFERED);
        struct stun_message m;
        struct auth_result result;

        stun_begin(&w, stun_type(STUN_ALLOCATE, STUN_REQUEST), bytes_of("0123456789ab", 12));
        stun_write_attr(&w, STUN_USERNAME, text_bytes(TEXT("alice")));
        stun_write_attr(&w, STUN_REALM, text_bytes(TEXT(REALM)));
        stun_write_attr(&w, STUN_NONCE, text_bytes(client_nonce(auth, CLIENT_NOW_S, nonce)));
        stun_write_attr(&w, STUN_PASSWORD_ALGORITHMS, list);
        stun_write_attr(&w, STUN_PASSWORD_ALGORITHM, choice);
        stun_write_attr(&w, STUN_MESSAGE_INTEGRITY, bytes_of("01234567890123456789", 20));
        assert_int_equal(stun_parse(writer_bytes(&w), &m), STUN_OK);
        auth_check(auth, &m, &client, CLIENT_NOW_S, NULL, &result);
        assert_int_equal(result.code, 400);
        free((void *)choice.data);
        free((void *)list.data);
    }
}

/* Only the MD5 key of bob is known, so nothing made with SHA-256 is his: not even with no key. */
static void a_missing_key_opens_nothing(void **state)
{
    static const uint8_t zeros[LONG_TERM_SHA256_SIZE];
    static const uint8_t md5[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa,
        0xbb, 0xcc, 0xdd, 0xee, 0xff};
    static const struct {
        size_t key_len;
        const uint8_t *key;
        unsigned algorithm;
        unsigned code;
    } cases[] = {{16, md5, 1, OK}, {16, md5, 2, 401}, {32, zeros, 2, 401}, {1, zeros, 2, 401}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char nonce[NONCE_MAX_SIZE];
        struct client_request r = right_request(auth, PASSWORD_MD5, nonce);
        r.username = TEXT("bob");
        r.key = bytes_of(cases[i].key, cases[i].key_len);
        r.algorithm = cases[i].algorithm;
        r.algorithms = CLIENT_OFFERED;
        r.sha1 = true;
        struct auth_result result = client_ask(auth, &r, CLIENT_NOW_S, NULL);
        assert_int_equal(result.code, cases[i].code);
        auth_result_done(&result);
    }
}

static void nonces_grow_stale(void **state)
{
    static const struct {
        int64_t later_s;
        unsigned code;
    } cases[] = {{0, OK}, {600, OK}, {601, 438}, {-11, 438}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char nonce[NONCE_MAX_SIZE];
        struct client_request r = right_request(auth, PASSWORD_MD5, nonce);
        r.sha1 = true;
        struct auth_result result = client_ask(auth, &r, CLIENT_NOW_S + cases[i].later_s, NULL);
        assert_int_equal(result.code, cases[i].code);
        auth_result_done(&result);
    }
}

static void a_nonce_of_another_key_is_stale(void **state)
{
    struct auth *other = make(true, 2);
    char nonce[NONCE_MAX_SIZE];
    struct client_request r = right_request(other, PASSWORD_MD5, nonce);
    (void)state;
    r.sha1 = true;
    struct auth_result result = client_ask(auth, &r, CLIENT_NOW_S, NULL);
    assert_int_equal(result.code, 438);
    auth_result_done(&result);
    auth_unref(other);
}

/* With both, the weaker one alone is not enough. */
static void the_stronger_integrity_counts(void **state)
{
    char nonce[NONCE_MAX_SIZE];
    uint8_t memory[2048];
    struct client_request r = right_request(auth, PASSWORD_MD5, nonce);
    struct address client = client_address();
    struct auth_result result;
    (void)state;

    r.sha1 = r.sha256 = true;
    struct stun_message m = client_write(&r, memory);
    auth_check(auth, &m, &client, CLIENT_NOW_S, NULL, &result);
    assert_int_equal(result.verdict, AUTH_OK);
    assert_int_equal(result.signature, AUTH_SIGN_SHA256);
    auth_result_done(&result);

    memory[m.whole.len - 1] ^= 1;
    auth_check(auth, &m, &client, CLIENT_NOW_S, NULL, &result);
    assert_int_equal(result.code, 401);
    auth_result_done(&result);
}

/* RFC 8489, section 14.6: only where a usage of STUN says so, and TURN does not. */
static void sha256_is_not_cut(void **state)
{
    char nonce[NONCE_MAX_SIZE];
    uint8_t memory[512], hash[HMAC_SHA256_SIZE];
    struct writer w = writer_over(memory, sizeof(memory));
    struct address client = client_address();
    struct auth_result result;
    struct stun_message m;
    (void)state;

    stun_begin(&w, stun_type(STUN_ALLOCATE, STUN_REQUEST), bytes_of("0123456789ab", 12));
    stun_write_attr(&w, STUN_USERNAME, text_bytes(TEXT("alice")));
    stun_write_attr(&w, STUN_REALM, text_bytes(TEXT(REALM)));
    stun_write_attr(&w, STUN_NONCE, text_bytes(client_nonce(auth, CLIENT_NOW_S, nonce)));
    struct bytes covered = writer_bytes(&w);
    memory[3] = (uint8_t)(covered.len - STUN_HEADER_SIZE + STUN_ATTR_HEADER_SIZE + 16);
    assert_true(hmac_compute(HMAC_SHA256, long_term_key(&alice, PASSWORD_MD5), &covered, 1, hash));
    stun_write_attr(&w, STUN_MESSAGE_INTEGRITY_SHA256, bytes_of(hash, 16));

    assert_int_equal(stun_parse(writer_bytes(&w), &m), STUN_OK);
    assert_int_equal(
        stun_check_integrity_sha256(&m, long_term_key(&alice, PASSWORD_MD5), 16), STUN_CHECK_RIGHT);
    auth_check(auth, &m, &client, CLIENT_NOW_S, NULL, &result);
    assert_int_equal(result.code, 401);
}

/* What goes to somebody who has proved nothing is counted by the byte: realm and nonce, and with
 * the offer of algorithms the cookie and the list. */
static void challenges_are_short(void **state)
{
    const struct {
        const struct auth *auth;
        size_t size;
    } cases[] = {{old, 20 + 16 + 16}, {auth, 20 + 16 + 28 + 12}};
    const struct client_request bare = {.username = text_of(NULL, 0)};
    uint8_t asked[2048], answered[256];
    struct stun_message request = client_write(&bare, asked);
    struct address client = client_address();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct writer w = writer_over(answered, sizeof(answered));
        stun_begin(&w, stun_type(STUN_ALLOCATE, STUN_ERROR), request.id);
        auth_write_challenge(cases[i].auth, &w, &request, &client, CLIENT_NOW_S);
        assert_int_equal(writer_bytes(&w).len, cases[i].size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_judged),
        cmocka_unit_test(bidding_down_is_seen),
        cmocka_unit_test(a_choice_has_four_bytes),
        cmocka_unit_test(a_missing_key_opens_nothing),
        cmocka_unit_test(nonces_grow_stale),
        cmocka_unit_test(a_nonce_of_another_key_is_stale),
        cmocka_unit_test(the_stronger_integrity_counts),
        cmocka_unit_test(sha256_is_not_cut),
        cmocka_unit_test(challenges_are_short),
    };
    return cmocka_run_group_tests_name("credentials auth", tests, set_up, tear_down);
}
