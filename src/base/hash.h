/* SPDX-License-Identifier: Apache-2.0 */
/* base/hash.h - keyed hashing for tables (SipHash-1-3); not for signatures. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "mediaferry/bytes.h"

uint64_t hash_bytes(struct bytes b, const uint64_t seed[2]);
uint64_t hash_u64(uint64_t value, const uint64_t seed[2]);

#endif
