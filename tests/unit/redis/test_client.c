/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "fake_redis.h"

struct bench {
    uv_loop_t loop;
    struct fake_redis fake;
    struct redis_endpoint endpoint;
    struct redis_client_config config;
    struct redis_client *client;
    int log;

    unsigned ready, lost; /* told by on_ready */
    unsigned answered, unanswered;
    char answers[512]; /* what came, one after the other */
    unsigned messages;
    char message[64];
};

static struct bench bench;

/* --- what the client tells --- */

static void on_ready(void *owner, bool is_ready)
{
    struct bench *b = owner;
    *(is_ready ? &b->ready : &b->lost) += 1;
}

static void on_message(void *owner, struct text channel, struct text payload)
{
    struct bench *b = owner;
    b->messages++;
    snprintf(b->message, sizeof(b->message), "%.*s: %.*s", TEXT_ARG(channel), TEXT_ARG(payload));
}

static void on_answer(void *owner, const struct redis_reply *reply)
{
    struct bench *b = owner;
    size_t len = strlen(b->answers);
    *(reply != NULL ? &b->answered : &b->unanswered) += 1;
    if (reply != NULL)
        snprintf(b->answers + len, sizeof(b->answers) - len, "%d:%.*s|", (int)reply->kind,
            TEXT_ARG(reply->text));
}

static int ask(struct bench *b, struct text a, struct text c)
{
    return redis_client_send(b->client, (struct text[]){a, c}, 2,
        (struct redis_callback){.done = on_answer, .owner = b});
}

static unsigned lines_with(const struct bench *b, const char *word)
{
    static char text[1 << 16];
    unsigned count = 0;
    ssize_t len = pread(b->log, text, sizeof(text) - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
        count++;
    return count;
}

/* --- scripts --- */

static void friendly(struct fake_redis *fake, const struct redis_reply *command)
{
    if (!fake_redis_greet(fake, command))
        fake_redis_say_text(fake, "$2\r\nhi\r\n");
}

static void silent(struct fake_redis *fake, const struct redis_reply *command)
{
    fake_redis_greet(fake, command);
}

/* --- the bench --- */

static int set_up(void **state)
{
    struct bench *b = &bench;
    *b = (struct bench){.log = memfd_create("log", 0)};
    *state = b;
    log_start(b->log);
    if (uv_loop_init(&b->loop) != 0)
        return -1;
    fake_redis_start(&b->fake, &b->loop, 0, friendly);
    b->endpoint = (struct redis_endpoint){
        .host = "127.0.0.1", .port = b->fake.port, .connect_timeout_ms = 300};
    b->config = (struct redis_client_config){
        .endpoint = &b->endpoint, .name = "test", .on_ready = on_ready, .owner = b};
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    redis_client_close(b->client);
    if (b->fake.is_listening)
        fake_redis_stop(&b->fake);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    log_start(STDERR_FILENO);
    close(b->log);
    return uv_loop_close(&b->loop);
}

static void open_client(struct bench *b)
{
    assert_int_equal(redis_client_open(&b->loop, &b->config, &b->client), 0);
}

static void open_ready(struct bench *b)
{
    open_client(b);
    assert_true(run_until(&b->loop, &b->ready, 1));
}

/* --- tests --- */

static char greeting[512];

static void strict(struct fake_redis *fake, const struct redis_reply *command)
{
    for (size_t i = 0; i < command->count; i++) {
        strncat(greeting, command->items[i]->text.data, command->items[i]->text.len);
        strcat(greeting, i + 1 < command->count ? " " : "|");
    }
    fake_redis_greet(fake, command);
}

static void greets_with_what_it_was_told(void **state)
{
    static const struct {
        const char *user, *password;
        unsigned db;
        const char *greeting;
    } cases[] = {
        {NULL, NULL, 0, "PING|"},
        {NULL, "s3", 0, "AUTH s3|PING|"},
        {"me", "s3", 12, "AUTH me s3|SELECT 12|PING|"},
    };
    struct bench *b = *state;
    b->fake.script = strict;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        greeting[0] = '\0';
        b->endpoint.user = (char *)cases[i].user;
        b->endpoint.password = (char *)cases[i].password;
        b->endpoint.db = cases[i].db;
        open_client(b);
        assert_false(redis_client_is_ready(b->client));
        assert_true(run_until(&b->loop, &b->ready, (unsigned)i + 1));
        assert_string_equal(greeting, cases[i].greeting);
        assert_true(redis_client_is_ready(b->client));
        assert_int_equal(counter_get(&redis_client_counters(b->client)->is_ready), 1);
        redis_client_close(b->client);
        b->client = NULL;
    }
    assert_int_equal(lines_with(b, "s3"), 0);
}

