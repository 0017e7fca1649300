/* SPDX-License-Identifier: Apache-2.0 */
#include "store/redis_store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "redis_process.h"
#include "story.h"

/* What docs/store.md tells operators to allow. */
#define ACL_RULES                                                                                  \
    "~mediaferry:* +eval +get +set +del +expire +hget +hset +hdel +hlen +hmget +hincrby +hscan "   \
    "+hgetall +ping +select +role +cluster|slots +cluster|info +asking"

#define KEY_1 "0101010101010101010101010101010101010101010101010101010101010101\n"
#define KEY_2 "0202020202020202020202020202020202020202020202020202020202020202\n"

enum { PATIENCE_MS = 5000, BARRIERS = 4 };

struct bench {
    struct stage stage;
    uv_loop_t loop;
    uv_timer_t timer;
    bool is_late;
    struct redis_process redis;
    struct redis_store *stores[STORY_NODES];
    struct seal *seals[STORY_NODES];
    unsigned ready, lost;
    unsigned troubles;
    char trouble[256];
};

static struct bench bench;
static const char *docs;

/* --- the loop --- */

static void on_time(uv_timer_t *timer)
{
    struct bench *b = timer->data;
    b->is_late = true;
}

static void run_for(struct bench *b, uint64_t ms, const unsigned *count, unsigned enough)
{
    b->is_late = false;
    uv_timer_start(&b->timer, on_time, ms, 0);
    while (!b->is_late && (count == NULL || *count < enough))
        uv_run(&b->loop, UV_RUN_ONCE);
    uv_timer_stop(&b->timer);
}

static void run_until(struct bench *b, const unsigned *count, unsigned enough)
{
    run_for(b, PATIENCE_MS, count, enough);
    assert_true(*count >= enough);
}

static void on_barrier(void *owner, enum store_result result, const struct store_record *record)
{
    unsigned *count = owner;
    (void)result;
    (void)record;
    ++*count;
}

/* What runs in the background goes back and forth a few times, as these do. */
static void settle(struct stage *stage, struct store *node, const unsigned *answers)
{
    struct bench *b = stage->owner;
    run_until(b, answers, 1);
    for (unsigned i = 0; i < BARRIERS; i++) {
        unsigned count = 0;
        if (node->ops->get(node, STORE_CALL, TEXT("barrier"), false, on_barrier, &count))
            run_until(b, &count, 1);
    }
}

static void wait_ms(struct stage *stage, uint64_t ms)
{
    run_for(stage->owner, ms, NULL, 0);
}

/* --- the bench --- */

static void on_ready(void *owner, bool is_ready)
{
    struct bench *b = owner;
    *(is_ready ? &b->ready : &b->lost) += 1;
}

static void on_trouble(void *owner, struct text why)
{
    struct bench *b = owner;
    b->troubles++;
    snprintf(b->trouble, sizeof(b->trouble), "%.*s", TEXT_ARG(why));
}

/* `login`: "", or "USER:PASSWORD@"; `keys`: of the file of the seal, or NULL. */
static void open_node(struct bench *b, size_t i, const char *login, const char *keys)
{
    struct redis_target target = {.host_count = 0};
    struct str spec = {.data = NULL}, why = {.data = NULL};
    str_addf(&spec, "redis://%s127.0.0.1:%u", login, b->redis.port);
    assert_int_equal(redis_target_parse(str_text(&spec), &target, &why), 0);
    if (keys != NULL)
        assert_int_equal(seal_read(text_from(keys), &b->seals[i], &why), 0);
    const struct redis_store_config config = {
        .target = &target,
        .name = "test",
        .command_timeout_ms = 1000,
        .seal = b->seals[i],
        .on_ready = on_ready,
        .on_trouble = on_trouble,
        .owner = b,
    };
    assert_int_equal(redis_store_open(&b->loop, &config, &b->stores[i], &why), 0);
    b->stage.nodes[i] = redis_store_base(b->stores[i]);
    redis_target_done(&target);
    str_done(&spec);
    str_done(&why);
}

