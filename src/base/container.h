/* SPDX-License-Identifier: Apache-2.0 */
/* base/container.h - from a member back to the structure that embeds it. */
#ifndef BASE_CONTAINER_H
#define BASE_CONTAINER_H

#include <stddef.h>

/* The `type` whose member `member` is at `pointer`, which is not NULL. */
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
