/* SPDX-License-Identifier: Apache-2.0 */
#include "rtpsec/suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
    const char *name;
    uint16_t profile;
    size_t key_len, salt_len, rtp_tag, rtcp_tag;
} suites[] = {
    {"AES_CM_128_HMAC_SHA1_80", 1, 16, 14, 10, 10},
    {"AES_CM_128_HMAC_SHA1_32", 2, 16, 14, 4, 10},
    {"AES_256_CM_HMAC_SHA1_80", 0, 32, 14, 10, 10},
    {"AES_256_CM_HMAC_SHA1_32", 0, 32, 14, 4, 10},
    {"AEAD_AES_128_GCM", 7, 16, 12, 16, 16},
    {"AEAD_AES_256_GCM", 8, 32, 12, 16, 16},
};

static void finds_suites(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(suites), RTPSEC_SUITES);
    for (size_t i = 0; i < COUNT_OF(suites); i++) {
        const struct rtpsec_suite *s = rtpsec_suite_by_name(text_from(suites[i].name));
        assert_non_null(s);
        assert_ptr_equal(rtpsec_suite(s->id), s);
        assert_int_equal(s->key_len, suites[i].key_len);
        assert_int_equal(s->salt_len, suites[i].salt_len);
        assert_int_equal(s->rtp_tag_len, suites[i].rtp_tag);
        assert_int_equal(s->rtcp_tag_len, suites[i].rtcp_tag);
        assert_int_equal(s->dtls_profile, suites[i].profile);
        assert_int_equal(s->is_aead, suites[i].salt_len == 12);
        if (suites[i].profile != 0)
            assert_ptr_equal(rtpsec_suite_by_dtls_profile(suites[i].profile), s);
    }
    assert_non_null(rtpsec_suite_by_name(TEXT("aead_aes_128_gcm")));
}

static void knows_no_others(void **state)
{
    (void)state;
    assert_null(rtpsec_suite_by_name(TEXT("")));
    assert_null(rtpsec_suite_by_name(TEXT("F8_128_HMAC_SHA1_80")));
    assert_null(rtpsec_suite_by_name(TEXT("NULL_HMAC_SHA1_80")));
    assert_null(rtpsec_suite_by_name(TEXT("AEAD_AES_128_GCM_8")));
    assert_null(rtpsec_suite_by_name(TEXT("AES_192_CM_HMAC_SHA1_80")));
    assert_null(rtpsec_suite_by_dtls_profile(0));
    assert_null(rtpsec_suite_by_dtls_profile(5));
    assert_null(rtpsec_suite_by_dtls_profile(0xffff));
}

static void splits_the_inline_key(void **state)
{
    (void)state;
    static const uint8_t material[47] = {[0] = 1, [31] = 2, [32] = 3, [45] = 4};
    for (unsigned id = 0; id < RTPSEC_SUITES; id++) {
        const struct rtpsec_suite *s = rtpsec_suite((enum rtpsec_suite_id)id);
        size_t len = (size_t)s->key_len + s->salt_len;
        struct bytes key = {0}, salt = {0};
        assert_false(rtpsec_suite_split(s, bytes_of(material, len - 1), &key, &salt));
        assert_false(rtpsec_suite_split(s, bytes_of(material, len + 1), &key, &salt));
        assert_null(key.data);
        assert_true(rtpsec_suite_split(s, bytes_of(material, len), &key, &salt));
        assert_ptr_equal(key.data, material);
        assert_int_equal(key.len, s->key_len);
        assert_ptr_equal(salt.data, material + s->key_len);
        assert_int_equal(salt.len, s->salt_len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_suites),
        cmocka_unit_test(knows_no_others),
        cmocka_unit_test(splits_the_inline_key),
    };
    return cmocka_run_group_tests_name("rtpsec suite", tests, NULL, NULL);
}
