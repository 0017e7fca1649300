/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random script is played twice: in one relay, and in a row of relays between which the call
 * moves. Step by step the parties must hear the same, and in the end a query must tell the same.
 */
#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { STEPS = 120, ROUNDS = 25 };

struct outcome {
    uint64_t heard[STEPS];
    struct relay_stream_state streams[SCENE_MAX];
    struct relay_transport_state transports[SCENE_MAX];
    uint64_t drops[DROP_REASON_COUNT];
};

static void play(uint64_t seed, bool moves, struct outcome *out)
{
    struct gen script = {.state = seed}, fate = {.state = seed + 1};
    script_open();
    for (int step = 0; step < STEPS; step++) {
        script_step(&script);
        out->heard[step] = script_heard;
        if (gen_below(&fate, 3) == 0 && moves)
            scene_move(&scene);
    }
    scene_query(&scene);
    memcpy(out->streams, scene.stream_states, sizeof(out->streams));
    memcpy(out->transports, scene.transport_states, sizeof(out->transports));
    for (int reason = DROP_NONE + 1; reason < DROP_REASON_COUNT; reason++)
        out->drops[reason] = sim_drops((enum drop_reason)reason);
    script_close();
}

static void clear_wall_clock(struct relay_stream_state *s)
{
    memset(s->last_packet_us, 0, sizeof(s->last_packet_us));
}

static void assert_same(uint64_t seed, struct outcome *stays, struct outcome *moves)
{
    for (int step = 0; step < STEPS; step++) {
        if (stays->heard[step] == moves->heard[step])
            continue;
        print_message("# seed %llu, step %d\n", (unsigned long long)seed, step);
        fail();
    }
    for (size_t i = 0; i < SCENE_MAX; i++) {
        clear_wall_clock(&stays->streams[i]);
        clear_wall_clock(&moves->streams[i]);
        assert_memory_equal(&stays->streams[i], &moves->streams[i], sizeof(stays->streams[i]));
        assert_memory_equal(
            &stays->transports[i], &moves->transports[i], sizeof(stays->transports[i]));
    }
    assert_memory_equal(stays->drops, moves->drops, sizeof(stays->drops));
}

static void nobody_notices_a_move(void **state)
{
    (void)state;
    struct gen g = gen_start();
    struct outcome *stays = calloc(2, sizeof(*stays));
    assert_non_null(stays);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t seed = gen_u64(&g);
        play(seed, false, &stays[0]);
        play(seed, true, &stays[1]);
        assert_same(seed, &stays[0], &stays[1]);
    }
    free(stays);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_notices_a_move)};
    if (!rtpsec_init())
        return 1;
    int failed = cmocka_run_group_tests_name("resume random", tests, NULL, NULL);
    rtpsec_done();
    return failed;
}
