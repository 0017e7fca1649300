/* SPDX-License-Identifier: Apache-2.0 */
#include "ice/candidate.h"

#include <assert.h>

uint32_t ice_priority(enum ice_type type, unsigned index, unsigned component)
{
    assert(index <= 65535 && component >= 1 && component <= 256);
    return (uint32_t)type << 24 | (65535 - index) << 8 | (256 - component);
}

uint64_t ice_pair_priority(uint32_t controlling, uint32_t controlled)
{
    uint32_t low = controlling < controlled ? controlling : controlled;
    uint32_t high = controlling < controlled ? controlled : controlling;
    return ((uint64_t)low << 32) + 2 * (uint64_t)high + (controlling > controlled ? 1 : 0);
}

void ice_random_text(const uint8_t *random, char *out, size_t len)
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    /* 16 bits for each of 62 characters: no character is a thousandth likelier than another. */
    for (size_t i = 0; i < len; i++) {
        uint32_t number = (uint32_t)random[2 * i] << 8 | random[2 * i + 1];
        out[i] = alphabet[number * (sizeof(alphabet) - 1) >> 16];
    }
}
