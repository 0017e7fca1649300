/* SPDX-License-Identifier: Apache-2.0 */
#include "store/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "store/memory_data.h"
#include "story.h"

struct bench {
    struct stage stage;
    struct store_memory *memory;
    uint64_t now_ms;
};

static struct bench bench;

static void settle(struct stage *stage, struct store *node, const unsigned *answers)
{
    struct bench *b = stage->owner;
    unsigned before = *answers;
    (void)node;
    store_memory_deliver(b->memory, b->now_ms);
    assert_true(before > 0 || *answers > 0);
}

static void wait_ms(struct stage *stage, uint64_t ms)
{
    struct bench *b = stage->owner;
    b->now_ms += ms;
    store_memory_deliver(b->memory, b->now_ms);
}

static int set_up(void **state)
{
    bench = (struct bench){.memory = store_memory_new(), .now_ms = 1000};
    bench.stage = (struct stage){.settle = settle, .wait = wait_ms, .owner = &bench};
    for (size_t i = 0; i < STORY_NODES; i++)
        bench.stage.nodes[i] = store_memory_view(bench.memory);
    *state = &bench;
    store_memory_deliver(bench.memory, bench.now_ms);
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < STORY_NODES; i++)
        if (b->stage.nodes[i] != NULL)
            b->stage.nodes[i]->ops->close(b->stage.nodes[i]);
    store_memory_free(b->memory);
    stage_done(&b->stage);
    return 0;
}

static void tells_all_stories(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < story_count; i++) {
        stage_play(&b->stage, &stories[i]);
        store_memory_lose_all(b->memory);
    }
}

/* --- what goes wrong --- */

struct answers {
    unsigned count;
    enum store_result last;
};

static void note(struct answers *a, enum store_result result)
{
    a->count++;
    a->last = result;
}

static void on_put(void *owner, enum store_result result, const struct store_version *other)
{
    (void)other;
    note(owner, result);
}

static void on_done(void *owner, enum store_result result)
{
    note(owner, result);
}

static void on_get(void *owner, enum store_result result, const struct store_record *record)
{
    (void)record;
    note(owner, result);
}

static void on_nodes(void *owner, enum store_result result, const struct store_node *nodes,
    size_t count, uint64_t released)
{
    (void)nodes;
    (void)count;
    (void)released;
    note(owner, result);
}

static void on_list(void *owner, enum store_result result, const struct store_entry *entries,
    size_t count, bool more)
{
    (void)entries;
    assert_int_equal(count, 0);
    assert_false(more);
    note(owner, result);
}

static bool put(struct store *store, const char *id, struct answers *answers)
{
    const struct store_put record = {
        .id = text_from(id), .owner = TEXT("A"), .epoch = 1, .record = bytes_of("one", 3)};
    return store->ops->put(store, &record, on_put, answers);
}

static void is_late_as_it_was_told(void **state)
{
    struct bench *b = *state;
    struct store *a = b->stage.nodes[0];
    struct answers answers = {.count = 0};
    store_memory_break(a, STORE_MEMORY_WORKS, 500);
    assert_true(put(a, "x", &answers));
    assert_int_equal(answers.count, 0);
    store_memory_deliver(b->memory, b->now_ms + 499);
    assert_int_equal(answers.count, 0);
    assert_int_equal(a->ops->oldest_ms(a), 499);
    store_memory_deliver(b->memory, b->now_ms + 500);
    assert_int_equal(answers.count, 1);
    assert_int_equal(a->ops->oldest_ms(a), 0);
}

/* What becomes of a write that waits while the way changes, and of the next. */
struct breaking {
    enum store_memory_way way;
    bool is_ready, is_taken;
    unsigned answers; /* to the one that waited */
    enum store_result result;
    const char *there; /* of it, afterwards */
};

static const struct breaking breakings[] = {
    {STORE_MEMORY_WORKS, true, true, 1, STORE_DONE, "done A 1 1 0 - one"},
    {STORE_MEMORY_AWAY, false, false, 1, STORE_AWAY, "absent"},
    {STORE_MEMORY_LOSES, true, true, 1, STORE_AWAY, "done A 1 1 0 - one"},
    {STORE_MEMORY_FULL, true, true, 1, STORE_FAILED, "absent"},
    {STORE_MEMORY_READ_ONLY, true, true, 1, STORE_FAILED, "absent"},
    {STORE_MEMORY_FROZEN, true, true, 0, STORE_DONE, "absent"},
};

static void breaks_as_it_was_told(void **state)
{
    struct bench *b = *state;
    struct store *a = b->stage.nodes[0];
    for (size_t i = 0; i < COUNT_OF(breakings); i++) {
        const struct breaking *c = &breakings[i];
        struct answers first = {.count = 0}, second = {.count = 0};
        store_memory_break(a, STORE_MEMORY_WORKS, 0);
        assert_true(put(a, "x", &first));
        store_memory_break(a, c->way, 0);
        assert_int_equal(a->ops->is_ready(a), c->is_ready);
        store_memory_deliver(b->memory, b->now_ms);
        assert_int_equal(first.count, c->answers);
        assert_int_equal(first.last, c->result);
        assert_string_equal(stage_ask(&b->stage, "B get call x"), c->there);
        assert_int_equal(put(a, "y", &second), c->is_taken);
        store_memory_break(a, STORE_MEMORY_WORKS, 0);
        store_memory_deliver(b->memory, b->now_ms);
        assert_int_equal(first.count, 1);
        assert_int_equal(second.count, c->is_taken ? 1 : 0);
        store_memory_lose_all(b->memory);
    }
}

