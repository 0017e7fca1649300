/* SPDX-License-Identifier: Apache-2.0 */
#include "net/gather.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "mediaferry/bytes.h"

enum { WAIT_US = 500 };
#define WAIT_NS (WAIT_US * UINT64_C(1000))
#define START_NS UINT64_C(7000000000)
#define SECOND_NS UINT64_C(1000000000)

/* A worker that sleeps as it is told to, is woken by packets otherwise and takes a while for each
 * of them. Packets come in steady steps. */
struct world {
    struct gather gather;
    uint64_t now_ns;
    uint64_t next_ns; /* the packet to come */
    uint64_t step_ns;
    uint64_t cost_ns; /* of handling a packet */
    size_t limit;     /* of a batch */
    size_t batches, sleeps, packets, largest;
    uint64_t oldest_ns; /* longest that a packet waited to be received */
};

static void turn(struct world *w)
{
    uint64_t until_ns = gather_until(&w->gather, w->now_ns);
    if (until_ns != 0) {
        assert_true(until_ns > w->now_ns && until_ns - w->now_ns <= w->gather.wait_ns);
        w->now_ns = until_ns;
        w->sleeps++;
    } else if (w->next_ns > w->now_ns && !w->gather.is_busy) {
        w->now_ns = w->next_ns; /* the poll blocks */
    }
    uint64_t began_ns = w->now_ns;
    size_t count = 0;
    for (; w->next_ns <= began_ns && count < w->limit; count++, w->next_ns += w->step_ns)
        if (began_ns - w->next_ns > w->oldest_ns)
            w->oldest_ns = began_ns - w->next_ns;
    gather_note(&w->gather, began_ns, count, count == w->limit);
    w->now_ns += count * w->cost_ns + 100;
    w->batches += count > 0;
    w->packets += count;
    w->largest = count > w->largest ? count : w->largest;
}

static struct world world_of(unsigned wait_us, uint64_t packets_per_s)
{
    struct world w = {.now_ns = START_NS,
        .next_ns = START_NS + 1000,
        .step_ns = SECOND_NS / packets_per_s,
        .cost_ns = 4000,
        .limit = 1024};
    gather_init(&w.gather, wait_us);
    return w;
}

static void forget_figures(struct world *w)
{
    w->batches = w->sleeps = w->packets = w->largest = 0;
    w->oldest_ns = 0;
}

static void run(struct world *w, uint64_t for_ns)
{
    for (uint64_t end_ns = w->now_ns + for_ns; w->now_ns < end_ns;)
        turn(w);
}

/* --- steady loads, after a tenth of a second to get used to them ------------------------------ */

struct steady_case {
    const char *name;
    unsigned wait_us;
    uint64_t packets_per_s;
    bool sleeps;
    size_t batch_min, batch_max; /* packets in each, on average */
};

static const struct steady_case steady_cases[] = {
    {"one call", 500, 100, false, 1, 1},
    {"ten calls", 500, 1000, false, 1, 1},
    {"not quite enough", 500, 3900, false, 1, 1},
    {"enough", 500, 7000, true, 3, 4},
    {"five hundred calls", 500, 50000, true, 24, 26},
    {"near the limit", 500, 200000, true, 99, 110},
    {"more than it can do", 500, 300000, false, 1000, 1024},
    {"a long wait", 10000, 1000, true, 9, 11},
    {"a long wait, one call", 10000, 100, false, 1, 1},
    {"more in a long wait than a turn takes", 10000, 200000, true, 1000, 1024},
    {"a short wait", 100, 50000, true, 4, 6},
    {"no wait", 0, 50000, false, 1, 1},
    {"no wait, more than it can do", 0, 300000, false, 1000, 1024},
};

static void follows_a_steady_load(void **state)
{
    const struct steady_case *c = *state;
    struct world w = world_of(c->wait_us, c->packets_per_s);
    run(&w, 2 * SECOND_NS);
    forget_figures(&w);
    run(&w, SECOND_NS);
    if (c->sleeps)
        assert_in_range(w.sleeps, 1, w.batches);
    else
        assert_int_equal(w.sleeps, 0);
    assert_in_range(w.packets / w.batches, c->batch_min, c->batch_max);
}

/* --- changes ------------------------------------------------------------------------------------
 */

static void load_that_rises_is_noticed_soon(void **state)
{
    (void)state;
    struct world w = world_of(WAIT_US, 100);
    run(&w, SECOND_NS);
    w.step_ns = SECOND_NS / 50000;
    w.next_ns = w.now_ns;
    forget_figures(&w);
    run(&w, 2 * WAIT_NS);
    assert_true(w.gather.is_busy);
    run(&w, 20 * WAIT_NS);
    assert_in_range(w.sleeps, 18, 22);
    assert_true(w.oldest_ns <= WAIT_NS + w.largest * w.cost_ns);
}

