/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpsec/ipsec_mb_lanes.h - what intel-ipsec-mb works in: functions found at start, which all
 * threads share, and the lanes of each thread.
 */
#ifndef RTPSEC_IPSEC_MB_LANES_H
#define RTPSEC_IPSEC_MB_LANES_H

/* Without it the library's header has names that collide with OpenSSL's. */
#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>

#include "rtpsec/keys.h"

enum { IPSEC_MB_AT_ONCE = 64 }; /* packets a pass: their jobs stay in the first cache */

/* The functions of one key length. */
struct ipsec_mb_gcm {
    aes_gcm_pre_t expand;
    aes_gcm_enc_dec_t seal, open;
};

struct ipsec_mb_library {
    size_t hash_lanes;          /* packets that are hashed side by side */
    size_t few;                 /* packets that OpenSSL hashes faster than so many lanes do */
    size_t gcm_size;            /* bytes of struct gcm_key_data that matter */
    struct ipsec_mb_gcm gcm[2]; /* of 128 bits, of 256 bits */
    keyexp_t expand[2];         /* the same */
};

/* The library, or NULL when this CPU cannot run it well. */
const struct ipsec_mb_library *ipsec_mb_library(void);

/* AES-CM of one key length. */
struct ipsec_mb_ciphers {
    size_t count;
    IMB_JOB jobs[IPSEC_MB_AT_ONCE];
    struct rtpsec_job *owners[IPSEC_MB_AT_ONCE];
    uint8_t ivs[IPSEC_MB_AT_ONCE][RTPSEC_CTR_IV];
};

struct ipsec_mb_hashes {
    size_t count;
    IMB_JOB jobs[IPSEC_MB_AT_ONCE];
    struct rtpsec_job *owners[IPSEC_MB_AT_ONCE];
    uint8_t tags[IPSEC_MB_AT_ONCE][RTPSEC_HMAC_SIZE];
    uint8_t received[IPSEC_MB_AT_ONCE][RTPSEC_HMAC_SIZE];
};

struct ipsec_mb_lanes {
    IMB_MGR *manager;
    struct ipsec_mb_ciphers ciphers[2]; /* of 128 bits, of 256 bits */
    struct ipsec_mb_hashes hashes;
};

/* The lanes of the calling thread, freed when it ends; NULL when there is no memory. Where there is
 * a library only. */
struct ipsec_mb_lanes *ipsec_mb_lanes(void);

/* Frees those of the calling thread. */
void ipsec_mb_done(void);

#endif
