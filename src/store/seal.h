/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/seal.h - records that only those with the key can read, or have written.
 *
 *     0x01 | nonce, 24 bytes, random | encrypted record | tag, 16 bytes
 *
 * AES-256-GCM under a key derived for the nonce (XAES-256-GCM of c2sp.org), so that one key may
 * seal any number of records. Kind and id of the record are signed along: one cannot be put in the
 * place of another. No record begins with 0x01 by itself, for bencode does not.
 */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

#include "base/str.h"
#include "store/store.h"

enum {
    SEAL_NONCE_SIZE = 24,
    SEAL_OVERHEAD = 1 + SEAL_NONCE_SIZE + 16,
    SEAL_MAX_KEYS = 16,
};

/* Keys: the first seals, all open. Not changed once made. */
struct seal;

/*
 * Reads keys, one a line of 64 hexadecimal digits; a line may be empty, '#' begins a comment.
 * Returns 0 and a new seal in `out`, or -EINVAL or -ENOMEM with a sentence, which shows no key, in
 * `why`.
 */
NODISCARD int seal_read(struct text file, struct seal **out, struct str *why);
/* The same from a file; also what open(2) and read(2) return. */
NODISCARD int seal_load(const char *path, struct seal **out, struct str *why);
/* Wipes them. Accepts NULL. */
void seal_free(struct seal *seal);
size_t seal_key_count(const struct seal *seal);

bool seal_is_sealed(struct bytes record);

/* Seals `record` into `out`, which has room for SEAL_OVERHEAD more. False: the cryptographic
 * library failed. */
NODISCARD bool seal_close(const struct seal *seal, enum store_kind kind, struct text id,
    struct bytes record, uint8_t *out);

/* Opens what is sealed into `out`, which has room for as many bytes. False: no key fits, or it has
 * been changed, or is another's. */
NODISCARD bool seal_open(const struct seal *seal, enum store_kind kind, struct text id,
    struct bytes sealed, uint8_t *out, size_t *len);

/* XAES-256-GCM itself, for its test vectors: seals into `out` (16 bytes longer than `plain`). */
NODISCARD bool seal_encrypt(const uint8_t key[32], const uint8_t nonce[SEAL_NONCE_SIZE],
    struct bytes aad, struct bytes plain, uint8_t *out);

#endif
