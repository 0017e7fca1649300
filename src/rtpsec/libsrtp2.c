/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference engine: libsrtp2.
 *
 * libsrtp2 estimates indices and keeps replay lists of its own. It is made to follow ours:
 * - RTP: the ROC is set before each packet (srtp_set_stream_roc), so that its estimate is the index
 *   of the job. Its replay list is longer than ours, so ours decides. A ROC of 0 cannot be set;
 *   then its estimate is ours, since it rests on the same packets.
 * - SRTCP on receipt: the index is in the packet, and both lists have 128 entries.
 * - SRTCP on sending: its counter can only be pushed on, one protected packet after the other.
 *   Where the job is ahead, after a restore, the packet is given up (RTPSEC_JOB_NOT_READY) and
 *   dummies are protected until it has caught up, a bounded number of them at a time.
 * Streams are clones of a template, which is cheap; only a stream restored with a ROC above 0 costs
 * a key derivation of its own, because a clone is not made before the first packet is accepted.
 */
#include "rtpsec/engine.h"

#include <limits.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <srtp2/crypto_types.h>
#include <srtp2/srtp.h>

#include "rtpsec/session.h"

enum { CATCH_UP_STEPS = 10000 };

struct context {
    srtp_t srtp;
    srtp_policy_t policy;
    bool is_aead;
    uint8_t key[RTPSEC_MAX_KEY + RTPSEC_MAX_SALT];
};

/* The default is AES_CM_128_HMAC_SHA1_80; tag lengths are set apart. */
static void (*const set_policy[RTPSEC_SUITES])(srtp_crypto_policy_t *) = {
    [RTPSEC_AEAD_AES_256_GCM] = srtp_crypto_policy_set_aes_gcm_256_16_auth,
    [RTPSEC_AEAD_AES_128_GCM] = srtp_crypto_policy_set_aes_gcm_128_16_auth,
    [RTPSEC_AES_256_CM_80] = srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80,
    [RTPSEC_AES_256_CM_32] = srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80,
    [RTPSEC_AES_128_CM_80] = srtp_crypto_policy_set_rtp_default,
    [RTPSEC_AES_128_CM_32] = srtp_crypto_policy_set_rtp_default,
};

static void drop_service(srtp_crypto_policy_t *policy, srtp_sec_serv_t service)
{
    policy->sec_serv = (srtp_sec_serv_t)(policy->sec_serv & ~(unsigned)service);
}

static void fill_policy(struct context *c, const struct rtpsec_engine_key *key)
{
    srtp_policy_t *policy = &c->policy;
    set_policy[key->suite->id](&policy->rtp);
    set_policy[key->suite->id](&policy->rtcp);
    policy->rtp.auth_tag_len = key->suite->rtp_tag_len;
    policy->rtcp.auth_tag_len = key->suite->rtcp_tag_len;
    if (key->flags.unencrypted_srtp)
        drop_service(&policy->rtp, sec_serv_conf);
    if (key->flags.unencrypted_srtcp)
        drop_service(&policy->rtcp, sec_serv_conf);
    if (key->flags.unauthenticated_srtp) {
        drop_service(&policy->rtp, sec_serv_auth);
        policy->rtp.auth_type = SRTP_NULL_AUTH;
        policy->rtp.auth_key_len = 0;
        policy->rtp.auth_tag_len = 0;
    }
    policy->ssrc.type = key->direction == RTPSEC_RX ? ssrc_any_inbound : ssrc_any_outbound;
    policy->key = c->key;
    policy->window_size = 2 * RTPSEC_WINDOW;
    policy->allow_repeat_tx = 1;
}

static void *open_context(const struct rtpsec_engine_key *key)
{
    struct context *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    memcpy(c->key, key->key, key->suite->key_len);
    memcpy(c->key + key->suite->key_len, key->salt, key->suite->salt_len);
    c->is_aead = key->suite->is_aead;
    fill_policy(c, key);
    if (srtp_create(&c->srtp, &c->policy) != srtp_err_status_ok) {
        OPENSSL_cleanse(c, sizeof(*c));
        free(c);
        return NULL;
    }
    return c;
}

static void close_context(void *context)
{
    struct context *c = context;
    srtp_dealloc(c->srtp);
    OPENSSL_cleanse(c, sizeof(*c));
    free(c);
}

static void forget(void *context, uint32_t ssrc)
{
    struct context *c = context;
    srtp_remove_stream(c->srtp, htonl(ssrc)); /* not knowing it is fine */
}

