/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "redis_process.h"

/* What docs/store.md tells operators to allow. */
#define ACL_RULES                                                                                  \
    "~mediaferry:* +eval +get +set +del +expire +pexpire +hget +hset +hdel +hlen +hmget "          \
    "+hscan "                                                                                      \
    "+hgetall +ping +select +role +cluster|slots +cluster|info +asking"

#define KEY_1 "0101010101010101010101010101010101010101010101010101010101010101\n"
#define KEY_2 "0202020202020202020202020202020202020202020202020202020202020202\n"

static struct redis_bench bench;
static struct redis_process redis;
static const char *docs;

/* --- the bench --- */

static int set_up(void **state)
{
    redis = (struct redis_process){.port = free_port()};
    bench_start(&bench);
    *state = &bench;
    return redis_process_start(&redis) ? 0 : -1;
}

static int tear_down(void **state)
{
    int error = bench_stop(*state);
    redis_process_kill(&redis);
    return error;
}

/* With `login`: "", or "USER:PASSWORD@". */
static const char *spec(const char *login)
{
    static char memory[64];
    snprintf(memory, sizeof(memory), "redis://%s127.0.0.1:%u", login, redis.port);
    return memory;
}

/* Plants or changes what is in Redis; words with '|' between them. */
static void plant(const char *words)
{
    redis_process_do(&redis, words);
}

/* Fails the test unless the Lua expression about the key is true. */
static void check(const char *key, const char *expression)
{
    struct str script = {.data = NULL};
    str_addf(&script, "if not (%s) then error('no') end return 1", expression);
    const struct text words[] = {TEXT("EVAL"), str_text(&script), TEXT("1"), text_from(key)};
    redis_process_do_words(&redis, words, COUNT_OF(words));
    str_done(&script);
}

/* --- what a store means --- */

static void tell_stories(struct redis_bench *b)
{
    for (size_t i = 0; i < story_count; i++) {
        stage_play(&b->stage, &stories[i]);
        plant("FLUSHALL");
    }
}

static void tells_all_stories(void **state)
{
    bench_open_all(*state, spec(""));
    tell_stories(*state);
    assert_int_equal(bench.troubles, 0);
}

static void needs_what_the_docs_say(void **state)
{
    struct redis_bench *b = *state;
    struct text words[32] = {TEXT("ACL"), TEXT("SETUSER"), TEXT("ferry"), TEXT("on"), TEXT(">pw")};
    struct text rest = TEXT(ACL_RULES);
    size_t count = 5;
    while (rest.len > 0)
        words[count++] = text_word(&rest, ' ');
    redis_process_do_words(&redis, words, count);
    bench_open_all(b, spec("ferry:pw@"));
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
    struct redis_bench *b = *state;
    bench_open_all(b, spec(""));
    bench_expect(b, "A lease A a1 5000 info", "done");
    bench_expect(b, "A put call x 1 10.0.0.1 one", "done A 1 1");
    check("mediaferry:call:x", "redis.call('TTL', KEYS[1]) > 86390");
    check("mediaferry:index:A", "redis.call('TTL', KEYS[1]) > 86390");
    check("mediaferry:index:A", "redis.call('HGET', KEYS[1], 'call:x') == '1 10.0.0.1'");
    check("mediaferry:nodes:", "redis.call('TTL', KEYS[1]) > 86390");
    check("mediaferry:nodes:", "redis.call('HGET', KEYS[1], 'A') == 'info'");
    check("mediaferry:lease:A", "redis.call('PTTL', KEYS[1]) > 3000");
    bench_expect(b, "B take call x 10.0.0.1 A 1 1", "done 2 1");
    bench_expect(b, "B remove call x B 2", "done - 2 0");
    check("mediaferry:call:x", "redis.call('TTL', KEYS[1]) > 3590");
    check("mediaferry:call:x", "redis.call('TTL', KEYS[1]) <= 3600");
    check("mediaferry:call:x", "redis.call('HLEN', KEYS[1]) == 1");
    check("mediaferry:index:A", "redis.call('EXISTS', KEYS[1]) == 0");
    check("mediaferry:index:B", "redis.call('EXISTS', KEYS[1]) == 0");
    bench_expect(b, "A put call y 1 - one", "done A 1 1");
    bench_expect(b, "A remove call y A 1", "done - 1 0");
    check("mediaferry:call:y", "redis.call('EXISTS', KEYS[1]) == 0");
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
    struct redis_bench *b = *state;
    bench_open_all(b, spec(""));
    for (size_t i = 0; i < COUNT_OF(planted); i++) {
        const struct planted *c = &planted[i];
        b->troubles = 0;
        redis_store_reseal(b->stores[0], NULL);
        plant(c->words);
        if (strcmp(stage_ask(&b->stage, c->question), c->answer) != 0)
            fail_msg("%s: %s: %s", c->words, c->question, str_string(&b->stage.answer));
        plant("FLUSHALL");
    }
    assert_true(counter_get(&redis_store_counters(b->stores[0])->failed) > 10);
}

