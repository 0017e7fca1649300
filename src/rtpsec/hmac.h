/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpsec/hmac.h - HMAC-SHA1 (RFC 2104) from prepared states: the hash after the key's own block.
 *
 * Pure: no allocation. The states are words as the processor has them, which is what other
 * implementations take too.
 */
#ifndef RTPSEC_HMAC_H
#define RTPSEC_HMAC_H

#include "mediaferry/bytes.h"

enum { RTPSEC_HMAC_SIZE = 20 };

struct rtpsec_hmac {
    uint32_t inner[RTPSEC_HMAC_SIZE / 4];
    uint32_t outer[RTPSEC_HMAC_SIZE / 4];
};

void rtpsec_hmac_prepare(struct rtpsec_hmac *h, const uint8_t key[RTPSEC_HMAC_SIZE]);

/* Signs `data` followed by `tail`, as SRTP has the ROC behind the packet. */
void rtpsec_hmac_sign(const struct rtpsec_hmac *h, struct bytes data, struct bytes tail,
    uint8_t tag[RTPSEC_HMAC_SIZE]);

#endif
