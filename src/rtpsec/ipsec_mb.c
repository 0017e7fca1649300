/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine on intel-ipsec-mb, which hashes up to 16 packets side by side and encrypts with the
 * widest AES instructions there are. It turns RTP; RTCP, being rare, is left to the OpenSSL engine,
 * with whose context each context begins.
 *
 * The "burst" calls of the library take arrays of one kind of work, so AES-CM is encrypted in one
 * pass and signed in another. A few lanes cost as much as all of them, so a few packets are signed
 * one by one.
 */
#include <stdlib.h>

#include <openssl/crypto.h>

#include "rtpsec/ipsec_mb_lanes.h"
#include "rtpsec/openssl.h"

enum {
    HASH_MAX = 65000, /* lanes count bytes in 16 bits */
    ROC_SIZE = 4,
    CTR_KEY_MAX = 16 * 15, /* expanded */
    LINE = 64,
};

struct context {
    struct rtpsec_openssl_context base; /* first */
    /* The expanded key of RTP: for AES-CM its rounds, for AEAD what matters of a gcm_key_data. */
    _Alignas(LINE) uint8_t schedule[];
};

static size_t is_wide(const struct context *c)
{
    return c->base.suite->key_len == 32;
}

static size_t context_size(const struct rtpsec_suite *suite)
{
    size_t rounds = suite->key_len == 32 ? 15 : 11;
    size_t schedule = suite->is_aead ? ipsec_mb_library()->gcm_size : 16 * rounds;
    return (sizeof(struct context) + schedule + LINE - 1) / LINE * LINE;
}

static void expand_key(struct context *c)
{
    const struct ipsec_mb_library *library = ipsec_mb_library();
    struct gcm_key_data expanded;
    _Alignas(16) uint8_t for_decryption[CTR_KEY_MAX];
    if (c->base.suite->is_aead) {
        library->gcm[is_wide(c)].expand(c->base.rtp.cipher, &expanded);
        memcpy(c->schedule, &expanded, library->gcm_size);
        OPENSSL_cleanse(&expanded, sizeof(expanded));
    } else {
        library->expand[is_wide(c)](c->base.rtp.cipher, c->schedule, for_decryption);
        OPENSSL_cleanse(for_decryption, sizeof(for_decryption));
    }
}

static void close_context(void *context)
{
    struct context *c = context;
    OPENSSL_cleanse(c, context_size(c->base.suite));
    free(c);
}

static void *open_context(const struct rtpsec_engine_key *key)
{
    if (ipsec_mb_library() == NULL)
        return NULL;
    struct context *c = aligned_alloc(LINE, context_size(key->suite));
    if (c == NULL)
        return NULL;
    if (!rtpsec_openssl_init(&c->base, key)) {
        close_context(c);
        return NULL;
    }
    expand_key(c);
    return c;
}

/* What lies behind the header is to be encrypted, or decrypted. */
static void add_cipher(struct ipsec_mb_lanes *l, struct rtpsec_job *job)
{
    const struct context *c = job->context;
    struct ipsec_mb_ciphers *lane = &l->ciphers[is_wide(c)];
    if (c->base.flags.unencrypted_srtp || job->len == job->header_len)
        return;
    IMB_JOB *to = &lane->jobs[lane->count];
    rtpsec_ctr_iv(&c->base.rtp, job->ssrc, job->index, lane->ivs[lane->count]);
    lane->owners[lane->count++] = job;
    to->enc_keys = to->dec_keys = c->schedule;
    to->src = job->data;
    to->dst = job->data + job->header_len;
    to->cipher_start_src_offset_in_bytes = job->header_len;
    to->msg_len_to_cipher_in_bytes = job->len - job->header_len;
}

static void fail(struct rtpsec_job *const *owners, size_t count)
{
    for (size_t i = 0; i < count; i++)
        owners[i]->result = RTPSEC_JOB_FAILED;
}