/* Else nobody would be dead, or taken over from, because of a key that is nobody's. */
static void a_node_that_is_none_does_not_hide_the_others(void **state)
{
    struct redis_bench *b = *state;
    bench_open_all(b, spec(""));
    plant("HSET|mediaferry:nodes:|A|i|B|j|D|k");
    plant("LPUSH|mediaferry:lease:A|x");
    plant("SET|mediaferry:index:D|x");
    bench_expect(b, "A nodes", "done B/-/j/0 0");
    assert_true(b->troubles > 0);
}

/* Notes in the index of A that are not true, and one that is. */
static void strikes_only_what_is_not_true(void **state)
{
    struct redis_bench *b = *state;
    bench_open_all(b, spec(""));
    bench_expect(b, "A put call mine 3 x one", "done A 3 1");
    bench_expect(b, "B put call other 1 x one", "done B 1 1");
    plant("HSET|mediaferry:index:A|call:gone|1 x|call:other|1 x");
    bench_expect(b, "B list A", "done call:gone@x call:mine@x call:other@x");
    bench_expect(b, "B unlist A call gone", "");
    bench_expect(b, "B unlist A call other", "");
    bench_expect(b, "B unlist A call mine", "");
    bench_expect(b, "B list A", "done call:mine@x");
    /* A put that comes late neither overwrites the note nor strikes it. */
    bench_expect(b, "A put call mine 2 y late", "conflict A 3 1");
    bench_expect(b, "B list A", "done call:mine@x");
}

/* --- sealed --- */

static void seals_records(void **state)
{
    struct redis_bench *b = *state;
    bench_open(b, 0, spec(""), KEY_1);
    bench_open(b, 1, spec(""), KEY_2 KEY_1);
    bench_open(b, 2, spec(""), NULL);
    bench_run_until(b, &b->ready, STORY_NODES);

    bench_expect(b, "A put call x 1 10.0.0.1 secret", "done A 1 1");
    check("mediaferry:call:x",
        "not string.find(redis.call('HGET', KEYS[1], 'record'), 'secret', 1, true)");
    check("mediaferry:call:x", "#redis.call('HGET', KEYS[1], 'record') == 6 + 41");
    bench_expect(b, "A get call x", "done A 1 1 0 10.0.0.1 secret");
    bench_expect(b, "B get call x", "done A 1 1 0 10.0.0.1 secret");
    bench_expect(b, "C get call x", "failed");
    assert_string_equal(b->trouble, "a record is sealed, and there is no key");
    bench_expect(b, "C look call x", "done A 1 1 0 10.0.0.1 -");

    /* Who does not know the new key yet cannot read what it has sealed. */
    bench_expect(b, "B put call y 1 - secret", "done B 1 1");
    bench_expect(b, "A get call y", "failed");
    assert_string_equal(b->trouble, "a record is sealed, and no key of ours opens it");
    redis_store_reseal(b->stores[0], b->seals[1]);
    bench_expect(b, "A get call y", "done B 1 1 0 - secret");

    /* One that another has left open, and one put in the place of another. */
    bench_expect(b, "C put call z 1 - open", "done C 1 1");
    bench_expect(b, "A get call z", "done C 1 1 0 - open");
    plant("COPY|mediaferry:call:x|mediaferry:call:moved");
    bench_expect(b, "A get call moved", "failed");
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
    struct redis_bench *b = *state;
    size_t len = STORE_MAX_RECORD;
    uint8_t *record = calloc(1, len + 1);
    struct large large = {.expected = bytes_of(record, len)};
    struct store_put put = {
        .id = TEXT("x"), .owner = TEXT("A"), .epoch = 1, .record = bytes_of(record, len + 1)};
    bench_open(b, 0, spec(""), KEY_1);
    bench_run_until(b, &b->ready, 1);
    struct store *a = b->stage.nodes[0];
    assert_non_null(record);
    assert_false(a->ops->put(a, &put, on_large_put, &large));
    assert_string_equal(b->trouble, "a record is too large");
    put.record.len--;
    assert_true(a->ops->put(a, &put, on_large_put, &large));
    bench_run_until(b, &large.answers, 1);
    assert_true(a->ops->get(a, STORE_CALL, TEXT("x"), true, on_large, &large));
    bench_run_until(b, &large.answers, 2);
    free(record);
}

