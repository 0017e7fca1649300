/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/random.h - unpredictable numbers from the kernel, fit for keys and passwords.
 *
 * Each thread keeps a small stock, whose used part is wiped. Never fails: a kernel without random
 * numbers ends the process.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t len);
uint32_t random_u32(void);
uint64_t random_u64(void);

/* Evenly below `limit`, which is not 0. */
uint32_t random_below(uint32_t limit);

/* `len` letters and digits and a terminator: `out` holds len + 1. 5.95 bits each. */
void random_alphanumeric(char *out, size_t len);

#endif
