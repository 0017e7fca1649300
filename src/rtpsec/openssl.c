/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine on OpenSSL: SRTP packet by packet, with session keys and HMAC states prepared. It keeps
 * nothing of a stream, so every index is the job's.
 */
#include "rtpsec/openssl.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/crypto.h>

enum { WORD = 4, RTCP_HEADER = 8 };

/* The first bit of the SRTCP index: the packet is encrypted (RFC 3711, section 3.4). */
#define E_FLAG UINT32_C(0x80000000)

bool rtpsec_openssl_init(struct rtpsec_openssl_context *c, const struct rtpsec_engine_key *key)
{
    c->suite = key->suite;
    c->flags = key->flags;
    return rtpsec_derive_keys(key, &c->rtp, &c->rtcp);
}

static void close_context(void *context)
{
    OPENSSL_cleanse(context, sizeof(struct rtpsec_openssl_context));
    free(context);
}

static void *open_context(const struct rtpsec_engine_key *key)
{
    struct rtpsec_openssl_context *c = malloc(sizeof(*c));
    if (c != NULL && !rtpsec_openssl_init(c, key)) {
        close_context(c);
        return NULL;
    }
    return c;
}

void rtpsec_openssl_forget(void *context, uint32_t ssrc)
{
    (void)context;
    (void)ssrc;
}

static void write_word(uint8_t *to, uint32_t value)
{
    struct writer w = writer_over(to, WORD);
    writer_u32(&w, value);
}

static enum rtpsec_job_result ok_or(bool ok, enum rtpsec_job_result otherwise)
{
    return ok ? RTPSEC_JOB_OK : otherwise;
}

static bool crypt(const struct rtpsec_openssl_context *c, const struct rtpsec_keys *keys,
    const struct rtpsec_job *job, size_t end)
{
    uint8_t iv[RTPSEC_CTR_IV];
    rtpsec_ctr_iv(keys, job->ssrc, job->index, iv);
    return rtpsec_aes_ctr(bytes_of(keys->cipher, c->suite->key_len), iv,
        job->data + job->header_len, end - job->header_len);
}

/* What AEAD turns: the bytes of the packet from `start` up to `end`. */
static struct rtpsec_gcm gcm_of(const struct rtpsec_openssl_context *c,
    const struct rtpsec_keys *keys, const uint8_t *iv, const struct rtpsec_job *job, size_t end)
{
    return (struct rtpsec_gcm){
        .key = bytes_of(keys->cipher, c->suite->key_len),
        .iv = iv,
        .aad = bytes_of(job->data, job->header_len),
        .data = job->data + job->header_len,
        .len = end - job->header_len,
    };
}

static enum rtpsec_job_result seal_rtp(
    const struct rtpsec_openssl_context *c, struct rtpsec_job *job)
{
    uint8_t iv[RTPSEC_GCM_IV];
    rtpsec_gcm_iv(&c->rtp, job->ssrc, job->index, iv);
    struct rtpsec_gcm gcm = gcm_of(c, &c->rtp, iv, job, job->len);
    bool ok = rtpsec_gcm_seal(&gcm, job->data + job->len);
    job->len += RTPSEC_GCM_TAG;
    return ok_or(ok, RTPSEC_JOB_FAILED);
}

static enum rtpsec_job_result open_rtp(
    const struct rtpsec_openssl_context *c, struct rtpsec_job *job)
{
    uint8_t iv[RTPSEC_GCM_IV];
    rtpsec_gcm_iv(&c->rtp, job->ssrc, job->index, iv);
    job->len -= RTPSEC_GCM_TAG;
    struct rtpsec_gcm gcm = gcm_of(c, &c->rtp, iv, job, job->len);
    return ok_or(rtpsec_gcm_open(&gcm, job->data + job->len), RTPSEC_JOB_AUTH_FAILED);
}

/* RFC 3711, section 4.2: the tag covers the packet and, unseen, the ROC. */
static void sign_rtp(const struct rtpsec_openssl_context *c, const struct rtpsec_job *job,
    uint8_t tag[RTPSEC_HMAC_SIZE])
{
    uint8_t roc[WORD];
    write_word(roc, (uint32_t)(job->index >> 16));
    rtpsec_hmac_sign(&c->rtp.hmac, bytes_of(job->data, job->len), bytes_of(roc, sizeof(roc)), tag);
}