static struct text wanted_words[2];

static void compare(struct fake_redis *fake, const struct redis_reply *command)
{
    if (!fake_redis_greet(fake, command))
        fake_redis_say_text(
            fake, command_is(command, 2, wanted_words) ? "+same\r\n" : "+other\r\n");
}

static void words_arrive_as_they_are(void **state)
{
    const struct text hostile[] = {TEXT("a b"), TEXT("%s%n%d"), TEXT("x\r\nDEL y\r\n"), TEXT(""),
        TEXT("\0\0"), TEXT("$3\r\n"), TEXT("\xff\xfe{}"), TEXT("*1\r\n$8\r\nSHUTDOWN\r\n")};
    struct bench *b = *state;
    b->fake.script = compare;
    open_ready(b);
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        wanted_words[0] = TEXT("GET");
        wanted_words[1] = hostile[i];
        assert_int_equal(ask(b, TEXT("GET"), hostile[i]), 0);
        assert_true(run_until(&b->loop, &b->answered, (unsigned)i + 1));
    }
    assert_null(strstr(b->answers, "other"));
}

static void echo(struct fake_redis *fake, const struct redis_reply *command)
{
    char reply[128];
    struct text what = command->count > 1 ? command->items[1]->text : TEXT("");
    if (fake_redis_greet(fake, command))
        return;
    snprintf(
        reply, sizeof(reply), text_is(what, "b") ? "-ERR %.*s\r\n" : "+%.*s\r\n", TEXT_ARG(what));
    fake_redis_say_text(fake, reply);
}

static void replies_find_their_commands(void **state)
{
    struct bench *b = *state;
    b->fake.script = echo;
    open_ready(b);
    assert_int_equal(ask(b, TEXT("GET"), TEXT("a")), 0);
    assert_int_equal(ask(b, TEXT("GET"), TEXT("b")), 0);
    assert_int_equal(ask(b, TEXT("GET"), TEXT("c")), 0);
    assert_true(run_until(&b->loop, &b->answered, 3));
    assert_string_equal(b->answers, "2:a|3:ERR b|2:c|");
    assert_int_equal(counter_get(&redis_client_counters(b->client)->errors), 1);
    assert_int_equal(counter_get(&redis_client_counters(b->client)->commands), 4);
}

static void refuses_what_it_cannot_send(void **state)
{
    static char long_word[70000];
    static struct text words[REDIS_COMMAND_MAX_WORDS + 1];
    struct redis_callback callback = {.done = on_answer, .owner = &bench};
    struct bench *b = *state;
    b->config.limits.pending = 5;
    b->fake.script = silent;
    open_client(b);
    assert_int_equal(ask(b, TEXT("GET"), TEXT("a")), -ENOTCONN);
    assert_true(run_until(&b->loop, &b->ready, 1));
    assert_int_equal(ask(b, TEXT("GET"), text_of(long_word, sizeof(long_word))), -E2BIG);
    assert_int_equal(redis_client_send(b->client, words, COUNT_OF(words), callback), -E2BIG);
    assert_int_equal(redis_client_send(b->client, words, 0, callback), -E2BIG);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask(b, TEXT("GET"), TEXT("a")), 0);
    assert_int_equal(ask(b, TEXT("GET"), TEXT("a")), -EAGAIN);
    assert_int_equal(counter_get(&redis_client_counters(b->client)->refused), 5);
    assert_int_equal(b->answered + b->unanswered, 0);
}

static void a_slow_server_is_given_up(void **state)
{
    struct bench *b = *state;
    b->config.command_timeout_ms = 400;
    b->fake.script = silent;
    open_ready(b);
    assert_int_equal(ask(b, TEXT("GET"), TEXT("a")), 0);
    assert_int_equal(ask(b, TEXT("GET"), TEXT("b")), 0);
    run_for(&b->loop, 100);
    assert_int_equal(b->unanswered, 0);
    assert_true(run_until(&b->loop, &b->unanswered, 2));
    assert_int_equal(b->lost, 1);
    assert_int_equal(counter_get(&redis_client_counters(b->client)->timeouts), 1);
    assert_int_equal(ask(b, TEXT("GET"), TEXT("a")), -ENOTCONN);
    assert_true(run_until(&b->loop, &b->ready, 2));
}

