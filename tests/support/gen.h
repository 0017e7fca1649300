/* SPDX-License-Identifier: Apache-2.0 */
/* support/gen.h - a seeded generator for property tests: the same seed, the same values. */
#ifndef SUPPORT_GEN_H
#define SUPPORT_GEN_H

#include "mediaferry/bytes.h"

struct gen {
    uint64_t state;
};

/* Seeds from GEN_SEED in the environment, else from the clock; prints the seed as a TAP comment. */
struct gen gen_start(void);

uint64_t gen_u64(struct gen *g);

/* A number below `limit`, which is not 0. */
size_t gen_below(struct gen *g, size_t limit);

void gen_fill(struct gen *g, uint8_t *data, size_t len);

#endif
