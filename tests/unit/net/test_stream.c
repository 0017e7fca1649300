/* SPDX-License-Identifier: Apache-2.0 */
/* Open streams, mostly plain: input, output, back-pressure, ends. */
#include "net/stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "pem.h"
#include "stream_world.h"

static struct stream_world w;
static struct side side, side2;
static struct peer peer, peer2;

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

static int set_up(void **state)
{
    (void)state;
    stream_world_init(&w);
    accept_side(&w, &(struct stream_accept_config){.opening = STREAM_RAW}, &side, &peer);
    accept_side(&w, &(struct stream_accept_config){.opening = STREAM_RAW}, &side2, &peer2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    side_done(&side);
    side_done(&side2);
    peer_close(&peer);
    peer_close(&peer2);
    stream_world_done(&w);
    return 0;
}

static void limit(struct side *s, size_t input, size_t output)
{
    stream_set_limits(s->stream, &(struct stream_limits){.input = input, .output = output});
}

static void parts_leave_in_a_row(void **state)
{
    (void)state;
    const struct bytes parts[] = {
        bytes_of("one ", 4), bytes_of(NULL, 0), bytes_of("two ", 4), bytes_of("three", 5)};
    assert_int_equal(stream_write(side.stream, parts, 4), 0);
    assert_int_equal(stream_write(side.stream, parts, 0), 0);
    run_until(&w, &peer, peer_has_heard(&peer, "one two three"));
    assert_int_equal(stream_unsent(side.stream), 0);
    assert_int_equal(side.drained, 0);
}

static void unread_bytes_wait_for_more(void **state)
{
    (void)state;
    side.keep = SIZE_MAX;
    peer_say(&peer, "abc");
    run_until(&w, &peer, side.inputs == 1);
    assert_true(bytes_equal(stream_input(side.stream), bytes_of("abc", 3)));
    world_turns(&w, &peer);
    assert_int_equal(side.inputs, 1);
    peer_say(&peer, "def");
    run_until(&w, &peer, side.inputs == 2);
    assert_true(bytes_equal(stream_input(side.stream), bytes_of("abcdef", 6)));

    /* Also outside of a hook; what is read is freed later. */
    struct bytes input = stream_input(side.stream);
    stream_consume(side.stream, 2);
    assert_true(bytes_equal(stream_input(side.stream), bytes_of("cdef", 4)));
    stream_consume(side.stream, 4);
    assert_int_equal(stream_input(side.stream).len, 0);
    assert_true(bytes_equal(input, bytes_of("abcdef", 6)));
    side.keep = 0;
    peer_say(&peer, "g");
    run_until(&w, &peer, side_has_heard(&side, "g"));
}

static void unread_bytes_of_two_are_not_mixed(void **state)
{
    (void)state;
    side.keep = side2.keep = SIZE_MAX;
    for (unsigned i = 1; i <= 5; i++) {
        peer_say(&peer, "abc");
        run_until(&w, &peer, side.inputs == i);
        peer_say(&peer2, "1234");
        run_until(&w, &peer2, side2.inputs == i);
    }
    assert_true(bytes_equal(stream_input(side.stream), bytes_of("abcabcabcabcabc", 15)));
    assert_true(bytes_equal(stream_input(side2.stream), bytes_of("12341234123412341234", 20)));
}

static void one_byte_at_a_time(void **state)
{
    (void)state;
    static const char text[] = "a message that comes in very small pieces";
    side.keep = SIZE_MAX;
    for (size_t i = 0; i < sizeof(text); i++) {
        peer_write(&peer, &text[i], 1);
        run_until(&w, &peer, side.inputs == i + 1);
    }
    assert_true(bytes_equal(stream_input(side.stream), bytes_of(text, sizeof(text))));
}

/* `count` bytes that tell their place. */
static uint8_t *pattern(size_t count)
{
    uint8_t *bytes = malloc(count);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    return bytes;
}

static void the_longest_message_fits(void **state)
{
    (void)state;
    enum { LONGEST = 20 + 65532 };
    uint8_t *bytes = pattern(LONGEST);
    side.keep = SIZE_MAX;
    peer_write(&peer, bytes, LONGEST);
    run_until(&w, &peer, stream_input(side.stream).len == LONGEST);
    assert_memory_equal(stream_input(side.stream).data, bytes, LONGEST);
    assert_int_equal(side.ends, 0);
    free(bytes);
}

static void input_is_bounded(void **state)
{
    (void)state;
    uint8_t *bytes = pattern(2000);
    limit(&side, 1000, 0);
    side.keep = SIZE_MAX;
    peer_write(&peer, bytes, 999);
    run_until(&w, &peer, stream_input(side.stream).len == 999);
    world_turns(&w, &peer);
    assert_int_equal(side.ends, 0);

    peer_write(&peer, bytes, 1001);
    run_until(&w, &peer, side.ends == 1);
    assert_int_equal(side.end, STREAM_OVERFLOW);
    assert_int_equal(stream_input(side.stream).len, 1000);
    struct bytes word = bytes_of("x", 1);
    assert_int_equal(stream_write(side.stream, &word, 1), -EPIPE);
    unsigned inputs = side.inputs;
    world_turns(&w, &peer);
    assert_int_equal(side.inputs, inputs);
    assert_int_equal(side.ends, 1);
    free(bytes);
}

static void a_pause_holds_input_and_end(void **state)
{
    (void)state;
    stream_pause_input(side.stream);
    peer_say(&peer, "late");
    shutdown(peer.fd, SHUT_WR);
    world_turns(&w, &peer);
    assert_int_equal(side.inputs + side.ends, 0);
    stream_resume_input(side.stream);
    assert_int_equal(side.inputs, 0); /* from the loop only */
    run_until(&w, &peer, side.ends == 1);
    assert_true(side_has_heard(&side, "late"));
    assert_int_equal(side.end, STREAM_PEER_CLOSED);
    assert_int_equal(side.error, 0);
}

static void pause_in_input(struct side *s)
{
    if (s->inputs == 1)
        stream_pause_input(s->stream);
    else
        side_read(s);
}

static void unread_bytes_come_again_after_a_pause(void **state)
{
    (void)state;
    limit(&side, 4, 0); /* the pause is no overflow */
    side.in_input = pause_in_input;
    peer_say(&peer, "abcdefgh");
    run_until(&w, &peer, side.inputs == 1);
    world_turns(&w, &peer);
    assert_int_equal(side.inputs, 1);
    assert_int_equal(side.ends, 0);
    stream_resume_input(side.stream);
    run_until(&w, &peer, side.heard_len == 8);
    assert_true(side_has_heard(&side, "abcdefgh"));
}

static void resume_the_other(struct side *s)
{
    struct bytes input = stream_input(s->stream);
    assert_true(bytes_equal(input, bytes_of("mine", 4)));
    stream_resume_input(s->other->stream);
    assert_true(bytes_equal(input, bytes_of("mine", 4)));
    assert_int_equal(s->other->inputs, 0);
    side_read(s);
    assert_true(bytes_equal(input, bytes_of("mine", 4)));
}

/* The work space is shared: what one stream shows must not be overwritten by the other. */
static void a_stream_may_be_resumed_while_another_is_read(void **state)
{
    (void)state;
    side.in_input = resume_the_other;
    side.other = &side2;
    stream_pause_input(side2.stream);
    peer_say(&peer2, "yours");
    world_turns(&w, &peer2);
    peer_say(&peer, "mine");
    run_until(&w, &peer, side2.heard_len == 5);
    assert_true(side_has_heard(&side, "mine"));
    assert_true(side_has_heard(&side2, "yours"));
}

/* Numbered messages of 1000 bytes until one is refused; returns how many were taken. */
static unsigned write_until_refused(void)
{
    char message[1001];
    for (unsigned number = 0;; number++) {
        snprintf(message, sizeof(message), "%0*u", 1000, number);
        const struct bytes parts[] = {bytes_of(message, 400), bytes_of(message + 400, 600)};
        int error = stream_write(side.stream, parts, 2);
        if (error != 0) {
            assert_int_equal(error, -ENOBUFS);
            return number;
        }
        assert_true(number < 100000);
    }
}

static void a_slow_reader_is_bounded(void **state)
{
    (void)state;
    enum { LIMIT = 10500 };
    limit(&side, 0, LIMIT);
    unsigned taken = write_until_refused();
    assert_true(stream_unsent(side.stream) <= LIMIT);
    assert_true(stream_unsent(side.stream) > LIMIT - 1000);
    assert_int_equal(counter_get(&stream_hub_counters(w.hub)->writes_refused), 1);
    for (int i = 0; i < 1000; i++)
        write_until_refused();
    assert_true(stream_unsent(side.stream) <= LIMIT);
    assert_int_equal(side.drained, 0);

    /* What was taken arrives whole; nothing of what was refused does. */
    uint8_t *buffer = malloc(1000);
    for (unsigned number = 0; number < taken; number++) {
        char expected[1001];
        size_t len = 0;
        snprintf(expected, sizeof(expected), "%0*u", 1000, number);
        while (len < 1000) {
            ssize_t got = recv(peer.fd, buffer + len, 1000 - len, 0);
            if (got > 0)
                len += (size_t)got;
            else
                world_turn(&w, NULL);
        }
        assert_memory_equal(buffer, expected, 1000);
    }
    free(buffer);
    run_until(&w, &peer, side.drained == 1);
    world_turns(&w, &peer);
    assert_int_equal(peer.heard_len, 0);
    side_write(&side, "next");
    run_until(&w, &peer, peer_has_heard(&peer, "next"));
}

static void a_message_above_the_limit_is_refused(void **state)
{
    (void)state;
    uint8_t *bytes = pattern(1001);
    limit(&side, 0, 1000);
    struct bytes message = bytes_of(bytes, 1001);
    assert_int_equal(stream_write(side.stream, &message, 1), -ENOBUFS);
    world_turns(&w, &peer);
    assert_int_equal(peer.heard_len, 0);
    message.len = 1000;
    assert_int_equal(stream_write(side.stream, &message, 1), 0);
    run_until(&w, &peer, peer.heard_len == 1000);
    free(bytes);
}

static void fill_the_way_to_the_peer(void)
{
    limit(&side, 0, 5000);
    write_until_refused();
}

static void the_end_comes_behind_what_is_unsent(void **state)
{
    (void)state;
    fill_the_way_to_the_peer();
    stream_shutdown_write(side.stream);
    struct bytes word = bytes_of("x", 1);
    assert_int_equal(stream_write(side.stream, &word, 1), -EPIPE);
    assert_true(stream_unsent(side.stream) > 0);
    run_until(&w, &peer, peer.was_told_end);
    assert_int_equal(peer.heard_len % 1000, 0);
    assert_int_equal(side.drained, 1);

    peer_say(&peer, "thanks"); /* the other direction is open */
    run_until(&w, NULL, side_has_heard(&side, "thanks"));
}

static void the_end_comes_at_once_when_all_is_sent(void **state)
{
    (void)state;
    side_write(&side, "bye");
    stream_shutdown_write(side.stream);
    stream_shutdown_write(side.stream); /* harmless */
    run_until(&w, &peer, peer.was_told_end);
    assert_true(peer_has_heard(&peer, "bye"));
}

static void a_peer_that_closed_may_be_written_to(void **state)
{
    (void)state;
    shutdown(peer.fd, SHUT_WR);
    run_until(&w, &peer, side.ends == 1);
    assert_int_equal(side.end, STREAM_PEER_CLOSED);
    assert_true(stream_is_open(side.stream));
    side_write(&side, "last words");
    run_until(&w, &peer, peer_has_heard(&peer, "last words"));
    assert_int_equal(side.ends, 1);
}

static void a_reset_is_told(void **state)
{
    (void)state;
    side.keep = SIZE_MAX;
    peer_say(&peer, "abc");
    run_until(&w, &peer, side.inputs == 1);
    peer_reset(&peer);
    run_until(&w, NULL, side.ends == 1);
    assert_int_equal(side.end, STREAM_RESET);
    assert_int_equal(side.error, -ECONNRESET);
    assert_true(bytes_equal(stream_input(side.stream), bytes_of("abc", 3)));
    assert_false(stream_is_open(side.stream));
}

static void a_write_may_meet_the_reset_first(void **state)
{
    (void)state;
    peer_reset(&peer);
    struct bytes word = bytes_of("x", 1);
    assert_int_equal(stream_write(side.stream, &word, 1), -EPIPE);
    assert_int_equal(side.ends, 0); /* no hook in a call of the owner */
    run_until(&w, NULL, side.ends == 1);
    assert_int_equal(side.end, STREAM_RESET);
    world_turns(&w, NULL);
    assert_int_equal(side.ends, 1);
}

static void a_reset_is_told_in_a_pause(void **state)
{
    (void)state;
    stream_pause_input(side.stream);
    fill_the_way_to_the_peer();
    world_turns(&w, NULL);
    peer_reset(&peer);
    run_until(&w, NULL, side.ends == 1);
    assert_int_equal(side.end, STREAM_RESET);
}

static void a_reset_is_told_after_the_end(void **state)
{
    (void)state;
    fill_the_way_to_the_peer();
    shutdown(peer.fd, SHUT_WR);
    run_until(&w, NULL, side.ends == 1);
    assert_int_equal(side.end, STREAM_PEER_CLOSED);
    peer_reset(&peer);
    run_until(&w, NULL, side.ends == 2);
    assert_int_equal(side.end, STREAM_RESET);
    assert_int_equal(stream_unsent(side.stream), 0);
}

static void close_it(struct side *s)
{
    struct stream *stream = s->stream;
    s->stream = NULL;
    stream_close(stream);
}

static void may_be_closed_in_any_hook(void **state)
{
    (void)state;
    side.in_input = close_it;
    peer_say(&peer, "x");
    run_until(&w, &peer, side.stream == NULL);
    run_until(&w, &peer, peer.was_told_end || peer.has_failed);
    assert_int_equal(side.inputs, 1);

    side2.in_end = close_it;
    shutdown(peer2.fd, SHUT_WR);
    run_until(&w, &peer2, side2.stream == NULL);

    struct side third = {.in_open = close_it};
    struct peer peer3;
    accept_side(&w, &(struct stream_accept_config){.tls = w.tls}, &third, &peer3);
    peer_say(&peer3, "x");
    run_until(&w, &peer3, third.stream == NULL);
    assert_int_equal(third.opened, 1);
    assert_int_equal(third.inputs, 0);
    peer_close(&peer3);
}

static void may_be_closed_with_work_put_off(void **state)
{
    (void)state;
    side.keep = SIZE_MAX;
    peer_say(&peer, "abc");
    run_until(&w, &peer, side.inputs == 1);
    stream_pause_input(side.stream);
    stream_resume_input(side.stream); /* on_input is to come */
    close_it(&side);
    world_turns(&w, NULL);
    assert_int_equal(side.inputs, 1);
}

int main(void)
{
#define STREAM_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STREAM_TEST(parts_leave_in_a_row),
        STREAM_TEST(unread_bytes_wait_for_more),
        STREAM_TEST(unread_bytes_of_two_are_not_mixed),
        STREAM_TEST(one_byte_at_a_time),
        STREAM_TEST(the_longest_message_fits),
        STREAM_TEST(input_is_bounded),
        STREAM_TEST(a_pause_holds_input_and_end),
        STREAM_TEST(unread_bytes_come_again_after_a_pause),
        STREAM_TEST(a_stream_may_be_resumed_while_another_is_read),
        STREAM_TEST(a_slow_reader_is_bounded),
        STREAM_TEST(a_message_above_the_limit_is_refused),
        STREAM_TEST(the_end_comes_behind_what_is_unsent),
        STREAM_TEST(the_end_comes_at_once_when_all_is_sent),
        STREAM_TEST(a_peer_that_closed_may_be_written_to),
        STREAM_TEST(a_reset_is_told),
        STREAM_TEST(a_write_may_meet_the_reset_first),
        STREAM_TEST(a_reset_is_told_in_a_pause),
        STREAM_TEST(a_reset_is_told_after_the_end),
        STREAM_TEST(may_be_closed_in_any_hook),
        STREAM_TEST(may_be_closed_with_work_put_off),
    };
    return cmocka_run_group_tests_name("stream", tests, make_files, remove_files);
}
