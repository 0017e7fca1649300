/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that go on in another loop, within a thread and between threads. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/mailbox.h"
#include "pem.h"
#include "stream_world.h"

static struct stream_world w, elsewhere;
static struct side side, side2;
static struct peer peer;
static bool uses_tls; /* each test runs with and without */

static int make_files(void **state)
{
    (void)state;
    pem_init();
    pem_make("server", "DNS:turn.example");
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    pem_done();
    return 0;
}

static void open_side(void)
{
    accept_side(&w, &(struct stream_accept_config){.tls = w.tls}, &side, &peer);
    if (uses_tls) {
        peer_start_tls(&w, &peer);
        run_until(&w, &peer, side.opened == 1 && SSL_is_init_finished(peer.ssl));
    } else {
        peer_say(&peer, "!");
        run_until(&w, &peer, side.opened == 1);
        side.heard_len = 0;
    }
    side.inputs = 0;
}

static int set_up(void **state)
{
    uses_tls = *(const bool *)*state;
    stream_world_init(&w);
    stream_world_init(&elsewhere);
    open_side();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    side_done(&side);
    side_done(&side2);
    peer_close(&peer);
    stream_world_done(&w);
    stream_world_done(&elsewhere);
    return 0;
}

static uint8_t *pattern(size_t count)
{
    uint8_t *bytes = malloc(count);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    return bytes;
}

/* From the loop of `side` to that of `side2`. */
static void move(void)
{
    assert_int_equal(stream_detach(side.stream), 0);
    side2.stream = side.stream;
    side.stream = NULL;
    assert_int_equal(counter_get(&stream_hub_counters(w.hub)->streams), 0);
    assert_int_equal(stream_attach(side2.stream, elsewhere.hub, &side_hooks, &side2), 0);
    assert_int_equal(counter_get(&stream_hub_counters(elsewhere.hub)->streams), 1);
}

static void move_in_input(struct side *s)
{
    (void)s;
    struct bytes input = stream_input(side.stream);
    assert_true(input.len > 4);
    stream_consume(side.stream, 4);
    move();
}

/* Nothing is read twice, or lost: of what the old owner left, what TLS holds, what the kernel has.
 */
static void takes_its_input_along(void **state)
{
    (void)state;
    enum { LEN = 15000 };
    uint8_t *bytes = pattern(LEN);
    stream_set_limits(side.stream, &(struct stream_limits){.input = 1000});
    side.in_input = move_in_input;
    peer_write(&peer, bytes, LEN);
    run_until(&w, &peer, side2.stream != NULL);
    world_turns(&w, &peer);
    assert_int_equal(side2.inputs, 0); /* from its own loop only */
    run_until(&elsewhere, &peer, side2.heard_len == LEN - 4);
    assert_memory_equal(side2.heard, bytes + 4, LEN - 4);
    assert_int_equal(side.inputs, 1);
    assert_int_equal(side2.opened, 0);
    assert_int_equal(
        stream_transport(side2.stream), (unsigned)(uses_tls ? STREAM_TLS : STREAM_TCP));
    free(bytes);
}

static void takes_its_output_along(void **state)
{
    (void)state;
    enum { LEN = 100000 };
    uint8_t *bytes = pattern(LEN);
    struct bytes message = bytes_of(bytes, LEN);
    assert_int_equal(stream_write(side.stream, &message, 1), 0);
    size_t unsent = stream_unsent(side.stream);
    assert_true(unsent > 0);
    move();
    assert_int_equal(stream_unsent(side2.stream), unsent);
    message.len = 1000;
    assert_int_equal(stream_write(side2.stream, &message, 1), 0);
    run_until(&elsewhere, &peer, peer.heard_len == LEN + 1000);
    assert_memory_equal(peer.heard, bytes, LEN);
    assert_memory_equal(peer.heard + LEN, bytes, 1000);
    assert_int_equal(side.drained, 0);
    assert_int_equal(side2.drained, 1);
    free(bytes);
}

static void a_pause_ends_with_the_move(void **state)
{
    (void)state;
    stream_pause_input(side.stream);
    peer_say(&peer, "hello");
    world_turns(&w, &peer);
    move();
    run_until(&elsewhere, &peer, side2.heard_len == 5);
}

