/* SPDX-License-Identifier: Apache-2.0 */
#include "rtpsec/ipsec_mb_lanes.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <pthread.h>

/* Measured: a pass over the lanes takes as long as so many packets hashed one by one. */
enum { FEW_WITH_SHA_NI = 6, FEW_WITHOUT = 3 };

static struct ipsec_mb_library library;
static bool usable;
static pthread_key_t ender;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local struct ipsec_mb_lanes *mine;

static void free_lanes(void *memory)
{
    struct ipsec_mb_lanes *l = memory;
    if (l->manager != NULL)
        free_mb_mgr(l->manager);
    OPENSSL_cleanse(l, sizeof(*l));
    free(l);
}

/* How many bytes of a key an expansion writes: up to the last that is the same whatever was there.
 */
static size_t written_by(aes_gcm_pre_t expand)
{
    static const uint8_t key[RTPSEC_MAX_KEY] = {1};
    union {
        struct gcm_key_data key;
        uint8_t bytes[sizeof(struct gcm_key_data)];
    } over_zeros, over_ones;
    memset(&over_zeros, 0, sizeof(over_zeros));
    memset(&over_ones, 0xff, sizeof(over_ones));
    expand(key, &over_zeros.key);
    expand(key, &over_ones.key);
    size_t size = sizeof(over_zeros.bytes);
    while (size > 0 && over_zeros.bytes[size - 1] != over_ones.bytes[size - 1])
        size--;
    return size;
}

static void look_at_gcm(const IMB_MGR *m)
{
    library.gcm[0] = (struct ipsec_mb_gcm){m->gcm128_pre, m->gcm128_enc, m->gcm128_dec};
    library.gcm[1] = (struct ipsec_mb_gcm){m->gcm256_pre, m->gcm256_enc, m->gcm256_dec};
    size_t of_128 = written_by(library.gcm[0].expand), of_256 = written_by(library.gcm[1].expand);
    library.gcm_size = of_128 > of_256 ? of_128 : of_256;
}

/* Keys expanded for GCM take a kilobyte with AVX-512, for the sake of long messages. The functions
 * for AVX2 need a third of that, and 15 ns more a packet of speech. */
static void look_at_library(void)
{
    uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_AVX2;
    IMB_MGR *manager = alloc_mb_mgr(0);
    if (manager == NULL)
        return;
    if ((manager->features & needed) == needed) {
        init_mb_mgr_avx2(manager);
        look_at_gcm(manager);
        library.expand[0] = manager->keyexp_128;
        library.expand[1] = manager->keyexp_256;
        bool is_wide = (manager->features & IMB_FEATURE_AVX512_SKX) == IMB_FEATURE_AVX512_SKX;
        library.hash_lanes = is_wide ? 16 : 8;
        bool sha_ni = (manager->features & IMB_FEATURE_SHANI) != 0;
        library.few = sha_ni ? FEW_WITH_SHA_NI : FEW_WITHOUT;
        usable = imb_get_errno(manager) == 0 && pthread_key_create(&ender, free_lanes) == 0;
    }
    free_mb_mgr(manager);
}

const struct ipsec_mb_library *ipsec_mb_library(void)
{
    return pthread_once(&once, look_at_library) == 0 && usable ? &library : NULL;
}

/* What is the same in all jobs of a lane. */
static void prepare_ciphers(struct ipsec_mb_ciphers *lane, uint64_t key_len)
{
    for (size_t i = 0; i < IPSEC_MB_AT_ONCE; i++) {
        IMB_JOB *job = &lane->jobs[i];
        job->cipher_mode = IMB_CIPHER_CNTR;
        job->cipher_direction = IMB_DIR_ENCRYPT;
        job->key_len_in_bytes = key_len;
        job->iv = lane->ivs[i];
        job->iv_len_in_bytes = RTPSEC_CTR_IV;
    }
}

static void prepare_hashes(struct ipsec_mb_hashes *lane)
{
    for (size_t i = 0; i < IPSEC_MB_AT_ONCE; i++) {
        IMB_JOB *job = &lane->jobs[i];
        job->hash_alg = IMB_AUTH_HMAC_SHA_1;
        job->auth_tag_output = lane->tags[i];
        job->auth_tag_output_len_in_bytes = RTPSEC_HMAC_SIZE;
    }
}

struct ipsec_mb_lanes *ipsec_mb_lanes(void)
{
    if (mine != NULL)
        return mine;
    struct ipsec_mb_lanes *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return NULL;
    l->manager = alloc_mb_mgr(0);
    if (l->manager == NULL || pthread_setspecific(ender, l) != 0) {
        free_lanes(l);
        return NULL;
    }
    init_mb_mgr_auto(l->manager, NULL);
    prepare_ciphers(&l->ciphers[0], IMB_KEY_128_BYTES);
    prepare_ciphers(&l->ciphers[1], IMB_KEY_256_BYTES);
    prepare_hashes(&l->hashes);
    mine = l;
    return l;
}

void ipsec_mb_done(void)
{
    if (mine == NULL)
        return;
    pthread_setspecific(ender, NULL);
    free_lanes(mine);
    mine = NULL;
}