static void load_that_falls_is_noticed_soon(void **state)
{
    (void)state;
    struct world w = world_of(WAIT_US, 50000);
    run(&w, SECOND_NS);
    w.step_ns = SECOND_NS / 100;
    run(&w, 40 * WAIT_NS);
    assert_false(w.gather.is_busy);
    forget_figures(&w);
    run(&w, SECOND_NS);
    assert_int_equal(w.sleeps, 0);
    assert_int_equal(w.oldest_ns, 0);
}

/* Between the two limits it stays what it is. */
static void does_not_flap(void **state)
{
    (void)state;
    struct world idle = world_of(WAIT_US, 5000), busy = world_of(WAIT_US, 50000);
    run(&idle, SECOND_NS);
    assert_int_equal(idle.sleeps, 0);
    run(&busy, SECOND_NS);
    busy.step_ns = idle.step_ns;
    run(&busy, SECOND_NS);
    forget_figures(&busy);
    run(&busy, SECOND_NS);
    assert_in_range(busy.sleeps, 1990, 2000);
}

/* Its first packets are handled at once; nothing is carried over from what was before. */
static void a_burst_after_silence_is_not_held(void **state)
{
    (void)state;
    struct gather g;
    gather_init(&g, WAIT_US);
    gather_note(&g, START_NS, 200, false);
    assert_int_equal(gather_until(&g, START_NS + 10), 0);
    gather_note(&g, START_NS + SECOND_NS, 200, false);
    assert_int_equal(gather_until(&g, START_NS + SECOND_NS + 10), 0);
    /* What follows at once is load. */
    gather_note(&g, START_NS + SECOND_NS + 1000, 30, false);
    assert_int_equal(
        gather_until(&g, START_NS + SECOND_NS + 2000), START_NS + SECOND_NS + 1000 + WAIT_NS);
    /* And over soon. */
    gather_note(&g, START_NS + 2 * SECOND_NS, 1, false);
    assert_int_equal(gather_until(&g, START_NS + 2 * SECOND_NS + 1), 0);
}

static struct gather busy_since(uint64_t began_ns)
{
    struct gather g;
    gather_init(&g, WAIT_US);
    for (uint64_t i = 64; i-- > 0;)
        gather_note(&g, began_ns - i * WAIT_NS, 25, false);
    return g;
}

static void more_at_hand_is_not_waited_for(void **state)
{
    (void)state;
    struct gather g = busy_since(START_NS);
    gather_note(&g, START_NS + WAIT_NS, 1024, true);
    assert_int_equal(gather_until(&g, START_NS + WAIT_NS + 10), 0);
}

struct clock_case {
    const char *name;
    int64_t since_ns; /* the batch before */
    int64_t until_ns; /* 0: not */
};

static const struct clock_case clock_cases[] = {
    {"at once", 0, WAIT_NS},
    {"in the middle", 200000, WAIT_NS},
    {"just before", WAIT_NS - 1, WAIT_NS},
    {"just then", WAIT_NS, 0},
    {"long after", 3 * WAIT_NS, 0},
    {"clock behind", -100000, WAIT_NS - 100000},
};

static void the_wait_counts_from_the_batch_before(void **state)
{
    const struct clock_case *c = *state;
    struct gather g = busy_since(START_NS);
    uint64_t now_ns = START_NS + (uint64_t)c->since_ns;
    uint64_t expected = c->until_ns == 0 ? 0 : START_NS + (uint64_t)c->until_ns;
    assert_int_equal(gather_until(&g, now_ns), expected);
    gather_note(&g, now_ns, 25, false); /* also from a clock that went back */
    assert_true(gather_until(&g, now_ns) <= now_ns + WAIT_NS);
}

int main(void)
{
    struct CMUnitTest tests[COUNT_OF(steady_cases) + COUNT_OF(clock_cases) + 5] = {
        cmocka_unit_test(load_that_rises_is_noticed_soon),
        cmocka_unit_test(load_that_falls_is_noticed_soon),
        cmocka_unit_test(does_not_flap),
        cmocka_unit_test(a_burst_after_silence_is_not_held),
        cmocka_unit_test(more_at_hand_is_not_waited_for),
    };
    size_t count = 5;
    for (size_t i = 0; i < COUNT_OF(steady_cases); i++)
        tests[count++] = (struct CMUnitTest){.name = steady_cases[i].name,
            .test_func = follows_a_steady_load,
            .initial_state = (void *)&steady_cases[i]};
    for (size_t i = 0; i < COUNT_OF(clock_cases); i++)
        tests[count++] = (struct CMUnitTest){.name = clock_cases[i].name,
            .test_func = the_wait_counts_from_the_batch_before,
            .initial_state = (void *)&clock_cases[i]};
    return cmocka_run_group_tests_name("gather", tests, NULL, NULL);
}
