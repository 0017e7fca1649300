/* SPDX-License-Identifier: Apache-2.0 */
#include "base/carve.h"

enum { STEP = 8 };

_Static_assert(_Alignof(void *) <= STEP && _Alignof(uint64_t) <= STEP, "aligned for both");

void *carve(struct carver *c, const void *from, size_t size)
{
    if (size == 0)
        return NULL;
    c->used = (c->used + STEP - 1) / STEP * STEP;
    return carve_packed(c, from, size);
}

void *carve_packed(struct carver *c, const void *from, size_t size)
{
    void *to = c->block != NULL && size > 0 ? c->block + c->used : NULL;
    if (to != NULL)
        memcpy(to, from, size);
    c->used += size;
    return to;
}

char *carve_string(struct carver *c, const char *from)
{
    return from != NULL ? carve_packed(c, from, strlen(from) + 1) : NULL;
}
