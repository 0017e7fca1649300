/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpsec/aes.h - AES by OpenSSL, under a key that may be another one with each call.
 *
 * The cipher contexts of OpenSSL are large (700 to 1,200 bytes) and dear to make, so a thread has
 * one of each kind and keys it anew for each packet: that costs 50 ns, and streams stay small.
 * Nothing is allocated but by the first call of a thread. False from anything means that OpenSSL
 * failed, most likely for want of memory, unless it says more. Keys have 16 or 32 bytes.
 */
#ifndef RTPSEC_AES_H
#define RTPSEC_AES_H

#include "mediaferry/bytes.h"

enum { RTPSEC_CTR_IV = 16, RTPSEC_GCM_IV = 12, RTPSEC_GCM_TAG = 16 };

/* Encrypts or decrypts in place in counter mode. */
NODISCARD bool rtpsec_aes_ctr(
    struct bytes key, const uint8_t iv[RTPSEC_CTR_IV], uint8_t *data, size_t len);

struct rtpsec_gcm {
    struct bytes key;
    const uint8_t *iv; /* RTPSEC_GCM_IV bytes */
    struct bytes aad;
    uint8_t *data; /* turned in place */
    size_t len;
};

/* Encrypts and writes the tag, which may lie behind the data. */
NODISCARD bool rtpsec_gcm_seal(const struct rtpsec_gcm *gcm, uint8_t tag[RTPSEC_GCM_TAG]);

/* Decrypts; false also when the tag is not that of the data, which is garbage then. */
NODISCARD bool rtpsec_gcm_open(const struct rtpsec_gcm *gcm, const uint8_t tag[RTPSEC_GCM_TAG]);

/* Frees what the calling thread has; other threads do so when they end. */
void rtpsec_aes_done(void);

#endif