static void close_node(struct bench *b, size_t i)
{
    if (b->stores[i] != NULL)
        b->stage.nodes[i]->ops->close(b->stage.nodes[i]);
    seal_free(b->seals[i]);
    b->stores[i] = NULL;
    b->seals[i] = NULL;
}

static void open_all(struct bench *b, const char *login)
{
    for (size_t i = 0; i < STORY_NODES; i++)
        open_node(b, i, login, NULL);
    run_until(b, &b->ready, STORY_NODES);
}

static int set_up(void **state)
{
    struct bench *b = &bench;
    *b = (struct bench){.redis = {.port = free_port()}};
    *state = b;
    b->stage = (struct stage){.settle = settle, .wait = wait_ms, .owner = b};
    log_set_level(LOG_CRIT);
    if (uv_loop_init(&b->loop) != 0 || uv_timer_init(&b->loop, &b->timer) != 0)
        return -1;
    b->timer.data = b;
    return redis_process_start(&b->redis) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < STORY_NODES; i++)
        close_node(b, i);
    uv_close((uv_handle_t *)&b->timer, NULL);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    redis_process_kill(&b->redis);
    stage_done(&b->stage);
    return uv_loop_close(&b->loop);
}

static void expect(struct bench *b, const char *line, const char *answer)
{
    assert_string_equal(stage_ask(&b->stage, line), answer);
}

/* Plants or changes what is in Redis; words with '|' between them. */
static void plant(struct bench *b, const char *words)
{
    redis_process_do(&b->redis, words);
}

/* Fails the test unless the Lua expression about the key is true. */
static void check(struct bench *b, const char *key, const char *expression)
{
    struct str script = {.data = NULL};
    str_addf(&script, "if not (%s) then error('no') end return 1", expression);
    const struct text words[] = {TEXT("EVAL"), str_text(&script), TEXT("1"), text_from(key)};
    redis_process_do_words(&b->redis, words, COUNT_OF(words));
    str_done(&script);
}

/* --- what a store means --- */

static void tell_stories(struct bench *b)
{
    for (size_t i = 0; i < story_count; i++) {
        stage_play(&b->stage, &stories[i]);
        plant(b, "FLUSHALL");
    }
}

static void tells_all_stories(void **state)
{
    open_all(*state, "");
    tell_stories(*state);
    assert_int_equal(bench.troubles, 0);
}

static void needs_what_the_docs_say(void **state)
{
    struct bench *b = *state;
    struct text words[32] = {TEXT("ACL"), TEXT("SETUSER"), TEXT("ferry"), TEXT("on"), TEXT(">pw")};
    struct text rest = TEXT(ACL_RULES);
    size_t count = 5;
    while (rest.len > 0)
        words[count++] = text_word(&rest, ' ');
    redis_process_do_words(&b->redis, words, count);
    open_all(b, "ferry:pw@");
    tell_stories(b);
    assert_int_equal(b->troubles, 0);

    static char text[1 << 18];
    FILE *file = fopen(docs, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, ACL_RULES));
}

/* --- what lies there --- */