static void a_silent_connection_is_probed(void **state)
{
    struct bench *b = *state;
    b->config.idle_ms = 50;
    b->config.command_timeout_ms = 2000;
    open_ready(b);
    run_for(&b->loop, 300);
    assert_int_equal(b->lost, 0);
    assert_in_range(b->fake.commands, 2, 7);
}

static void mute(struct fake_redis *fake, const struct redis_reply *command)
{
    (void)fake;
    (void)command;
}

static void a_dead_connection_is_noticed(void **state)
{
    struct bench *b = *state;
    b->config.idle_ms = 50;
    b->config.command_timeout_ms = 50;
    open_ready(b);
    b->fake.script = mute;
    assert_true(run_until(&b->loop, &b->lost, 1));
    b->fake.script = friendly;
    assert_true(run_until(&b->loop, &b->ready, 2));
}

static void comes_back_when_the_server_does(void **state)
{
    struct bench *b = *state;
    uint16_t port = b->fake.port;
    open_ready(b);
    b->fake.script = silent;
    assert_int_equal(ask(b, TEXT("GET"), TEXT("a")), 0);
    fake_redis_stop(&b->fake);
    assert_true(run_until(&b->loop, &b->unanswered, 1));
    assert_int_equal(b->lost, 1);
    run_for(&b->loop, 500);
    assert_in_range(counter_get(&redis_client_counters(b->client)->failures), 2, 7);
    assert_int_equal(lines_with(b, "event=redis-away"), 2); /* closed, then refused */
    fake_redis_start(&b->fake, &b->loop, port, friendly);
    assert_true(run_until(&b->loop, &b->ready, 2));
    assert_int_equal(ask(b, TEXT("GET"), TEXT("a")), 0);
    assert_true(run_until(&b->loop, &b->answered, 1));
    assert_int_equal(lines_with(b, "event=redis-ready"), 2);
}

static void wrong_password(struct fake_redis *fake, const struct redis_reply *command)
{
    if (text_is(command->items[0]->text, "AUTH"))
        fake_redis_say_text(fake, "-WRONGPASS invalid \"name\"\r\n");
    else
        fake_redis_say_text(fake, "-NOAUTH Authentication required.\r\n");
}

static void a_refused_password_is_said_once(void **state)
{
    struct bench *b = *state;
    b->fake.script = wrong_password;
    b->endpoint.password = "Geheim";
    open_client(b);
    assert_true(run_until(&b->loop, &b->fake.connections, 3));
    assert_int_equal(b->ready, 0);
    assert_int_equal(lines_with(b, "WRONGPASS"), 1);
    assert_int_equal(lines_with(b, "redis-away"), 1);
    assert_int_equal(lines_with(b, "Geheim"), 0);
}

static void without_auth(struct fake_redis *fake, const struct redis_reply *command)
{
    if (text_is(command->items[0]->text, "AUTH"))
        fake_redis_say_text(
            fake, "-ERR unknown command 'AUTH', with args beginning with: 'Geheim' \r\n");
    else
        fake_redis_say_text(fake, "+PONG\r\n");
}

static void a_server_that_repeats_the_password_is_not_quoted(void **state)
{
    struct bench *b = *state;
    b->fake.script = without_auth;
    b->endpoint.password = "Geheim";
    open_client(b);
    assert_true(run_until(&b->loop, &b->fake.connections, 3));
    assert_int_equal(lines_with(b, "unknown command 'AUTH'"), 1);
    assert_int_equal(lines_with(b, "Geheim"), 0);
}

/* What a broken or hostile server says in place of an answer, and before being asked. */
static void lives_through_hostile_replies(void **state)
{
    static const char *const hostile[] = {"HTTP/1.0 200 OK\r\n\r\n", "+a\r\n+b\r\n",
        "*3\r\n$-1\r\n*", "$1000000000\r\nx", "*2147483647\r\n+a\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", ":99999999999999999999\r\n:1\r\n",
        "\0\0\0\0", "-\r\n-\r\n"};
    struct bench *b = *state;
    b->fake.script = silent;
    b->config.command_timeout_ms = 50;
    open_ready(b);
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        unsigned ready = b->ready;
        assert_int_equal(ask(b, TEXT("GET"), TEXT("a")), 0);
        fake_redis_say(&b->fake, hostile[i], strlen(hostile[i]) > 0 ? strlen(hostile[i]) : 4);
        assert_true(run_until(&b->loop, &b->lost, (unsigned)i + 1));
        assert_int_equal(b->answered + b->unanswered, i + 1);
        redis_client_close(b->client); /* not to wait for the back-off */
        open_client(b);
        assert_true(run_until(&b->loop, &b->ready, ready + 1));
    }
}

