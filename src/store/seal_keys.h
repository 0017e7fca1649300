/* SPDX-License-Identifier: Apache-2.0 */
/* store/seal_keys.h - what a seal is made of; for seal.c and seal_keys.c. */
#ifndef STORE_SEAL_KEYS_H
#define STORE_SEAL_KEYS_H

#include "store/seal.h"

enum { SEAL_KEY_SIZE = 32 };

struct seal {
    uint8_t keys[SEAL_MAX_KEYS][SEAL_KEY_SIZE];
    size_t count; /* at least 1 */
};

#endif
