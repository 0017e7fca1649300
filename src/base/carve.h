/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/carve.h - many things in one block of memory of exactly their size.
 *
 * The same steps are taken twice: first without a block, which only measures, then with one:
 *
 *     struct carver c = {0};
 *     copy_all(&c, from);
 *     c = (struct carver){.block = malloc(c.used)};
 *     copy_all(&c, from);
 *
 * While it measures every carve gives NULL.
 */
#ifndef BASE_CARVE_H
#define BASE_CARVE_H

#include "mediaferry/bytes.h"

struct carver {
    uint8_t *block; /* aligned for pointers; NULL: measure */
    size_t used;
};

/* Copies `size` bytes behind all before them, aligned for pointers and 64-bit numbers; NULL for
 * none of them. */
void *carve(struct carver *c, const void *from, size_t size);

/* The same without alignment, for texts. */
void *carve_packed(struct carver *c, const void *from, size_t size);

/* Copies a terminated text; NULL gives NULL. */
char *carve_string(struct carver *c, const char *from);

#endif
