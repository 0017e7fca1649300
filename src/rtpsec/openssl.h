/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpsec/openssl.h - the context of the OpenSSL engine, on which other engines build: it turns any
 * single packet, so they need to do themselves only what they do faster.
 */
#ifndef RTPSEC_OPENSSL_H
#define RTPSEC_OPENSSL_H

#include "rtpsec/keys.h"

struct rtpsec_openssl_context {
    const struct rtpsec_suite *suite;
    struct rtpsec_flags flags;
    struct rtpsec_keys rtp, rtcp;
};

/* Fills a context in memory of the caller, who cleanses it in the end. False when OpenSSL failed.
 */
NODISCARD bool rtpsec_openssl_init(
    struct rtpsec_openssl_context *c, const struct rtpsec_engine_key *key);

/* For jobs whose context is or begins with a struct rtpsec_openssl_context. */
void rtpsec_openssl_protect_rtcp(struct rtpsec_job *jobs, size_t count);
void rtpsec_openssl_unprotect_rtcp(struct rtpsec_job *jobs, size_t count);
void rtpsec_openssl_forget(void *context, uint32_t ssrc);

#endif
