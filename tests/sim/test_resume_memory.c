/* SPDX-License-Identifier: Apache-2.0 */
/* A call moves while memory is short, once at each place where some is asked for. */
#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/pool.h"
#include "net/packet.h"
#include "rtpsec/streams.h"

enum { STEPS = 40 };

/* So many more are granted, then one is refused; below 0: all are granted. */
static long granted = -1;
static bool refused;

static bool refuses(void)
{
    if (granted < 0 || granted-- > 0)
        return false;
    refused = true;
    return true;
}

#define REFUSABLE(type, function, parameters, arguments)                                           \
    type __real_##function parameters;                                                             \
    type __wrap_##function parameters;                                                             \
    type __wrap_##function parameters                                                              \
    {                                                                                              \
        return refuses() ? NULL : __real_##function arguments;                                     \
    }

REFUSABLE(struct relay_resume *, relay_resume_new, (void), ())
REFUSABLE(struct dtls_association *, dtls_association_new,
    (const struct dtls_association_config *config), (config))
REFUSABLE(struct rtpsec_session *, rtpsec_session_new, (const struct rtpsec_session_config *config),
    (config))
REFUSABLE(struct rtpsec_stream *, rtpsec_streams_add, (struct rtpsec_streams * s, uint32_t ssrc),
    (s, ssrc))

void *__real_relay_resume_alloc(struct relay_resume *resume, size_t count, size_t size);
void *__wrap_relay_resume_alloc(struct relay_resume *resume, size_t count, size_t size);
void *__wrap_relay_resume_alloc(struct relay_resume *resume, size_t count, size_t size)
{
    return count > 0 && refuses() ? NULL : __real_relay_resume_alloc(resume, count, size);
}

/* For SSRCs and 5-tuples, not for packets. */
void *__real_pool_take(struct pool *pool);
void *__wrap_pool_take(struct pool *pool);
void *__wrap_pool_take(struct pool *pool)
{
    return pool->object_size < PACKET_DATA_MAX && refuses() ? NULL : __real_pool_take(pool);
}

/* The copy is the test's own. */
void __real_scene_saved(void *owner, uint64_t token, const struct relay_resume *resume);
void __wrap_scene_saved(void *owner, uint64_t token, const struct relay_resume *resume);
void __wrap_scene_saved(void *owner, uint64_t token, const struct relay_resume *resume)
{
    granted = -1;
    __real_scene_saved(owner, token, resume);
}

static void play(struct gen *g)
{
    for (int step = 0; step < STEPS; step++)
        script_step(g);
}

/* What cannot be saved goes on where it is. */
static void a_call_that_cannot_be_saved_stays(void **state)
{
    (void)state;
    struct gen g = gen_start();
    long n = -1;
    script_open();
    play(&g);
    do {
        refused = false;
        granted = ++n;
        scene_save(&scene, RELAY_SAVE_AND_END);
        assert_int_equal(scene.saved == NULL, refused);
        scene_query(&scene);
        assert_int_equal(scene.found, refused);
        script_step(&g);
    } while (refused);
    assert_true(n > 20);
    script_close();
}

static void what_cannot_go_on_is_missing_and_no_more(void **state)
{
    (void)state;
    struct gen g = gen_start();
    long n = -1;
    do {
        script_open();
        play(&g);
        scene_save(&scene, RELAY_SAVE_AND_END);
        assert_non_null(scene.saved);
        scene_close_relay(&scene);
        scene_open_relay(&scene);
        refused = false;
        granted = ++n;
        scene_resume(&scene, 0);
        granted = -1;
        scene_query(&scene);
        assert_true(scene.found);
        play(&g);
        script_close();
    } while (refused);
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_that_cannot_be_saved_stays),
        cmocka_unit_test(what_cannot_go_on_is_missing_and_no_more),
    };
    if (!rtpsec_init())
        return 1;
    int failed = cmocka_run_group_tests_name("resume memory", tests, NULL, NULL);
    rtpsec_done();
    return failed;
}