static void the_new_owner_is_told_of_the_end(void **state)
{
    (void)state;
    side.keep = SIZE_MAX;
    peer_say(&peer, "hello");
    if (uses_tls)
        SSL_shutdown(peer.ssl);
    shutdown(peer.fd, SHUT_WR);
    run_until(&w, NULL, side.ends == 1);
    move();
    run_until(&elsewhere, NULL, side2.ends == 1);
    assert_true(side_has_heard(&side2, "hello"));
    assert_int_equal(side2.end, STREAM_PEER_CLOSED);
}

static void what_is_put_off_stays_behind(void **state)
{
    (void)state;
    side.keep = SIZE_MAX;
    peer_say(&peer, "hello");
    run_until(&w, &peer, side.inputs == 1);
    stream_pause_input(side.stream);
    stream_resume_input(side.stream); /* on_input is to come */
    move();
    world_turns(&w, &peer);
    assert_int_equal(side.inputs, 1);
    run_until(&elsewhere, &peer, side2.heard_len == 5);
}

static void may_be_closed_between_loops(void **state)
{
    (void)state;
    side.keep = SIZE_MAX;
    peer_say(&peer, "hello");
    run_until(&w, &peer, side.inputs == 1);
    assert_int_equal(stream_detach(side.stream), 0);
    stream_close(side.stream);
    side.stream = NULL;
    run_until(&w, &peer, peer.was_told_end || peer.has_failed);
}

static void only_open_streams_move(void **state)
{
    (void)state;
    struct side early = {.stream = NULL};
    struct peer early_peer;
    accept_side(&w, &(struct stream_accept_config){.tls = w.tls}, &early, &early_peer);
    assert_int_equal(stream_detach(early.stream), -ENOTCONN);
    peer_reset(&early_peer);
    run_until(&w, NULL, early.ends == 1);
    assert_int_equal(stream_detach(early.stream), -ENOTCONN);
    side_done(&early);
}

/* --- between threads --- */

enum { THREADS = 2, MOVES_MIN = 12, ECHO_LEN = 1000000, AHEAD = 20000 };

/* A thread with a loop, which echoes what its stream says. */
struct echo_thread {
    uv_thread_t thread;
    uv_loop_t loop;
    struct mailbox box;
    struct stream_hub *hub;
    struct echo *echo;
    struct echo_thread *next;
};

/* The stream, and what its owner keeps; belongs to the thread it is in. */
struct echo {
    struct message message;
    struct stream *stream;
    struct echo_thread *in;
    struct echo_thread *threads;
    unsigned hooks, moves;
    bool is_over;
};

static void arrive(struct message *message, void *owner);

static void echo_on(struct echo *e)
{
    struct bytes input = stream_input(e->stream);
    while (input.len > 0) {
        struct bytes part = bytes_of(input.data, input.len < 700 ? input.len : 700);
        if (stream_write(e->stream, &part, 1) != 0) {
            stream_pause_input(e->stream); /* the rest waits, and travels */
            break;
        }
        stream_consume(e->stream, part.len);
        input = stream_input(e->stream);
    }
    if (++e->hooks % 3 != 0)
        return;
    e->moves++;
    assert_int_equal(stream_detach(e->stream), 0);
    e->message.deliver = arrive;
    mailbox_post(&e->in->next->box, &e->message);
}

static void echo_input(void *owner)
{
    echo_on(owner);
}

static void echo_drained(void *owner)
{
    struct echo *e = owner;
    stream_resume_input(e->stream);
}

static void stop_thread(struct message *message, void *owner)
{
    struct echo_thread *t = owner;
    free(message);
    stream_hub_close(t->hub);
    mailbox_close(&t->box, NULL);
}

static void echo_end(void *owner, enum stream_end end, int error)
{
    struct echo *e = owner;
    assert_int_equal(end, STREAM_PEER_CLOSED);
    assert_int_equal(error, 0);
    stream_close(e->stream);
    e->is_over = true;
    for (size_t i = 0; i < THREADS; i++) {
        struct message *stop = calloc(1, sizeof(*stop));
        stop->deliver = stop_thread;
        mailbox_post(&e->threads[i].box, stop);
    }
}

static const struct stream_hooks echo_hooks = {
    .on_input = echo_input, .on_drained = echo_drained, .on_end = echo_end};