static void a_full_store_still_leases_and_reads(void **state)
{
    struct bench *b = *state;
    stage_ask(&b->stage, "A put call x 1 10.0.0.1 one");
    store_memory_break(b->stage.nodes[0], STORE_MEMORY_FULL, 0);
    assert_string_equal(stage_ask(&b->stage, "A lease A a1 100 hello"), "done");
    assert_string_equal(stage_ask(&b->stage, "A get call x"), "done A 1 1 0 10.0.0.1 one");
    assert_string_equal(stage_ask(&b->stage, "A take call x - A 1 1"), "failed");
    assert_string_equal(stage_ask(&b->stage, "A remove call x A 1"), "done - 1 0");
}

static void a_store_that_is_read_only_only_reads(void **state)
{
    struct bench *b = *state;
    stage_ask(&b->stage, "A put call x 1 10.0.0.1 one");
    store_memory_break(b->stage.nodes[0], STORE_MEMORY_READ_ONLY, 0);
    assert_string_equal(stage_ask(&b->stage, "A lease A a1 100 hello"), "failed");
    assert_string_equal(stage_ask(&b->stage, "A remove call x A 1"), "failed");
    assert_string_equal(stage_ask(&b->stage, "A get call x"), "done A 1 1 0 10.0.0.1 one");
}

static void answers_all_when_it_is_closed(void **state)
{
    struct bench *b = *state;
    struct store *a = b->stage.nodes[0];
    struct answers answers = {.count = 0};
    store_memory_break(a, STORE_MEMORY_FROZEN, 0);
    assert_true(put(a, "x", &answers));
    assert_true(a->ops->remove(a, STORE_CALL, TEXT("x"), TEXT("A"), 1, on_put, &answers));
    assert_true(a->ops->get(a, STORE_CALL, TEXT("x"), true, on_get, &answers));
    assert_true(a->ops->list(a, TEXT("A"), on_list, &answers));
    assert_true(a->ops->nodes(a, on_nodes, &answers));
    assert_true(a->ops->lease(a, TEXT("A"), TEXT("a1"), bytes_of("i", 1), 100, on_done, &answers));
    assert_true(a->ops->unlease(a, TEXT("A"), TEXT("a1"), 100, on_done, &answers));
    assert_true(a->ops->forget_node(a, TEXT("A")));
    a->ops->close(a);
    b->stage.nodes[0] = NULL;
    assert_int_equal(answers.count, 7);
    assert_int_equal(answers.last, STORE_AWAY);
    assert_string_equal(stage_ask(&b->stage, "B get call x"), "absent");
    assert_string_equal(stage_ask(&b->stage, "B nodes"), "done 0");
}

static void takes_so_many_and_no_more(void **state)
{
    struct bench *b = *state;
    struct store *a = b->stage.nodes[0];
    struct answers answers = {.count = 0};
    for (unsigned i = 0; i < STORE_MEMORY_MAX_WAITING; i++)
        assert_true(put(a, "x", &answers));
    assert_false(put(a, "x", &answers));
    store_memory_deliver(b->memory, b->now_ms);
    assert_int_equal(answers.count, STORE_MEMORY_MAX_WAITING);
    assert_true(put(a, "x", &answers));
    store_memory_deliver(b->memory, b->now_ms);
}

static void takes_nothing_over_the_limits(void **state)
{
    struct bench *b = *state;
    assert_string_equal(stage_ask(&b->stage, "A put call x 9007199254740992 - one"), "not taken");
}

static void forgets_epochs_after_an_hour(void **state)
{
    struct bench *b = *state;
    stage_ask(&b->stage, "A remove call x A 5");
    wait_ms(&b->stage, STORE_GRAVE_MS - 1);
    assert_string_equal(stage_ask(&b->stage, "A put call x 5 - one"), "conflict - 5 0");
    wait_ms(&b->stage, 1);
    assert_string_equal(stage_ask(&b->stage, "A put call x 1 - one"), "done A 1 1");
}

static void count_record(void *owner, enum store_kind kind, const struct store_record *record)
{
    unsigned *sum = owner;
    *sum += 1 + 10 * (unsigned)kind + 100 * (unsigned)record->version.epoch;
}

static void shows_all_records(void **state)
{
    struct bench *b = *state;
    unsigned sum = 0;
    stage_ask(&b->stage, "A put call x 1 - one");
    stage_ask(&b->stage, "A put allocation x 2 - one");
    stage_ask(&b->stage, "A remove call y A 5");
    store_memory_walk(b->memory, count_record, &sum);
    assert_int_equal(sum, 312);
}

struct parts {
    unsigned count;
    size_t entries;
    bool is_over;
};

static void on_part(void *owner, enum store_result result, const struct store_entry *entries,
    size_t count, bool more)
{
    struct parts *parts = owner;
    (void)entries;
    assert_int_equal(result, STORE_DONE);
    assert_false(parts->is_over);
    parts->count++;
    parts->entries += count;
    parts->is_over = !more;
}

static void lists_in_parts(void **state)
{
    struct bench *b = *state;
    struct store *a = b->stage.nodes[0];
    struct answers answers = {.count = 0};
    struct parts parts = {.count = 0};
    for (unsigned i = 0; i < 250; i++) {
        struct str id = {.data = NULL};
        str_addf(&id, "call%u", i);
        assert_true(put(a, str_string(&id), &answers));
        str_done(&id);
    }
    assert_true(a->ops->list(a, TEXT("A"), on_part, &parts));
    store_memory_deliver(b->memory, b->now_ms);
    assert_int_equal(answers.count, 250);
    assert_int_equal(parts.entries, 250);
    assert_true(parts.is_over && parts.count > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_all_stories, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_late_as_it_was_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(breaks_as_it_was_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_store_still_leases_and_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_that_is_read_only_only_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_all_when_it_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_so_many_and_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_nothing_over_the_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgets_epochs_after_an_hour, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shows_all_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_in_parts, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