static void run_ciphers(struct ipsec_mb_lanes *l, size_t wide)
{
    struct ipsec_mb_ciphers *lane = &l->ciphers[wide];
    uint32_t count = (uint32_t)lane->count;
    if (count > 0 && IMB_SUBMIT_CIPHER_BURST_NOCHECK(l->manager, lane->jobs, count, IMB_CIPHER_CNTR,
                         IMB_DIR_ENCRYPT, wide ? IMB_KEY_256_BYTES : IMB_KEY_128_BYTES) != count)
        fail(lane->owners, count);
    lane->count = 0;
}

/* The hash goes over the packet and its ROC (RFC 3711, section 4.2), which is put behind it, where
 * the tag has its place. */
static void add_hash(struct ipsec_mb_hashes *lane, struct rtpsec_job *job)
{
    const struct context *c = job->context;
    IMB_JOB *to = &lane->jobs[lane->count];
    struct writer w = writer_over(job->data + job->len, ROC_SIZE);
    writer_u32(&w, (uint32_t)(job->index >> 16));
    lane->owners[lane->count++] = job;
    to->src = job->data;
    to->msg_len_to_hash_in_bytes = job->len + ROC_SIZE;
    to->u.HMAC._hashed_auth_key_xor_ipad = (const uint8_t *)c->base.rtp.hmac.inner;
    to->u.HMAC._hashed_auth_key_xor_opad = (const uint8_t *)c->base.rtp.hmac.outer;
}

/* How many of the hashes go into lanes: not a rest that fills only a few. */
static size_t for_lanes(const struct ipsec_mb_hashes *lane)
{
    const struct ipsec_mb_library *library = ipsec_mb_library();
    size_t rest = lane->count % library->hash_lanes;
    for (size_t i = 0; i < lane->count; i++)
        if (lane->owners[i]->len > HASH_MAX)
            return 0;
    return rest < library->few ? lane->count - rest : lane->count;
}

static void run_hashes(struct ipsec_mb_lanes *l)
{
    struct ipsec_mb_hashes *lane = &l->hashes;
    uint32_t side_by_side = (uint32_t)for_lanes(lane);
    if (side_by_side > 0 && IMB_SUBMIT_HASH_BURST_NOCHECK(l->manager, lane->jobs, side_by_side,
                                IMB_AUTH_HMAC_SHA_1) != side_by_side)
        fail(lane->owners, side_by_side);
    for (size_t i = side_by_side; i < lane->count; i++) {
        const struct rtpsec_job *job = lane->owners[i];
        const struct context *c = job->context;
        rtpsec_hmac_sign(&c->base.rtp.hmac, bytes_of(job->data, job->len + ROC_SIZE),
            bytes_of(NULL, 0), lane->tags[i]);
    }
}

static void seal(struct rtpsec_job *job)
{
    const struct context *c = job->context;
    uint8_t iv[RTPSEC_GCM_IV];
    struct gcm_context_data scratch;
    uint8_t *payload = job->data + job->header_len;
    rtpsec_gcm_iv(&c->base.rtp, job->ssrc, job->index, iv);
    ipsec_mb_library()->gcm[is_wide(c)].seal((const struct gcm_key_data *)c->schedule, &scratch,
        payload, payload, job->len - job->header_len, iv, job->data, job->header_len,
        job->data + job->len, RTPSEC_GCM_TAG);
    job->len += RTPSEC_GCM_TAG;
}

static void open_sealed(struct rtpsec_job *job)
{
    const struct context *c = job->context;
    uint8_t iv[RTPSEC_GCM_IV], tag[RTPSEC_GCM_TAG];
    struct gcm_context_data scratch;
    uint8_t *payload = job->data + job->header_len;
    rtpsec_gcm_iv(&c->base.rtp, job->ssrc, job->index, iv);
    job->len -= RTPSEC_GCM_TAG;
    ipsec_mb_library()->gcm[is_wide(c)].open((const struct gcm_key_data *)c->schedule, &scratch,
        payload, payload, job->len - job->header_len, iv, job->data, job->header_len, tag,
        RTPSEC_GCM_TAG);
    if (CRYPTO_memcmp(tag, job->data + job->len, RTPSEC_GCM_TAG) != 0)
        job->result = RTPSEC_JOB_AUTH_FAILED;
}

static const struct rtpsec_openssl_context *base_of(const struct rtpsec_job *job)
{
    return &((const struct context *)job->context)->base;
}

