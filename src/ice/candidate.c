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
