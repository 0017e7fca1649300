/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpsec/keys.h - the session keys that engines of our own derive from the master key
 * (RFC 3711 section 4.3, RFC 6188 section 3, RFC 7714 section 11), and the IVs made with them.
 */
#ifndef RTPSEC_KEYS_H
#define RTPSEC_KEYS_H

#include "rtpsec/aes.h"
#include "rtpsec/engine.h"
#include "rtpsec/hmac.h"

struct rtpsec_keys {
    uint8_t cipher[RTPSEC_MAX_KEY]; /* suite->key_len bytes */
    uint8_t salt[RTPSEC_MAX_SALT];  /* suite->salt_len bytes */
    struct rtpsec_hmac hmac;        /* not for AEAD */
};

/* Fills `rtp` and `rtcp`; false when OpenSSL failed. */
NODISCARD bool rtpsec_derive_keys(
    const struct rtpsec_engine_key *key, struct rtpsec_keys *rtp, struct rtpsec_keys *rtcp);

/* Of AES-CM (RFC 3711, section 4.1.1). */
void rtpsec_ctr_iv(
    const struct rtpsec_keys *k, uint32_t ssrc, uint64_t index, uint8_t out[RTPSEC_CTR_IV]);

/* Of AES-GCM (RFC 7714, sections 8.1 and 9.1). */
void rtpsec_gcm_iv(
    const struct rtpsec_keys *k, uint32_t ssrc, uint64_t index, uint8_t out[RTPSEC_GCM_IV]);

#endif