static void leaves_nothing_for_ever(void **state)
{
    struct bench *b = *state;
    open_all(b, "");
    expect(b, "A lease A a1 5000 info", "done");
    expect(b, "A put call x 1 10.0.0.1 one", "done A 1 1");
    check(b, "mediaferry:call:x", "redis.call('TTL', KEYS[1]) > 86390");
    check(b, "mediaferry:index:A", "redis.call('TTL', KEYS[1]) > 86390");
    check(b, "mediaferry:index:A", "redis.call('HGET', KEYS[1], 'call:x') == '1 10.0.0.1'");
    check(b, "mediaferry:nodes:", "redis.call('TTL', KEYS[1]) > 86390");
    check(b, "mediaferry:nodes:", "redis.call('HGET', KEYS[1], 'A') == 'info'");
    check(b, "mediaferry:lease:A", "redis.call('PTTL', KEYS[1]) > 3000");
    expect(b, "B take call x 10.0.0.1 A 1 1", "done 2 1");
    expect(b, "B remove call x B 2", "done - 2 0");
    check(b, "mediaferry:call:x", "redis.call('TTL', KEYS[1]) > 3590");
    check(b, "mediaferry:call:x", "redis.call('TTL', KEYS[1]) <= 3600");
    check(b, "mediaferry:call:x", "redis.call('HLEN', KEYS[1]) == 1");
    check(b, "mediaferry:index:A", "redis.call('EXISTS', KEYS[1]) == 0");
    check(b, "mediaferry:index:B", "redis.call('EXISTS', KEYS[1]) == 0");
    expect(b, "A put call y 1 - one", "done A 1 1");
    expect(b, "A remove call y A 1", "done - 1 0");
    check(b, "mediaferry:call:y", "redis.call('EXISTS', KEYS[1]) == 0");
}

#define GOOD "HSET|mediaferry:call:x|owner|A|writer|A|epoch|1|serial|1|takes|0|places|-|record|one"

#define EMPTY "HSET|mediaferry:call:x|record||owner|A|writer|A|epoch|1|serial|1|takes|0|places|-"

/* Something planted, a question, and how it is answered: not by a crash. */
static const struct planted {
    const char *words, *question, *answer;
} planted[] = {
    {GOOD, "A get call x", "done A 1 1 0 - one"},
    {"SET|mediaferry:call:x|y", "A get call x", "failed"},
    {"SET|mediaferry:call:x|y", "A put call x 1 - one", "failed"},
    {"SET|mediaferry:call:x|y", "A take call x - A 1 1", "failed"},
    {"SET|mediaferry:call:x|y", "A remove call x A 1", "failed"},
    {"HSET|mediaferry:call:x|a|b", "A get call x", "absent"},
    {"HSET|mediaferry:call:x|owner|A", "A get call x", "failed"},
    {GOOD "|epoch|-1", "A get call x", "failed"},
    {GOOD "|epoch|0", "A get call x", "failed"},
    {GOOD "|epoch|1.5", "A get call x", "failed"},
    {GOOD "|epoch|9007199254740992", "A get call x", "failed"},
    {GOOD "|epoch|99999999999999999999", "B put call x 7 - one", "failed"},
    {GOOD "|epoch|many", "A put call x 1 - one", "failed"},
    {GOOD "|epoch|many", "A remove call x A 1", "failed"},
    {GOOD "|epoch|many", "A take call x - A 1 1", "failed"},
    {GOOD "|serial|one", "A get call x", "failed"},
    {GOOD "|serial|one", "A put call x 1 - one", "failed"},
    {GOOD "|takes|many", "A get call x", "failed"},
    {GOOD "|takes|many", "B take call x - A 1 1", "failed"},
    {GOOD "|takes|9999999", "B take call x - A 1 1", "failed"},
    {GOOD "|owner|A B", "A get call x", "failed"},
    {GOOD "|owner|A B", "B put call x 1 - one", "failed"},
    {EMPTY, "A look call x", "done A 1 1 0 - -"},
    {EMPTY, "A get call x", "failed"},
    {"SET|mediaferry:index:A|y", "A list A", "failed"},
    {"SET|mediaferry:index:A|y", "A put call y 1 - one", "failed"},
    {"SET|mediaferry:index:|y", "A nodes", "failed"},
    {"HSET|mediaferry:index:A|call:a|1 x|call:|1 x|a|1 x|disc:a|1|call:b|x", "A list A",
        "done call:a@x"},
    {"SET|mediaferry:nodes:|y", "A nodes", "failed"},
    {"HSET|mediaferry:nodes:|A|i|B C|i|D|j", "A nodes", "done A/-/i/0 D/-/j/0 0"},
    {"HSET|mediaferry:lease:A|a|b", "A lease A a1 5000 i", "failed"},
    {"HSET|mediaferry:lease:A|a|b", "A unlease A a1 5000", "failed"},
};