static enum rtpsec_job_result protect_one_rtp(
    const struct rtpsec_openssl_context *c, struct rtpsec_job *job)
{
    uint8_t tag[RTPSEC_HMAC_SIZE];
    if (c->suite->is_aead)
        return seal_rtp(c, job);
    if (!c->flags.unencrypted_srtp && !crypt(c, &c->rtp, job, job->len))
        return RTPSEC_JOB_FAILED;
    if (c->flags.unauthenticated_srtp)
        return RTPSEC_JOB_OK;
    sign_rtp(c, job, tag);
    memcpy(job->data + job->len, tag, c->suite->rtp_tag_len);
    job->len += c->suite->rtp_tag_len;
    return RTPSEC_JOB_OK;
}

static enum rtpsec_job_result unprotect_one_rtp(
    const struct rtpsec_openssl_context *c, struct rtpsec_job *job)
{
    uint8_t tag[RTPSEC_HMAC_SIZE];
    if (c->suite->is_aead)
        return open_rtp(c, job);
    if (!c->flags.unauthenticated_srtp) {
        job->len -= c->suite->rtp_tag_len;
        sign_rtp(c, job, tag);
        if (CRYPTO_memcmp(tag, job->data + job->len, c->suite->rtp_tag_len) != 0)
            return RTPSEC_JOB_AUTH_FAILED;
    }
    bool ok = c->flags.unencrypted_srtp || crypt(c, &c->rtp, job, job->len);
    return ok_or(ok, RTPSEC_JOB_FAILED);
}

/* RFC 7714, section 9: the index is signed too, but stands behind the tag. Without encryption all
 * of the packet is only signed. Writes into the room behind the packet. */
static struct rtpsec_gcm gcm_of_rtcp(const struct rtpsec_openssl_context *c, const uint8_t *iv,
    const struct rtpsec_job *job, const uint8_t word[WORD], uint8_t aad[RTCP_HEADER + WORD])
{
    struct rtpsec_gcm gcm = gcm_of(c, &c->rtcp, iv, job, job->len);
    if (c->flags.unencrypted_srtcp) {
        memcpy(job->data + job->len, word, WORD);
        gcm.aad = bytes_of(job->data, job->len + WORD);
        gcm.len = 0;
        return gcm;
    }
    memcpy(aad, job->data, RTCP_HEADER);
    memcpy(aad + RTCP_HEADER, word, WORD);
    gcm.aad = bytes_of(aad, RTCP_HEADER + WORD);
    return gcm;
}

static enum rtpsec_job_result seal_rtcp(
    const struct rtpsec_openssl_context *c, struct rtpsec_job *job, const uint8_t word[WORD])
{
    uint8_t iv[RTPSEC_GCM_IV], aad[RTCP_HEADER + WORD];
    rtpsec_gcm_iv(&c->rtcp, job->ssrc, job->index, iv);
    struct rtpsec_gcm gcm = gcm_of_rtcp(c, iv, job, word, aad);
    bool ok = rtpsec_gcm_seal(&gcm, job->data + job->len);
    memcpy(job->data + job->len + RTPSEC_GCM_TAG, word, WORD);
    job->len += RTPSEC_GCM_TAG + WORD;
    return ok_or(ok, RTPSEC_JOB_FAILED);
}

static enum rtpsec_job_result open_rtcp(
    const struct rtpsec_openssl_context *c, struct rtpsec_job *job, const uint8_t word[WORD])
{
    uint8_t iv[RTPSEC_GCM_IV], aad[RTCP_HEADER + WORD], tag[RTPSEC_GCM_TAG];
    rtpsec_gcm_iv(&c->rtcp, job->ssrc, job->index, iv);
    job->len -= RTPSEC_GCM_TAG;
    memcpy(tag, job->data + job->len, sizeof(tag));
    struct rtpsec_gcm gcm = gcm_of_rtcp(c, iv, job, word, aad);
    return ok_or(rtpsec_gcm_open(&gcm, tag), RTPSEC_JOB_AUTH_FAILED);
}