static enum rtpsec_job_result result_of(srtp_err_status_t status)
{
    switch ((unsigned)status) {
    case srtp_err_status_ok:
        return RTPSEC_JOB_OK;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
        return RTPSEC_JOB_REPLAYED;
    case srtp_err_status_alloc_fail:
    case srtp_err_status_init_fail:
    case srtp_err_status_no_ctx:
    case srtp_err_status_pkt_idx_old:
        return RTPSEC_JOB_FAILED;
    default:
        return RTPSEC_JOB_AUTH_FAILED;
    }
}

/* Makes the estimate of libsrtp2 come out as the index of the job. */
static bool impose_index(struct context *c, const struct rtpsec_job *job)
{
    uint32_t roc = (uint32_t)(job->index >> 16);
    if (srtp_set_stream_roc(c->srtp, job->ssrc, roc) == srtp_err_status_ok || roc == 0)
        return true;
    srtp_policy_t policy = c->policy;
    policy.ssrc.type = ssrc_specific;
    policy.ssrc.value = job->ssrc;
    return srtp_add_stream(c->srtp, &policy) == srtp_err_status_ok &&
           srtp_set_stream_roc(c->srtp, job->ssrc, roc) == srtp_err_status_ok;
}

typedef srtp_err_status_t (*turn_packet)(srtp_t srtp, void *packet, int *len);

static void turn(struct context *c, struct rtpsec_job *job, turn_packet turn_one)
{
    int len = (int)job->len;
    job->result = result_of(turn_one(c->srtp, job->data, &len));
    if (job->result == RTPSEC_JOB_OK)
        job->len = (size_t)len;
}

static void turn_rtp(struct rtpsec_job *jobs, size_t count, turn_packet turn_one)
{
    for (size_t i = 0; i < count; i++) {
        struct rtpsec_job *job = &jobs[i];
        job->result = RTPSEC_JOB_FAILED;
        if (job->len <= INT_MAX && impose_index(job->context, job))
            turn(job->context, job, turn_one);
    }
}

static void protect_rtp(struct rtpsec_job *jobs, size_t count)
{
    turn_rtp(jobs, count, srtp_protect);
}

static void unprotect_rtp(struct rtpsec_job *jobs, size_t count)
{
    turn_rtp(jobs, count, srtp_unprotect);
}

/* The SRTCP index in a packet just protected. */
static uint32_t index_written(const struct context *c, struct bytes packet)
{
    size_t after = c->is_aead ? 4 : 4 + (size_t)c->policy.rtcp.auth_tag_len;
    struct reader r = reader_over(packet);
    reader_take(&r, packet.len - after);
    return reader_u32(&r) & 0x7fffffff;
}

static void catch_up(struct context *c, uint32_t ssrc, uint32_t steps)
{
    for (uint32_t i = 0; i < steps && i < CATCH_UP_STEPS; i++) {
        /* An empty receiver report, aligned as libsrtp2 wants it. */
        uint32_t dummy[(8 + RTPSEC_MAX_TRAILER) / 4] = {htonl(0x80c90001), htonl(ssrc)};
        int len = 8;
        if (srtp_protect_rtcp(c->srtp, dummy, &len) != srtp_err_status_ok)
            return;
    }
}

static void protect_rtcp(struct rtpsec_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rtpsec_job *job = &jobs[i];
        struct context *c = job->context;
        turn(c, job, srtp_protect_rtcp);
        if (job->result != RTPSEC_JOB_OK)
            continue;
        uint32_t index = index_written(c, bytes_of(job->data, job->len));
        if (index == job->index)
            continue;
        job->result = index < job->index ? RTPSEC_JOB_NOT_READY : RTPSEC_JOB_FAILED;
        if (index < job->index)
            catch_up(c, job->ssrc, (uint32_t)job->index - index);
    }
}

static void unprotect_rtcp(struct rtpsec_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        turn(jobs[i].context, &jobs[i], srtp_unprotect_rtcp);
}

const struct rtpsec_engine rtpsec_engine_libsrtp2 = {
    .name = "libsrtp2",
    .open_context = open_context,
    .close_context = close_context,
    .forget = forget,
    .protect_rtp = protect_rtp,
    .unprotect_rtp = unprotect_rtp,
    .protect_rtcp = protect_rtcp,
    .unprotect_rtcp = unprotect_rtcp,
};