static void a_huge_array_is_no_end(void **state)
{
    struct bench *b = *state;
    char *items = malloc(30000 * 4 + 16);
    assert_non_null(items);
    size_t len = (size_t)sprintf(items, "*30000\r\n");
    for (int i = 0; i < 30000; i++, len += 4)
        memcpy(items + len, ":1\r\n", 4);
    b->fake.script = silent;
    open_ready(b);
    assert_int_equal(ask(b, TEXT("SMEMBERS"), TEXT("a")), 0);
    fake_redis_say(&b->fake, items, len);
    assert_true(run_until(&b->loop, &b->answered, 1));
    assert_string_equal(b->answers, "6:|"); /* REDIS_OVERSIZED */
    assert_int_equal(b->lost, 0);
    free(items);
}

static void a_subscriber_hears_and_comes_back(void **state)
{
    const struct text channels[] = {TEXT("news"), TEXT("a b")};
    static const char message[] = "*3\r\n$7\r\nmessage\r\n$3\r\na b\r\n$4\r\nh\r\ni\r\n";
    struct bench *b = *state;
    b->config.channels = channels;
    b->config.channel_count = COUNT_OF(channels);
    b->config.on_message = on_message;
    open_ready(b);
    assert_int_equal(b->fake.commands, 3);
    assert_int_equal(ask(b, TEXT("GET"), TEXT("a")), -ENOTCONN);
    fake_redis_say_text(&b->fake, message);
    assert_true(run_until(&b->loop, &b->messages, 1));
    assert_string_equal(b->message, "a b: h\r\ni");
    fake_redis_hang_up(&b->fake);
    assert_true(run_until(&b->loop, &b->ready, 2));
    assert_int_equal(b->fake.commands, 6);
    fake_redis_say_text(&b->fake, message);
    assert_true(run_until(&b->loop, &b->messages, 2));
    /* What is no message must not be taken for one. */
    fake_redis_say_text(&b->fake, "*3\r\n:1\r\n*1\r\n:1\r\n$-1\r\n");
    assert_true(run_until(&b->loop, &b->lost, 2));
}

static void gives_up_connecting(void **state)
{
    struct bench *b = *state;
    b->fake.script = mute;
    b->endpoint.connect_timeout_ms = 50;
    open_client(b);
    assert_true(run_until(&b->loop, &b->fake.connections, 3));
    assert_int_equal(b->ready, 0);
    assert_int_equal(lines_with(b, "redis-away"), 1);
}

static void an_unknown_host_is_no_end(void **state)
{
    struct bench *b = *state;
    b->endpoint.host = "no-such-host.invalid";
    open_client(b);
    run_for(&b->loop, 100);
    assert_int_equal(b->ready, 0);
    assert_true(counter_get(&redis_client_counters(b->client)->failures) <= 3);
}

/* "localhost" may be ::1 first, where nobody listens. */
static void tries_each_address(void **state)
{
    struct bench *b = *state;
    b->endpoint.host = "localhost";
    open_ready(b);
    assert_int_equal(counter_get(&redis_client_counters(b->client)->failures), 0);
}

/* At once, while it looks up, connects and greets; with commands pending. */
static void closes_at_any_time(void **state)
{
    struct bench *b = *state;
    b->fake.script = silent;
    for (int turns = 0; turns < 6; turns++) {
        open_client(b);
        for (int i = 0; i < turns; i++)
            uv_run(&b->loop, UV_RUN_NOWAIT);
        redis_client_close(b->client);
    }
    b->ready = 0;
    open_ready(b);
    assert_int_equal(ask(b, TEXT("GET"), TEXT("a")), 0);
    redis_client_close(b->client);
    b->client = NULL;
    assert_int_equal(b->unanswered, 1);
    assert_int_equal(b->lost, 0);
}

/* --- what a router builds on --- */

static void close_at_answer(void *owner, const struct redis_reply *reply)
{
    struct bench *b = owner;
    *(reply != NULL ? &b->answered : &b->unanswered) += 1;
    redis_client_close(b->client);
    b->client = NULL;
}