/* --- when Redis refuses --- */

static void tells_why_once(void **state)
{
    struct redis_bench *b = *state;
    bench_open_all(b, spec(""));
    bench_expect(b, "A put call x 1 - one", "done A 1 1");
    plant("CONFIG|SET|maxmemory|1");
    bench_expect(b, "A put call x 1 - two", "failed");
    bench_expect(b, "A put call x 1 - two", "failed");
    assert_int_equal(b->troubles, 1);
    assert_string_equal(b->trouble, "OOM command not allowed when used memory > 'maxmemory'.");
    bench_expect(b, "A get call x", "done A 1 1 0 - one");
    bench_expect(b, "A remove call x A 1", "done - 1 0");
    plant("CONFIG|SET|maxmemory|0");
    bench_expect(b, "A put call x 1 - two", "done A 1 1");
    plant("CONFIG|SET|maxmemory|1");
    bench_expect(b, "A put call x 1 - three", "failed");
    assert_int_equal(b->troubles, 1);
    plant("CONFIG|SET|maxmemory|0");
    plant("REPLICAOF|127.0.0.1|1");
    bench_expect(b, "A put call x 1 - three", "failed");
    assert_int_equal(b->troubles, 2);
    assert_true(strncmp(b->trouble, "READONLY ", 9) == 0);
}

/* What costs no memory goes on: leases that are there, and removals of what had several owners. */
static void goes_on_while_redis_is_full(void **state)
{
    struct redis_bench *b = *state;
    bench_open_all(b, spec(""));
    bench_expect(b, "A put call x 1 - one", "done A 1 1");
    bench_expect(b, "B take call x B A 1 1", "done 2 1");
    bench_expect(b, "A lease A a1 2000 i", "done");
    plant("CONFIG|SET|maxmemory|1");
    bench_expect(b, "A lease A a1 60000 i", "done");
    check("mediaferry:lease:A", "redis.call('PTTL', KEYS[1]) > 2000");
    bench_expect(b, "C lease A c1 60000 i", "conflict");
    bench_expect(b, "C lease C c1 60000 i", "failed");
    bench_expect(b, "B remove call x B 2", "done - 2 0");
    bench_expect(b, "A get call x", "absent");
    check("mediaferry:index:B", "redis.call('EXISTS', KEYS[1]) == 0");
    plant("CONFIG|SET|maxmemory|0");
}

static void tells_when_it_is_not_allowed(void **state)
{
    struct redis_bench *b = *state;
    plant("ACL|SETUSER|ferry|on|>pw|~other:*|+@all");
    bench_open(b, 0, spec("ferry:pw@"), NULL);
    bench_run_until(b, &b->ready, 1);
    bench_expect(b, "A put call x 1 - one", "failed");
    assert_true(strncmp(b->trouble, "NOPERM ", 7) == 0);
    bench_expect(b, "A get call x", "failed");
    bench_expect(b, "A nodes", "failed");
    bench_expect(b, "A list A", "failed");
    bench_expect(b, "A lease A a1 5000 i", "failed");
}

