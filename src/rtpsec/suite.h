/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpsec/suite.h - the SRTP crypto suites: one table row each.
 *
 * RFC 4568 section 6.2 (AES-128 CM), RFC 6188 (AES-256 CM), RFC 7714 (AEAD GCM), RFC 5764
 * section 4.1.2 (numbers in DTLS).
 *
 * Not supported: F8_128_HMAC_SHA1_80, which nobody offers; the NULL ciphers and NULL_HMAC, which
 * protect nothing; and AES_192_CM, for which libsrtp2 2.5 derives keys that no other
 * implementation gets (cisco/libsrtp issue 763).
 */
#ifndef RTPSEC_SUITE_H
#define RTPSEC_SUITE_H

#include "mediaferry/bytes.h"

enum rtpsec_suite_id {
    RTPSEC_AEAD_AES_256_GCM,
    RTPSEC_AEAD_AES_128_GCM,
    RTPSEC_AES_256_CM_80,
    RTPSEC_AES_256_CM_32,
    RTPSEC_AES_128_CM_80,
    RTPSEC_AES_128_CM_32,
};
enum { RTPSEC_SUITES = RTPSEC_AES_128_CM_32 + 1 };

enum { RTPSEC_MAX_KEY = 32, RTPSEC_MAX_SALT = 14, RTPSEC_MAX_MKI = 128 };

/* What protecting one packet may add at its end: MKI and tag, and for RTCP the index before them.
 */
enum { RTPSEC_MAX_TRAILER = 16 + 4 + RTPSEC_MAX_MKI };

struct rtpsec_suite {
    enum rtpsec_suite_id id;
    const char *name;      /* in SDES (a=crypto) */
    uint16_t dtls_profile; /* in DTLS use_srtp; 0 when there is none */
    bool is_aead;
    uint8_t key_len;
    uint8_t salt_len;
    uint8_t rtp_tag_len;
    uint8_t rtcp_tag_len; /* 10 for the _32 suites too (RFC 4568, section 6.2.2) */
};

/* The row of a suite; rows live as long as the program. */
const struct rtpsec_suite *rtpsec_suite(enum rtpsec_suite_id id);

/* Looks up by SDES name (without regard to case); NULL when not supported. */
const struct rtpsec_suite *rtpsec_suite_by_name(struct text name);

/* Looks up by DTLS profile number; NULL when not supported. */
const struct rtpsec_suite *rtpsec_suite_by_dtls_profile(uint16_t profile);

/* Splits the decoded `inline:` parameter of SDES, key followed by salt (RFC 4568, section 6.1);
 * false when its length is not that of the suite. The outputs borrow `inline_key`. */
NODISCARD bool rtpsec_suite_split(const struct rtpsec_suite *suite, struct bytes inline_key,
    struct bytes *key, struct bytes *salt);

#endif