static void survives_what_lies_there(void **state)
{
    struct bench *b = *state;
    open_all(b, "");
    for (size_t i = 0; i < COUNT_OF(planted); i++) {
        const struct planted *c = &planted[i];
        b->troubles = 0;
        redis_store_reseal(b->stores[0], NULL);
        plant(b, c->words);
        if (strcmp(stage_ask(&b->stage, c->question), c->answer) != 0)
            fail_msg("%s: %s: %s", c->words, c->question, str_string(&b->stage.answer));
        plant(b, "FLUSHALL");
    }
    assert_true(counter_get(&redis_store_counters(b->stores[0])->failed) > 10);
}

/* Notes in the index of A that are not true, and one that is. */
static void strikes_only_what_is_not_true(void **state)
{
    struct bench *b = *state;
    open_all(b, "");
    expect(b, "A put call mine 3 x one", "done A 3 1");
    expect(b, "B put call other 1 x one", "done B 1 1");
    plant(b, "HSET|mediaferry:index:A|call:gone|1 x|call:other|1 x");
    expect(b, "B list A", "done call:gone@x call:mine@x call:other@x");
    expect(b, "B unlist A call gone", "");
    expect(b, "B unlist A call other", "");
    expect(b, "B unlist A call mine", "");
    expect(b, "B list A", "done call:mine@x");
    /* A put that comes late neither overwrites the note nor strikes it. */
    expect(b, "A put call mine 2 y late", "conflict A 3 1");
    expect(b, "B list A", "done call:mine@x");
}

/* --- sealed --- */

static void seals_records(void **state)
{
    struct bench *b = *state;
    open_node(b, 0, "", KEY_1);
    open_node(b, 1, "", KEY_2 KEY_1);
    open_node(b, 2, "", NULL);
    run_until(b, &b->ready, STORY_NODES);

    expect(b, "A put call x 1 10.0.0.1 secret", "done A 1 1");
    check(b, "mediaferry:call:x",
        "not string.find(redis.call('HGET', KEYS[1], 'record'), 'secret', 1, true)");
    check(b, "mediaferry:call:x", "#redis.call('HGET', KEYS[1], 'record') == 6 + 41");
    expect(b, "A get call x", "done A 1 1 0 10.0.0.1 secret");
    expect(b, "B get call x", "done A 1 1 0 10.0.0.1 secret");
    expect(b, "C get call x", "failed");
    assert_string_equal(b->trouble, "a record is sealed, and there is no key");
    expect(b, "C look call x", "done A 1 1 0 10.0.0.1 -");

    /* Who does not know the new key yet cannot read what it has sealed. */
    expect(b, "B put call y 1 - secret", "done B 1 1");
    expect(b, "A get call y", "failed");
    assert_string_equal(b->trouble, "a record is sealed, and no key of ours opens it");
    redis_store_reseal(b->stores[0], b->seals[1]);
    expect(b, "A get call y", "done B 1 1 0 - secret");

    /* One that another has left open, and one put in the place of another. */
    expect(b, "C put call z 1 - open", "done C 1 1");
    expect(b, "A get call z", "done C 1 1 0 - open");
    plant(b, "COPY|mediaferry:call:x|mediaferry:call:moved");
    expect(b, "A get call moved", "failed");
}

struct large {
    struct bytes expected;
    unsigned answers;
};

static void on_large_put(void *owner, enum store_result result, const struct store_version *other)
{
    struct large *large = owner;
    (void)other;
    assert_int_equal(result, STORE_DONE);
    large->answers++;
}

static void on_large(void *owner, enum store_result result, const struct store_record *record)
{
    struct large *large = owner;
    assert_int_equal(result, STORE_DONE);
    assert_true(bytes_equal(record->record, large->expected));
    large->answers++;
}