static enum rtpsec_job_result protect_one_rtcp(
    const struct rtpsec_openssl_context *c, struct rtpsec_job *job)
{
    uint8_t word[WORD], tag[RTPSEC_HMAC_SIZE];
    bool encrypts = !c->flags.unencrypted_srtcp;
    write_word(word, (uint32_t)job->index | (encrypts ? E_FLAG : 0));
    if (c->suite->is_aead)
        return seal_rtcp(c, job, word);
    if (encrypts && !crypt(c, &c->rtcp, job, job->len))
        return RTPSEC_JOB_FAILED;
    memcpy(job->data + job->len, word, WORD);
    job->len += WORD;
    rtpsec_hmac_sign(&c->rtcp.hmac, bytes_of(job->data, job->len), bytes_of(NULL, 0), tag);
    memcpy(job->data + job->len, tag, c->suite->rtcp_tag_len);
    job->len += c->suite->rtcp_tag_len;
    return RTPSEC_JOB_OK;
}

/* A sender that does not do as was agreed about encryption is not heard. */
static bool encryption_is_as_agreed(
    const struct rtpsec_openssl_context *c, const uint8_t word[WORD])
{
    return (word[0] & 0x80) == (c->flags.unencrypted_srtcp ? 0 : 0x80);
}

static enum rtpsec_job_result unprotect_one_rtcp(
    const struct rtpsec_openssl_context *c, struct rtpsec_job *job)
{
    uint8_t word[WORD], tag[RTPSEC_HMAC_SIZE];
    size_t behind = c->suite->is_aead ? 0 : c->suite->rtcp_tag_len;
    job->len -= behind;
    memcpy(word, job->data + job->len - WORD, WORD);
    if (!encryption_is_as_agreed(c, word))
        return RTPSEC_JOB_AUTH_FAILED;
    if (c->suite->is_aead) {
        job->len -= WORD;
        return open_rtcp(c, job, word);
    }
    rtpsec_hmac_sign(&c->rtcp.hmac, bytes_of(job->data, job->len), bytes_of(NULL, 0), tag);
    if (CRYPTO_memcmp(tag, job->data + job->len, behind) != 0)
        return RTPSEC_JOB_AUTH_FAILED;
    job->len -= WORD;
    bool ok = c->flags.unencrypted_srtcp || crypt(c, &c->rtcp, job, job->len);
    return ok_or(ok, RTPSEC_JOB_FAILED);
}

typedef enum rtpsec_job_result (*turn_one)(
    const struct rtpsec_openssl_context *c, struct rtpsec_job *job);

static void turn(struct rtpsec_job *jobs, size_t count, turn_one turn_job)
{
    for (size_t i = 0; i < count; i++)
        jobs[i].result =
            jobs[i].len <= INT_MAX ? turn_job(jobs[i].context, &jobs[i]) : RTPSEC_JOB_FAILED;
}

static void protect_rtp(struct rtpsec_job *jobs, size_t count)
{
    turn(jobs, count, protect_one_rtp);
}

static void unprotect_rtp(struct rtpsec_job *jobs, size_t count)
{
    turn(jobs, count, unprotect_one_rtp);
}

void rtpsec_openssl_protect_rtcp(struct rtpsec_job *jobs, size_t count)
{
    turn(jobs, count, protect_one_rtcp);
}

void rtpsec_openssl_unprotect_rtcp(struct rtpsec_job *jobs, size_t count)
{
    turn(jobs, count, unprotect_one_rtcp);
}

const struct rtpsec_engine rtpsec_engine_openssl = {
    .name = "openssl",
    .open_context = open_context,
    .close_context = close_context,
    .forget = rtpsec_openssl_forget,
    .protect_rtp = protect_rtp,
    .unprotect_rtp = unprotect_rtp,
    .protect_rtcp = rtpsec_openssl_protect_rtcp,
    .unprotect_rtcp = rtpsec_openssl_unprotect_rtcp,
};