/* With the answer, and with the loss of the connection; others are pending. */
static void closes_from_within_a_callback(void **state)
{
    const struct text words[] = {TEXT("GET"), TEXT("a")};
    struct bench *b = *state;
    for (unsigned i = 0; i < 2; i++) {
        struct redis_callback callback = {.done = close_at_answer, .owner = b};
        b->fake.script = i == 0 ? friendly : silent;
        open_client(b);
        assert_true(run_until(&b->loop, &b->ready, i + 1));
        assert_int_equal(redis_client_send(b->client, words, 2, callback), 0);
        assert_int_equal(ask(b, TEXT("GET"), TEXT("b")), 0);
        if (i == 1)
            redis_client_drop(b->client, TEXT("enough"));
        assert_true(run_until(&b->loop, &b->unanswered, i == 0 ? 1 : 3));
        assert_null(b->client);
    }
    assert_int_equal(b->answered, 1);
    assert_int_equal(b->lost, 0);
}

static void note_error(void *owner, struct text error)
{
    struct bench *b = owner;
    snprintf(b->answers, sizeof(b->answers), "!%.*s|", TEXT_ARG(error));
}

static void errors_are_told_before_they_are_answered(void **state)
{
    struct bench *b = *state;
    b->fake.script = echo;
    b->config.on_error = note_error;
    open_ready(b);
    assert_int_equal(ask(b, TEXT("GET"), TEXT("b")), 0);
    assert_true(run_until(&b->loop, &b->answered, 1));
    assert_string_equal(b->answers, "!ERR b|3:ERR b|");
}

static void counters_may_be_shared(void **state)
{
    struct bench *b = *state;
    struct redis_counters sum = {0};
    struct redis_client *other;
    b->config.counters = &sum;
    open_ready(b);
    assert_int_equal(redis_client_open(&b->loop, &b->config, &other), 0);
    assert_true(run_until(&b->loop, &b->ready, 2));
    assert_int_equal(counter_get(&sum.is_ready), 2);
    assert_int_equal(counter_get(&sum.connects), 2);
    redis_client_close(other);
    assert_int_equal(counter_get(&sum.is_ready), 1);
    redis_client_drop(b->client, TEXT("enough"));
    assert_int_equal(counter_get(&sum.is_ready), 0);
    redis_client_close(b->client);
    b->client = NULL;
}

static void tells_how_long_the_oldest_waits(void **state)
{
    struct bench *b = *state;
    b->fake.script = silent;
    open_ready(b);
    assert_int_equal(redis_client_oldest_ms(b->client), 0);
    assert_int_equal(ask(b, TEXT("GET"), TEXT("a")), 0);
    run_for(&b->loop, 150);
    assert_in_range(redis_client_oldest_ms(b->client), 100, 1000);
    fake_redis_say_text(&b->fake, "+a\r\n");
    assert_true(run_until(&b->loop, &b->answered, 1));
    assert_int_equal(redis_client_oldest_ms(b->client), 0);
}

/* What was to be sealed never goes over the wire in the open. */
static void tls_is_not_forgotten(void **state)
{
    struct bench *b = *state;
    b->endpoint.tls.is_wanted = true;
    assert_int_equal(redis_client_open(&b->loop, &b->config, &b->client), -EINVAL);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(greets_with_what_it_was_told),
        BENCH_TEST(words_arrive_as_they_are),
        BENCH_TEST(replies_find_their_commands),
        BENCH_TEST(refuses_what_it_cannot_send),
        BENCH_TEST(a_slow_server_is_given_up),
        BENCH_TEST(a_silent_connection_is_probed),
        BENCH_TEST(a_dead_connection_is_noticed),
        BENCH_TEST(comes_back_when_the_server_does),
        BENCH_TEST(a_refused_password_is_said_once),
        BENCH_TEST(a_server_that_repeats_the_password_is_not_quoted),
        BENCH_TEST(lives_through_hostile_replies),
        BENCH_TEST(a_huge_array_is_no_end),
        BENCH_TEST(a_subscriber_hears_and_comes_back),
        BENCH_TEST(gives_up_connecting),
        BENCH_TEST(tries_each_address),
        BENCH_TEST(an_unknown_host_is_no_end),
        BENCH_TEST(closes_at_any_time),
        BENCH_TEST(closes_from_within_a_callback),
        BENCH_TEST(errors_are_told_before_they_are_answered),
        BENCH_TEST(counters_may_be_shared),
        BENCH_TEST(tells_how_long_the_oldest_waits),
        BENCH_TEST(tls_is_not_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