static void seals_large_ones(void **state)
{
    struct bench *b = *state;
    size_t len = STORE_MAX_RECORD;
    uint8_t *record = calloc(1, len + 1);
    struct large large = {.expected = bytes_of(record, len)};
    struct store_put put = {
        .id = TEXT("x"), .owner = TEXT("A"), .epoch = 1, .record = bytes_of(record, len + 1)};
    open_node(b, 0, "", KEY_1);
    run_until(b, &b->ready, 1);
    struct store *a = b->stage.nodes[0];
    assert_non_null(record);
    assert_false(a->ops->put(a, &put, on_large_put, &large));
    assert_string_equal(b->trouble, "a record is too large");
    put.record.len--;
    assert_true(a->ops->put(a, &put, on_large_put, &large));
    run_until(b, &large.answers, 1);
    assert_true(a->ops->get(a, STORE_CALL, TEXT("x"), true, on_large, &large));
    run_until(b, &large.answers, 2);
    free(record);
}

/* --- when Redis refuses --- */

static void tells_why_once(void **state)
{
    struct bench *b = *state;
    open_all(b, "");
    expect(b, "A put call x 1 - one", "done A 1 1");
    plant(b, "CONFIG|SET|maxmemory|1");
    expect(b, "A put call x 1 - two", "failed");
    expect(b, "A put call x 1 - two", "failed");
    assert_int_equal(b->troubles, 1);
    assert_string_equal(b->trouble, "OOM command not allowed when used memory > 'maxmemory'.");
    expect(b, "A get call x", "done A 1 1 0 - one");
    expect(b, "A remove call x A 1", "done - 1 0");
    plant(b, "CONFIG|SET|maxmemory|0");
    expect(b, "A put call x 1 - two", "done A 1 1");
    plant(b, "REPLICAOF|127.0.0.1|1");
    expect(b, "A put call x 1 - three", "failed");
    assert_int_equal(b->troubles, 2);
    assert_true(strncmp(b->trouble, "READONLY ", 9) == 0);
}

static void tells_when_it_is_not_allowed(void **state)
{
    struct bench *b = *state;
    plant(b, "ACL|SETUSER|ferry|on|>pw|~other:*|+@all");
    open_node(b, 0, "ferry:pw@", NULL);
    run_until(b, &b->ready, 1);
    expect(b, "A put call x 1 - one", "failed");
    assert_true(strncmp(b->trouble, "NOPERM ", 7) == 0);
    expect(b, "A get call x", "failed");
    expect(b, "A nodes", "failed");
    expect(b, "A list A", "failed");
    expect(b, "A lease A a1 5000 i", "failed");
}

/* --- when Redis is away --- */

static void on_put(void *owner, enum store_result result, const struct store_version *other)
{
    unsigned *away = owner;
    (void)other;
    assert_int_equal(result, STORE_AWAY);
    ++*away;
}

static void answers_all_that_is_lost(void **state)
{
    struct bench *b = *state;
    unsigned away = 0;
    const struct store_put put = {
        .id = TEXT("x"), .owner = TEXT("A"), .epoch = 1, .record = bytes_of("one", 3)};
    open_node(b, 0, "", NULL);
    run_until(b, &b->ready, 1);
    struct store *a = b->stage.nodes[0];
    redis_process_freeze(&b->redis);
    assert_true(a->ops->put(a, &put, on_put, &away));
    assert_true(a->ops->remove(a, STORE_CALL, TEXT("x"), TEXT("A"), 1, on_put, &away));
    run_for(b, 300, NULL, 0);
    assert_true(a->ops->oldest_ms(a) >= 200);
    assert_int_equal(away, 0);
    run_until(b, &away, 2); /* not answered in time */
    assert_int_equal(b->lost, 1);
    assert_false(a->ops->is_ready(a));
    assert_false(a->ops->put(a, &put, on_put, &away));
    redis_process_thaw(&b->redis);
    run_until(b, &b->ready, 2);
    expect(b, "A put call y 1 - one", "done A 1 1");
    redis_process_kill(&b->redis);
    run_until(b, &b->lost, 2);
    assert_true(redis_process_start(&b->redis));
    run_until(b, &b->ready, 3);
    expect(b, "A get call y", "absent");
    assert_int_equal(counter_get(&redis_store_connections(b->stores[0])->connects), 3);
}

