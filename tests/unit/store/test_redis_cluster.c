/* SPDX-License-Identifier: Apache-2.0 */
/* The store in a real Cluster: what a record has to do with its index lies on two masters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../net/pem.h"
#include "../redis/redis_fleet.h"
#include "redis_bench.h"

static struct redis_bench bench;
static struct redis_fleet fleet;

static int set_up(void **state)
{
    pem_init();
    bench_start(&bench);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    int error = bench_stop(*state);
    fleet_stop(&fleet);
    pem_done();
    return error;
}

static void open_cluster(struct redis_bench *b)
{
    char spec[64];
    if (!fleet_start_cluster(&fleet, "s3"))
        skip();
    snprintf(spec, sizeof(spec), "redis+cluster://:s3@127.0.0.1:%u", fleet.list[1].port);
    bench_open_all(b, spec);
}

static void tells_all_stories(void **state)
{
    struct redis_bench *b = *state;
    open_cluster(b);
    for (size_t i = 0; i < story_count; i++) {
        stage_play(&b->stage, &stories[i]);
        for (size_t k = 0; k < FLEET_MASTERS; k++)
            redis_process_do(&fleet.list[k], "FLUSHALL");
    }
    assert_int_equal(b->troubles, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_all_stories, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
