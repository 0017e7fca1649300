/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/require.h - what a fuzz target claims; it stands in builds without assert too. */
#ifndef FUZZ_REQUIRE_H
#define FUZZ_REQUIRE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "mediaferry/bytes.h"

#define require(claim)                                                                             \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #claim);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static inline bool lies_within(struct bytes part, struct bytes whole)
{
    return part.len == 0 || (part.data >= whole.data && part.len <= whole.len &&
                                part.data + part.len <= whole.data + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