static void answers_all_when_it_is_closed(void **state)
{
    struct bench *b = *state;
    unsigned away = 0;
    const struct store_put put = {
        .id = TEXT("x"), .owner = TEXT("A"), .epoch = 1, .record = bytes_of("one", 3)};
    open_node(b, 0, "", NULL);
    run_until(b, &b->ready, 1);
    struct store *a = b->stage.nodes[0];
    assert_true(a->ops->put(a, &put, on_put, &away));
    assert_true(a->ops->get(a, STORE_CALL, TEXT("x"), true, on_barrier, &away));
    assert_true(a->ops->unlist(a, TEXT("A"), STORE_CALL, TEXT("x")));
    assert_true(a->ops->forget_node(a, TEXT("A")));
    close_node(b, 0);
    assert_int_equal(away, 2);
}

/* --- many --- */

struct sum {
    unsigned parts, entries, over;
};

static void on_part(void *owner, enum store_result result, const struct store_entry *entries,
    size_t count, bool more)
{
    struct sum *sum = owner;
    (void)entries;
    assert_int_equal(result, STORE_DONE);
    assert_int_equal(sum->over, 0);
    sum->parts++;
    sum->entries += (unsigned)count;
    sum->over += more ? 0 : 1;
}

static void lists_in_parts(void **state)
{
    struct bench *b = *state;
    struct sum sum = {.parts = 0};
    open_node(b, 0, "", NULL);
    run_until(b, &b->ready, 1);
    struct store *a = b->stage.nodes[0];
    check(b, "mediaferry:index:A",
        "(function() for i = 1, 3000 do redis.call('HSET', KEYS[1], 'call:' .. i, '1 x') end "
        "return true end)()");
    assert_true(a->ops->list(a, TEXT("A"), on_part, &sum));
    run_until(b, &sum.over, 1);
    assert_int_equal(sum.entries, 3000);
    assert_true(sum.parts > 5);
}

/* --- options --- */

static void refuses_prefixes(void **state)
{
    (void)state;
    static const struct {
        const char *prefix;
        bool is_valid;
    } cases[] = {
        {"mediaferry", true},
        {"a:b.c-d_e}", true},
        {"", false},
        {"a b", false},
        {"{a}", false},
        {"a\n", false},
        {"\xc3\xa9", false},
        {"1234567890123456789012345678901234567890123456789012345678901234", true},
        {"12345678901234567890123456789012345678901234567890123456789012345", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(
            redis_store_prefix_is_valid(text_from(cases[i].prefix)), cases[i].is_valid);
    struct redis_store *store;
    struct str why = {.data = NULL};
    const struct redis_store_config config = {.prefix = TEXT("{a}")};
    assert_int_equal(redis_store_open(NULL, &config, &store, &why), -EINVAL);
    assert_true(text_starts_with(str_text(&why), "the prefix must be"));
    str_done(&why);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_all_stories, set_up, tear_down),
        cmocka_unit_test_setup_teardown(needs_what_the_docs_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_nothing_for_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_what_lies_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strikes_only_what_is_not_true, set_up, tear_down),
        cmocka_unit_test_setup_teardown(seals_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(seals_large_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_why_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_when_it_is_not_allowed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_all_that_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_all_when_it_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_in_parts, set_up, tear_down),
        cmocka_unit_test(refuses_prefixes),
    };
    docs = argc > 1 ? argv[1] : "docs/store.md";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
