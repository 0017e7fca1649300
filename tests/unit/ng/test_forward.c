/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/forward.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "ng/server.h"

enum { START_MS = 5000, DEADLINE_MS = START_MS + 3000, SENT_MAX = 32 };

struct bench {
    struct ng_elsewhere_counters counters;
    struct ng_forwarder forwarder;
    struct ng_forward forward;
    struct address to;
    uint64_t now_ms, wake_ms;
    bool is_unwanted;
    unsigned sent, ended;
    uint64_t sent_ms[SENT_MAX];
    char datagram[128];
    bool has_reply;
    char reply[64];
};

static struct bench b;

static void send_datagram(void *owner, const struct address *to, struct bytes datagram)
{
    assert_ptr_equal(owner, &b);
    assert_true(address_equal(to, &b.to));
    assert_true(b.sent < SENT_MAX);
    b.sent_ms[b.sent++] = b.now_ms;
    snprintf(
        b.datagram, sizeof(b.datagram), "%.*s", (int)datagram.len, (const char *)datagram.data);
}

static void wake_at(void *owner, uint64_t due_ms)
{
    assert_ptr_equal(owner, &b);
    b.wake_ms = due_ms;
}

static bool goes_on(struct ng_forward *self)
{
    if (b.is_unwanted)
        ng_forward_cancel(self);
    return !b.is_unwanted;
}

static void ended(struct ng_forward *self, const struct bytes *reply)
{
    assert_ptr_equal(self, &b.forward);
    b.ended++;
    b.has_reply = reply != NULL;
    if (reply != NULL)
        snprintf(b.reply, sizeof(b.reply), "%.*s", (int)reply->len, (const char *)reply->data);
}

static void start(void)
{
    b = (struct bench){.now_ms = START_MS, .forward = {.goes_on = goes_on, .ended = ended}};
    b.to = address_from_ip(ADDRESS_IP4, "\x0a\x00\x00\x02", 2223);
    struct ng_forwarder_config config = {
        .owner = &b, .send = send_datagram, .wake_at = wake_at, .counters = &b.counters};
    ng_forwarder_init(&b.forwarder, &config);
    assert_int_equal(
        ng_forward_start(&b.forwarder, &b.forward, &b.to, bytes_of("de", 2), DEADLINE_MS, b.now_ms),
        0);
}

static void finish(void)
{
    assert_int_equal(counter_get(&b.counters.forwarding), 0);
    ng_forwarder_done(&b.forwarder);
}

/* Sleeps as it is told to, until `until_ms`. */
static void run_until(uint64_t until_ms)
{
    while (b.wake_ms > b.now_ms && b.wake_ms <= until_ms) {
        b.now_ms = b.wake_ms;
        ng_forwarder_run(&b.forwarder, b.now_ms);
    }
    b.now_ms = until_ms;
}

static void receive_from(const struct address *from, struct text cookie, const char *rest)
{
    char datagram[128];
    int len = snprintf(datagram, sizeof(datagram), "%.*s%s", TEXT_ARG(cookie), rest);
    ng_forwarder_receive(&b.forwarder, from, bytes_of(datagram, (size_t)len));
}

static void passes_a_reply_on(void **state)
{
    (void)state;
    start();
    assert_int_equal(b.sent, 1);
    struct text cookie = text_of(b.datagram, NG_FORWARD_COOKIE_LEN);
    assert_string_equal(b.datagram + NG_FORWARD_COOKIE_LEN, " de");
    receive_from(&b.to, cookie, " d6:result2:oke");
    assert_int_equal(b.ended, 1);
    assert_true(b.has_reply);
    assert_string_equal(b.reply, "d6:result2:oke");
    receive_from(&b.to, cookie, " again");
    run_until(DEADLINE_MS);
    assert_int_equal(b.ended, 1);
    assert_int_equal(b.sent, 1);
    finish();
}

