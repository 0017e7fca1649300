/* SPDX-License-Identifier: Apache-2.0 */
/* redis_bench.h - three nodes with a store in one Redis, on a loop. */
#ifndef TEST_REDIS_BENCH_H
#define TEST_REDIS_BENCH_H

#include "store/redis_store.h"
#include "story.h"

struct redis_bench {
    struct stage stage;
    uv_loop_t loop;
    uv_timer_t timer;
    bool is_late;
    struct redis_store *stores[STORY_NODES];
    struct seal *seals[STORY_NODES];
    unsigned ready, lost;
    unsigned troubles;
    char trouble[256]; /* the last */
};

void bench_start(struct redis_bench *b);
/* Closes what is open; 0 when nothing is left on the loop. */
int bench_stop(struct redis_bench *b);

/* `spec` as in the option `redis`; `keys`: of the file of the seal, or NULL. */
void bench_open(struct redis_bench *b, size_t i, const char *spec, const char *keys);
void bench_open_all(struct redis_bench *b, const char *spec);
void bench_close(struct redis_bench *b, size_t i);

void bench_run_for(struct redis_bench *b, uint64_t ms);
/* Fails the test when that takes too long. */
void bench_run_until(struct redis_bench *b, const unsigned *count, unsigned enough);

/* Fails the test when it is answered otherwise. */
void bench_expect(struct redis_bench *b, const char *line, const char *answer);

#endif
