/* SPDX-License-Identifier: Apache-2.0 */
#include "call/sdes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define KEY_30 "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define KEY_44 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="

/* Each call gives other bytes, so a key that was kept shows. */
static uint8_t random_calls;

static void counting_random(void *data, size_t len)
{
    memset(data, ++random_calls, len);
}

static struct sdes_list read_lines(const char *lines)
{
    struct sdp_media media = {.lines = text_from(lines)};
    struct sdes_list list;
    sdes_read(&media, &list);
    return list;
}

static void put_names(struct call_names *names, const char *spec)
{
    struct text rest = text_from(spec);
    while (rest.len > 0)
        names->names[names->count++] = text_cut(&rest, ';');
}

/* "1:AEAD_AES_256_GCM 2:..." */
static const char *tags_and_suites(const struct sdes_list *list)
{
    static char out[1024];
    out[0] = '\0';
    for (size_t i = 0; i < list->count; i++) {
        size_t len = strlen(out);
        snprintf(out + len, sizeof(out) - len, "%s%u:%s", i > 0 ? " " : "", list->keys[i].tag,
            list->keys[i].srtp.suite->name);
    }
    return out;
}

static const struct sdes_list nothing;

#define ALL                                                                                        \
    "1:AEAD_AES_256_GCM 2:AEAD_AES_128_GCM 3:AES_256_CM_HMAC_SHA1_80 4:AES_256_CM_HMAC_SHA1_32 "   \
    "5:AES_CM_128_HMAC_SHA1_80 6:AES_CM_128_HMAC_SHA1_32"

static const struct read_case {
    const char *lines;
    const char *expected;
} reads[] = {
    {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "\r\n", "3:AES_CM_128_HMAC_SHA1_80"},
    {"a=crypto:1 aes_cm_128_hmac_sha1_32 inline:" KEY_30 "|2^20|1:4\r\n",
        "1:AES_CM_128_HMAC_SHA1_32"},
    {"a=crypto:1 AEAD_AES_256_GCM inline:" KEY_44 "\r\n", "1:AEAD_AES_256_GCM"},
    {"a=crypto:1 AEAD_AES_256_GCM inline:" KEY_44 " UNENCRYPTED_SRTP\r\n", ""},
    {"a=crypto:1 AEAD_AES_256_GCM inline:" KEY_44 " UNENCRYPTED_SRTCP\r\n", "1:AEAD_AES_256_GCM"},
    {"a=crypto:1 F8_128_HMAC_SHA1_80 inline:" KEY_30 "\r\n", ""},
    {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n", ""},
    {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 " KDR=4\r\n", ""},
    {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 " WSH=64 -X\r\n",
        "1:AES_CM_128_HMAC_SHA1_80"},
    {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 " NEW\r\n", ""},
    {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "|1:100\r\n", ""},
};

static void reads_what_can_be_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        struct sdes_list list = read_lines(reads[i].lines);
        if (strcmp(tags_and_suites(&list), reads[i].expected) != 0)
            fail_msg("%s gives %s", reads[i].lines, tags_and_suites(&list));
    }
}