/* --- when Redis is away --- */

static void on_put(void *owner, enum store_result result, const struct store_version *other)
{
    unsigned *away = owner;
    (void)other;
    assert_int_equal(result, STORE_AWAY);
    ++*away;
}

static void on_get(void *owner, enum store_result result, const struct store_record *record)
{
    unsigned *away = owner;
    assert_null(record);
    assert_int_equal(result, STORE_AWAY);
    ++*away;
}

static void answers_all_that_is_lost(void **state)
{
    struct redis_bench *b = *state;
    unsigned away = 0;
    const struct store_put put = {
        .id = TEXT("x"), .owner = TEXT("A"), .epoch = 1, .record = bytes_of("one", 3)};
    bench_open(b, 0, spec(""), NULL);
    bench_run_until(b, &b->ready, 1);
    struct store *a = b->stage.nodes[0];
    redis_process_freeze(&redis);
    assert_true(a->ops->put(a, &put, on_put, &away));
    assert_true(a->ops->remove(a, STORE_CALL, TEXT("x"), TEXT("A"), 1, on_put, &away));
    bench_run_for(b, 300);
    assert_true(a->ops->oldest_ms(a) >= 200);
    assert_int_equal(away, 0);
    bench_run_until(b, &away, 2); /* not answered in time */
    assert_int_equal(b->lost, 1);
    assert_false(a->ops->is_ready(a));
    assert_false(a->ops->put(a, &put, on_put, &away));
    redis_process_thaw(&redis);
    bench_run_until(b, &b->ready, 2);
    bench_expect(b, "A put call y 1 - one", "done A 1 1");
    redis_process_kill(&redis);
    bench_run_until(b, &b->lost, 2);
    assert_true(redis_process_start(&redis));
    bench_run_until(b, &b->ready, 3);
    bench_expect(b, "A get call y", "absent");
    assert_int_equal(counter_get(&redis_store_connections(b->stores[0])->connects), 3);
}

static void answers_all_when_it_is_closed(void **state)
{
    struct redis_bench *b = *state;
    unsigned away = 0;
    const struct store_put put = {
        .id = TEXT("x"), .owner = TEXT("A"), .epoch = 1, .record = bytes_of("one", 3)};
    bench_open(b, 0, spec(""), NULL);
    bench_run_until(b, &b->ready, 1);
    struct store *a = b->stage.nodes[0];
    assert_true(a->ops->put(a, &put, on_put, &away));
    assert_true(a->ops->get(a, STORE_CALL, TEXT("x"), true, on_get, &away));
    assert_true(a->ops->unlist(a, TEXT("A"), STORE_CALL, TEXT("x")));
    assert_true(a->ops->forget_node(a, TEXT("A")));
    bench_close(b, 0);
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
    struct redis_bench *b = *state;
    struct sum sum = {.parts = 0};
    bench_open(b, 0, spec(""), NULL);
    bench_run_until(b, &b->ready, 1);
    struct store *a = b->stage.nodes[0];
    check("mediaferry:index:A",
        "(function() for i = 1, 3000 do redis.call('HSET', KEYS[1], 'call:' .. i, '1 x') end "
        "return true end)()");
    assert_true(a->ops->list(a, TEXT("A"), on_part, &sum));
    bench_run_until(b, &sum.over, 1);
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
        cmocka_unit_test_setup_teardown(
            a_node_that_is_none_does_not_hide_the_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strikes_only_what_is_not_true, set_up, tear_down),
        cmocka_unit_test_setup_teardown(seals_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(seals_large_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_why_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(goes_on_while_redis_is_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_when_it_is_not_allowed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_all_that_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_all_when_it_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_in_parts, set_up, tear_down),
        cmocka_unit_test(refuses_prefixes),
    };
    redis.port = free_port();
    if (!redis_process_start(&redis)) {
        puts("1..0 # SKIP there is no redis-server");
        return 0;
    }
    redis_process_kill(&redis);
    docs = argc > 1 ? argv[1] : "docs/store.md";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