static void asks_again_until_the_deadline(void **state)
{
    (void)state;
    static const uint64_t at_ms[] = {0, 50, 150, 350, 750, 1150, 1550, 1950, 2350, 2750};
    start();
    char first[sizeof(b.datagram)];
    memcpy(first, b.datagram, sizeof(first));
    run_until(DEADLINE_MS - 1);
    assert_int_equal(b.ended, 0);
    assert_int_equal(b.sent, COUNT_OF(at_ms));
    for (size_t i = 0; i < COUNT_OF(at_ms); i++)
        assert_int_equal(b.sent_ms[i], START_MS + at_ms[i]);
    assert_string_equal(b.datagram, first);
    assert_int_equal(counter_get(&b.counters.forward_resent), COUNT_OF(at_ms) - 1);
    run_until(DEADLINE_MS);
    assert_int_equal(b.ended, 1);
    assert_false(b.has_reply);
    finish();
}

/* What somebody else sends is nothing. */
static void a_reply_is_from_the_node_asked(void **state)
{
    (void)state;
    start();
    struct address other_port = b.to, other_ip = b.to;
    char wrong[NG_FORWARD_COOKIE_LEN + 1] = "000000000000";
    struct text cookie = text_of(b.datagram, NG_FORWARD_COOKIE_LEN);
    other_port.port++;
    other_ip.ip[3]++;
    receive_from(&other_port, cookie, " de");
    receive_from(&other_ip, cookie, " de");
    receive_from(&b.to, text_from(wrong), " de");
    receive_from(&b.to, cookie, "");
    receive_from(&b.to, cookie, "x de");
    receive_from(&b.to, text_of(cookie.data, cookie.len - 1), " de");
    receive_from(&b.to, TEXT(""), "");
    assert_int_equal(b.ended, 0);
    receive_from(&b.to, cookie, " ");
    assert_int_equal(b.ended, 1);
    assert_string_equal(b.reply, "");
    finish();
}

static void stops_when_it_is_not_wanted(void **state)
{
    (void)state;
    start();
    b.is_unwanted = true;
    run_until(DEADLINE_MS);
    assert_int_equal(b.sent, 1);
    assert_int_equal(b.ended, 0);
    ng_forward_cancel(&b.forward);
    finish();
}

static void cookies_differ(void **state)
{
    (void)state;
    start();
    char first[NG_FORWARD_COOKIE_LEN];
    memcpy(first, b.datagram, sizeof(first));
    ng_forward_cancel(&b.forward);
    assert_int_equal(
        ng_forward_start(&b.forwarder, &b.forward, &b.to, bytes_of("de", 2), DEADLINE_MS, b.now_ms),
        0);
    assert_memory_not_equal(first, b.datagram, sizeof(first));
    ng_forward_cancel(&b.forward);
    finish();
}

static void is_bounded(void **state)
{
    (void)state;
    static struct ng_forward many[NG_FORWARDS_MAX];
    static uint8_t large[NG_MAX_REPLY];
    start();
    ng_forward_cancel(&b.forward);
    assert_int_equal(
        ng_forward_start(&b.forwarder, &b.forward, &b.to,
            bytes_of(large, sizeof(large) - NG_FORWARD_COOKIE_LEN), DEADLINE_MS, b.now_ms),
        -EMSGSIZE);
    for (size_t i = 0; i < NG_FORWARDS_MAX; i++) {
        b.sent = 0;
        assert_int_equal(ng_forward_start(&b.forwarder, &many[i], &b.to, bytes_of("de", 2),
                             DEADLINE_MS, b.now_ms),
            0);
    }
    assert_int_equal(counter_get(&b.counters.forwarding), NG_FORWARDS_MAX);
    assert_int_equal(
        ng_forward_start(&b.forwarder, &b.forward, &b.to, bytes_of("de", 2), DEADLINE_MS, b.now_ms),
        -EBUSY);
    for (size_t i = 0; i < NG_FORWARDS_MAX; i++)
        ng_forward_cancel(&many[i]);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_a_reply_on),
        cmocka_unit_test(asks_again_until_the_deadline),
        cmocka_unit_test(a_reply_is_from_the_node_asked),
        cmocka_unit_test(stops_when_it_is_not_wanted),
        cmocka_unit_test(cookies_differ),
        cmocka_unit_test(is_bounded),
    };
    return cmocka_run_group_tests_name("forward", tests, NULL, NULL);
}