static void an_mki_is_big_endian(void **state)
{
    (void)state;
    struct sdes_list list =
        read_lines("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "|2^20|258:4\r\n");
    const uint8_t expected[] = {0, 0, 1, 2};
    assert_int_equal(list.count, 1);
    assert_int_equal(list.keys[0].srtp.mki_len, 4);
    assert_memory_equal(list.keys[0].srtp.mki, expected, 4);
    assert_memory_equal(list.keys[0].srtp.key, "YS___sem", 8);
}

static void offers_every_suite(void **state)
{
    (void)state;
    struct call_flags flags = {0};
    struct sdes_list list;
    sdes_offer(&nothing, &nothing, &flags, counting_random, &list);
    assert_string_equal(tags_and_suites(&list), ALL);
    assert_memory_not_equal(list.keys[0].srtp.key, list.keys[1].srtp.key, 28);

    flags.sdes.off = true;
    sdes_offer(&nothing, &nothing, &flags, counting_random, &list);
    assert_int_equal(list.count, 0);
}

static const struct offer_case {
    const char *no, *only, *order;
    bool nonew, unencrypted_srtp, unencrypted_srtcp;
    const char *expected;
} offers[] = {
    {.only = "AES_CM_128_HMAC_SHA1_80;AES_CM_128_HMAC_SHA1_32",
        .expected = "1:AES_CM_128_HMAC_SHA1_80 2:AES_CM_128_HMAC_SHA1_32"},
    {.only = "AES_CM_128_HMAC_SHA1_80;AES_CM_128_HMAC_SHA1_32",
        .order = "NO_SUCH;AES_CM_128_HMAC_SHA1_32",
        .expected = "1:AES_CM_128_HMAC_SHA1_32 2:AES_CM_128_HMAC_SHA1_80"},
    {.only = "AES_CM_128_HMAC_SHA1_80;AEAD_AES_128_GCM",
        .no = "AEAD_AES_128_GCM",
        .expected = "1:AES_CM_128_HMAC_SHA1_80"},
    {.nonew = true, .expected = "1:AES_CM_128_HMAC_SHA1_32"},
    {.unencrypted_srtp = true,
        .only = "AES_CM_128_HMAC_SHA1_80;AEAD_AES_128_GCM",
        .expected = "1:AES_CM_128_HMAC_SHA1_80"},
    {.unencrypted_srtcp = true,
        .only = "AES_CM_128_HMAC_SHA1_80;AEAD_AES_128_GCM",
        .expected = "1:AEAD_AES_128_GCM 2:AES_CM_128_HMAC_SHA1_80"},
};

static void obeys_the_flags_of_an_offer(void **state)
{
    (void)state;
    struct sdes_list theirs =
        read_lines("a=crypto:9 AES_CM_128_HMAC_SHA1_32 inline:" KEY_30 "\r\n");
    for (size_t i = 0; i < COUNT_OF(offers); i++) {
        struct call_flags flags = {0};
        struct sdes_list list;
        put_names(&flags.sdes.no, offers[i].no);
        put_names(&flags.sdes.only, offers[i].only);
        put_names(&flags.sdes.order, offers[i].order);
        flags.sdes.nonew = offers[i].nonew;
        flags.sdes.unencrypted_srtp = offers[i].unencrypted_srtp;
        flags.sdes.unencrypted_srtcp = offers[i].unencrypted_srtcp;
        sdes_offer(&nothing, &theirs, &flags, counting_random, &list);
        assert_string_equal(tags_and_suites(&list), offers[i].expected);
        assert_memory_not_equal(list.keys[0].srtp.key, theirs.keys[0].srtp.key, 30);
    }
}

static void a_new_offer_keeps_keys_and_tags(void **state)
{
    (void)state;
    struct call_flags flags = {0};
    struct sdes_list first, second;
    put_names(&flags.sdes.only, "AES_CM_128_HMAC_SHA1_80");
    sdes_offer(&nothing, &nothing, &flags, counting_random, &first);

    struct call_flags none = {0};
    sdes_offer(&first, &nothing, &none, counting_random, &second);
    assert_int_equal(second.count, RTPSEC_SUITES);
    assert_int_equal(second.keys[0].tag, 1);
    assert_memory_equal(second.keys[0].srtp.key, first.keys[0].srtp.key, 30);
    for (uint8_t i = 0; i < second.count; i++)
        assert_int_equal(second.keys[i].tag, i + 1);
}

#define TWO_LINES                                                                                  \
    "a=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:" KEY_30 "|1:4\r\n"                                 \
    "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 " UNENCRYPTED_SRTCP\r\n"

static void answers_the_first_acceptable(void **state)
{
    (void)state;
    struct sdes_list offered = read_lines(TWO_LINES);
    struct call_flags flags = {0};
    struct sdes_pair pair, again;

    assert_true(sdes_answer(&offered, NULL, &flags, counting_random, &pair));
    assert_int_equal(pair.ours.tag, 4);
    assert_string_equal(pair.ours.srtp.suite->name, "AES_CM_128_HMAC_SHA1_32");
    assert_int_equal(pair.theirs.srtp.mki_len, 4);
    assert_int_equal(pair.ours.srtp.mki_len, 0);
    assert_memory_not_equal(pair.ours.srtp.key, pair.theirs.srtp.key, 30);

    /* Our key stays while the suite does. */
    assert_true(sdes_answer(&offered, &pair, &flags, counting_random, &again));
    assert_memory_equal(again.ours.srtp.key, pair.ours.srtp.key, 30);

    put_names(&flags.sdes.no, "AES_CM_128_HMAC_SHA1_32");
    assert_true(sdes_answer(&offered, &pair, &flags, counting_random, &again));
    assert_int_equal(again.ours.tag, 7);
    assert_true(again.ours.srtp.unencrypted_srtcp);
    assert_memory_not_equal(again.ours.srtp.key, pair.ours.srtp.key, 30);

    flags.sdes.encrypted_srtcp = true;
    assert_false(sdes_answer(&offered, NULL, &flags, counting_random, &again));
    assert_false(sdes_answer(&nothing, NULL, &flags, counting_random, &again));
}

static void preference_and_static_choose(void **state)
{
    (void)state;
    struct sdes_list offered = read_lines(TWO_LINES);
    struct call_flags flags = {0};
    struct sdes_pair first, second;
    put_names(&flags.sdes.offerer_pref, "AEAD_AES_128_GCM;AES_CM_128_HMAC_SHA1_80");
    assert_true(sdes_answer(&offered, NULL, &flags, counting_random, &first));
    assert_int_equal(first.ours.tag, 7);

    struct call_flags stay = {.sdes.is_static = true};
    assert_true(sdes_answer(&offered, &first, &stay, counting_random, &second));
    assert_int_equal(second.ours.tag, 7);
    stay.sdes.is_static = false;
    assert_true(sdes_answer(&offered, &first, &stay, counting_random, &second));
    assert_int_equal(second.ours.tag, 4);
}

static void takes_an_answer_to_its_offer(void **state)
{
    (void)state;
    struct call_flags flags = {0};
    struct sdes_list offer;
    struct sdes_pair pair;
    sdes_offer(&nothing, &nothing, &flags, counting_random, &offer);

    struct sdes_list answer =
        read_lines("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "\r\n");
    assert_false(sdes_accept(&offer, &answer, &pair)); /* tag 1 is another suite */
    answer = read_lines("a=crypto:5 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30 "\r\n");
    assert_true(sdes_accept(&offer, &answer, &pair));
    assert_memory_equal(pair.ours.srtp.key, offer.keys[4].srtp.key, 30);
    assert_memory_equal(pair.theirs.srtp.key, answer.keys[0].srtp.key, 30);
    assert_false(sdes_accept(&offer, &nothing, &pair));
}

static const char *line_of(const struct sdes_key *key, const struct call_flags *flags)
{
    static char out[256];
    struct writer w = writer_over(out, sizeof(out) - 1);
    sdes_write(&w, key, flags);
    assert_true(writer_ok(&w));
    out[w.len] = '\0';
    return out;
}

static void writes_lines(void **state)
{
    (void)state;
    struct call_flags flags = {0};
    const char gcm[] = "a=crypto:1 AEAD_AES_256_GCM inline:";
    struct sdes_list list = read_lines("a=crypto:1 AEAD_AES_256_GCM inline:" KEY_44 "\r\n");
    char expected[256];

    snprintf(expected, sizeof(expected), "%s%.*s\r\n", gcm, (int)strlen(KEY_44) - 1, KEY_44);
    assert_string_equal(line_of(&list.keys[0], &flags), expected);
    flags.sdes.pad = flags.sdes.lifetime = true;
    snprintf(expected, sizeof(expected), "%s%s|2^31\r\n", gcm, KEY_44);
    assert_string_equal(line_of(&list.keys[0], &flags), expected);

    struct call_flags none = {0};
    list = read_lines("a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30
                      " UNENCRYPTED_SRTP UNENCRYPTED_SRTCP UNAUTHENTICATED_SRTP\r\n");
    assert_string_equal(line_of(&list.keys[0], &none),
        "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30
        " UNENCRYPTED_SRTP UNENCRYPTED_SRTCP UNAUTHENTICATED_SRTP\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_can_be_used),
        cmocka_unit_test(an_mki_is_big_endian),
        cmocka_unit_test(offers_every_suite),
        cmocka_unit_test(obeys_the_flags_of_an_offer),
        cmocka_unit_test(a_new_offer_keeps_keys_and_tags),
        cmocka_unit_test(answers_the_first_acceptable),
        cmocka_unit_test(preference_and_static_choose),
        cmocka_unit_test(takes_an_answer_to_its_offer),
        cmocka_unit_test(writes_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