static void arrive(struct message *message, void *owner)
{
    struct echo *e = (struct echo *)message;
    struct echo_thread *t = owner;
    e->in = t;
    assert_int_equal(stream_attach(e->stream, t->hub, &echo_hooks, e), 0);
}

static void run_loop(void *argument)
{
    struct echo_thread *t = argument;
    uv_run(&t->loop, UV_RUN_DEFAULT);
}

/* Sends all and expects it back. It runs ahead by some parts only: a slow machine would take all of
 * it in a few inputs, and hardly move. */
static void talk(const uint8_t *bytes)
{
    size_t sent = 0;
    uint64_t began = uv_hrtime();
    while (peer.heard_len < ECHO_LEN) {
        size_t done = 0;
        size_t len = ECHO_LEN - sent < 5000 ? ECHO_LEN - sent : 5000;
        if (sent > peer.heard_len + AHEAD)
            len = 0;
        if (len > 0 && peer.ssl != NULL) {
            SSL_write_ex(peer.ssl, bytes + sent, len, &done);
        } else if (len > 0) {
            ssize_t n = send(peer.fd, bytes + sent, len, MSG_NOSIGNAL);
            done = n > 0 ? (size_t)n : 0;
        }
        sent += done;
        peer_go_on(&peer);
        assert_false(peer.has_failed || peer.was_told_end);
        assert_true(uv_hrtime() - began < 60000000000ull);
        usleep(100);
    }
    assert_memory_equal(peer.heard, bytes, ECHO_LEN);
}

static void goes_from_thread_to_thread(void **state)
{
    (void)state;
    struct echo_thread threads[THREADS];
    struct echo echo = {.stream = side.stream, .threads = threads};
    uint8_t *bytes = pattern(ECHO_LEN);
    for (size_t i = 0; i < THREADS; i++) {
        threads[i] = (struct echo_thread){.echo = &echo, .next = &threads[(i + 1) % THREADS]};
        assert_int_equal(uv_loop_init(&threads[i].loop), 0);
        assert_int_equal(mailbox_open(&threads[i].box, &threads[i].loop, &threads[i]), 0);
        assert_int_equal(stream_hub_open(&threads[i].loop, &threads[i].hub), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(uv_thread_create(&threads[i].thread, run_loop, &threads[i]), 0);

    assert_int_equal(stream_detach(side.stream), 0);
    side.stream = NULL;
    echo.message.deliver = arrive;
    mailbox_post(&threads[0].box, &echo.message);
    talk(bytes);
    shutdown(peer.fd, SHUT_WR);
    for (size_t i = 0; i < THREADS; i++) {
        uv_thread_join(&threads[i].thread);
        assert_int_equal(uv_loop_close(&threads[i].loop), 0);
    }
    assert_true(echo.is_over);
    assert_true(echo.moves >= MOVES_MIN);
    free(bytes);
}

int main(void)
{
    static const struct {
        const char *name;
        CMUnitTestFunction run;
    } cases[] = {
        {"takes its input along", takes_its_input_along},
        {"takes its output along", takes_its_output_along},
        {"a pause ends with the move", a_pause_ends_with_the_move},
        {"the new owner is told of the end", the_new_owner_is_told_of_the_end},
        {"what is put off stays behind", what_is_put_off_stays_behind},
        {"may be closed between loops", may_be_closed_between_loops},
        {"only open streams move", only_open_streams_move},
        {"goes from thread to thread", goes_from_thread_to_thread},
    };
    static const bool with_tls[] = {false, true};
    struct CMUnitTest tests[COUNT_OF(cases) * 2];
    char names[COUNT_OF(tests)][64];
    for (size_t i = 0; i < COUNT_OF(tests); i++) {
        bool tls = i >= COUNT_OF(cases);
        snprintf(names[i], sizeof(names[i]), "%s (%s)", cases[i % COUNT_OF(cases)].name,
            tls ? "TLS" : "TCP");
        tests[i] = (struct CMUnitTest){.name = names[i],
            .test_func = cases[i % COUNT_OF(cases)].run,
            .setup_func = set_up,
            .teardown_func = tear_down,
            .initial_state = (void *)(uintptr_t)&with_tls[tls]};
    }
    return _cmocka_run_group_tests("stream_move", tests, COUNT_OF(tests), make_files, remove_files);
}
