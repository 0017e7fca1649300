/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit/rtpsec/reference.h - SRTP once more, straight from the RFCs, on OpenSSL's primitives.
 *
 * Slow and plain: an independent witness for what the engines put on the wire.
 */
#ifndef UNIT_RTPSEC_REFERENCE_H
#define UNIT_RTPSEC_REFERENCE_H

#include "rtpsec/engine.h"

/* The keys of one direction after derivation (RFC 3711, section 4.3). */
struct reference_keys {
    uint8_t cipher[32];
    uint8_t salt[14];
    uint8_t auth[20];
};

struct reference {
    const struct rtpsec_suite *suite;
    struct rtpsec_flags flags;
    struct reference_keys rtp, rtcp;
};

void reference_init(struct reference *r, const struct rtpsec_suite *suite, struct bytes key,
    struct bytes salt, struct rtpsec_flags flags);

/* Protect in place and return the new length; there must be room. */
size_t reference_protect_rtp(
    const struct reference *r, uint8_t *data, size_t len, uint64_t packet_index);
size_t reference_protect_rtcp(
    const struct reference *r, uint8_t *data, size_t len, uint32_t srtcp_index);

/* The derivation function alone: `len` bytes for `label` (RFC 3711, section 4.3.3). */
void reference_derive(struct bytes key, struct bytes salt, uint8_t label, uint8_t *out, size_t len);

#endif