static bool has_tag_apart(const struct rtpsec_job *job)
{
    return !base_of(job)->suite->is_aead && !base_of(job)->flags.unauthenticated_srtp;
}

static void protect_some(struct ipsec_mb_lanes *l, struct rtpsec_job *jobs, size_t count)
{
    struct ipsec_mb_hashes *hashes = &l->hashes;
    for (size_t i = 0; i < count; i++) {
        jobs[i].result = RTPSEC_JOB_OK;
        if (base_of(&jobs[i])->suite->is_aead)
            seal(&jobs[i]);
        else
            add_cipher(l, &jobs[i]);
    }
    run_ciphers(l, 0);
    run_ciphers(l, 1);
    for (size_t i = 0; i < count; i++)
        if (has_tag_apart(&jobs[i]))
            add_hash(hashes, &jobs[i]);
    run_hashes(l);
    for (size_t i = 0; i < hashes->count; i++) {
        struct rtpsec_job *job = hashes->owners[i];
        size_t tag_len = base_of(job)->suite->rtp_tag_len;
        memcpy(job->data + job->len, hashes->tags[i], tag_len);
        job->len += tag_len;
    }
    hashes->count = 0;
}

static void begin_check(struct ipsec_mb_hashes *hashes, struct rtpsec_job *job)
{
    size_t tag_len = base_of(job)->suite->rtp_tag_len;
    job->len -= tag_len;
    memcpy(hashes->received[hashes->count], job->data + job->len, tag_len);
    add_hash(hashes, job);
}

static void unprotect_some(struct ipsec_mb_lanes *l, struct rtpsec_job *jobs, size_t count)
{
    struct ipsec_mb_hashes *hashes = &l->hashes;
    for (size_t i = 0; i < count; i++) {
        jobs[i].result = RTPSEC_JOB_OK;
        if (has_tag_apart(&jobs[i]))
            begin_check(hashes, &jobs[i]);
        else if (base_of(&jobs[i])->suite->is_aead)
            open_sealed(&jobs[i]);
        else
            add_cipher(l, &jobs[i]);
    }
    run_hashes(l);
    for (size_t i = 0; i < hashes->count; i++) {
        struct rtpsec_job *job = hashes->owners[i];
        if (CRYPTO_memcmp(hashes->tags[i], hashes->received[i], base_of(job)->suite->rtp_tag_len) !=
            0)
            job->result = RTPSEC_JOB_AUTH_FAILED;
        if (job->result == RTPSEC_JOB_OK)
            add_cipher(l, job);
    }
    hashes->count = 0;
    run_ciphers(l, 0);
    run_ciphers(l, 1);
}

typedef void (*turn_some)(struct ipsec_mb_lanes *l, struct rtpsec_job *jobs, size_t count);

static void turn(struct rtpsec_job *jobs, size_t count, turn_some turn_jobs)
{
    struct ipsec_mb_lanes *l = ipsec_mb_lanes();
    for (size_t i = 0; l == NULL && i < count; i++)
        jobs[i].result = RTPSEC_JOB_FAILED;
    for (size_t done = 0; l != NULL && done < count; done += IPSEC_MB_AT_ONCE) {
        size_t left = count - done;
        turn_jobs(l, jobs + done, left < IPSEC_MB_AT_ONCE ? left : IPSEC_MB_AT_ONCE);
    }
}

static void protect_rtp(struct rtpsec_job *jobs, size_t count)
{
    turn(jobs, count, protect_some);
}

static void unprotect_rtp(struct rtpsec_job *jobs, size_t count)
{
    turn(jobs, count, unprotect_some);
}

const struct rtpsec_engine rtpsec_engine_ipsec_mb = {
    .name = "ipsec-mb",
    .open_context = open_context,
    .close_context = close_context,
    .forget = rtpsec_openssl_forget,
    .protect_rtp = protect_rtp,
    .unprotect_rtp = unprotect_rtp,
    .protect_rtcp = rtpsec_openssl_protect_rtcp,
    .unprotect_rtcp = rtpsec_openssl_unprotect_rtcp,
};
