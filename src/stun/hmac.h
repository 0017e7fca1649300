/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stun/hmac.h - HMAC as often as packets come: nothing is fetched or allocated per call.
 *
 * Each thread keeps a context per hash with the key it had last, wiped and freed when it ends.
 */
#ifndef STUN_HMAC_H
#define STUN_HMAC_H

#include "mediaferry/bytes.h"

enum hmac_hash { HMAC_SHA1, HMAC_SHA256, HMAC_HASHES };
enum { HMAC_SHA1_SIZE = 20, HMAC_SHA256_SIZE = 32 };

/* Over the concatenated parts; `out` has the size of the hash. False when the key is empty or the
 * library fails. */
NODISCARD bool hmac_compute(
    enum hmac_hash hash, struct bytes key, const struct bytes *parts, size_t count, uint8_t *out);

#endif
