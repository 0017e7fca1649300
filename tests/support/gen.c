/* SPDX-License-Identifier: Apache-2.0 */
#include "gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct gen gen_start(void)
{
    const char *given = getenv("GEN_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0)
                                  : (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec;
    printf("# GEN_SEED=%llu\n", (unsigned long long)seed);
    return (struct gen){.state = seed};
}

/* splitmix64 */
uint64_t gen_u64(struct gen *g)
{
    uint64_t z = g->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

size_t gen_below(struct gen *g, size_t limit)
{
    return (size_t)(gen_u64(g) % limit);
}

void gen_fill(struct gen *g, uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)gen_u64(g);
}
