/* SPDX-License-Identifier: Apache-2.0 */
/* Two phones that talk to each other without a relay, and somebody who interferes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>

#include "listen.h"
#include "net/sockaddr.h"
#include "srtp.h"
#include "stamp.h"
#include "talk.h"

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
#define KEY_B "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0e"

enum { START = 1000000000, PER_S = 1000, PACKETS = 40, PAYLOAD = 160, EVER = 1000000 };

static const struct flow_kind *const kinds[] = {&flow_plain, &flow_sdes, NULL};

struct pair {
    struct flow_set flows;
    struct journal journal;
    struct tally tally;
    struct talk talk;
    struct listener listener;
};

static uint16_t free_port(void)
{
    struct address local;
    assert_true(address_parse(TEXT("127.0.0.1"), &local));
    int fd = udp_bind(&local);
    assert_true(fd >= 0);
    assert_int_equal(address_of_socket(fd, &local), 0);
    close(fd);
    return local.port;
}

static void add_flow(struct pair *p, unsigned own, unsigned other, const char *kind)
{
    char words[256];
    snprintf(words, sizeof(words), "x 127.0.0.1 %u 127.0.0.1 %u %s", own, other, kind);
    assert_null(flow_set_add(&p->flows, text_from(words), kinds));
    assert_int_equal(flow_open(p->flows.list[p->flows.count - 1], START), 0);
}

static struct pair *pair_new(const char *kind_a, const char *kind_b)
{
    struct pair *p = aligned_alloc(_Alignof(struct pair), sizeof(*p));
    assert_non_null(p);
    memset(p, 0, sizeof(*p));
    unsigned a = free_port(), b = free_port();
    add_flow(p, a, b, kind_a);
    add_flow(p, b, a, kind_b);
    assert_true(journal_init(&p->journal, 2, 64));
    p->talk.senders = p->flows.list;
    p->talk.sender_count = 2;
    p->talk.packet_len = RTP_HEADER_SIZE + PAYLOAD;
    p->talk.pace.per_s = PER_S;
    p->talk.journal = p->listener.journal = &p->journal;
    p->talk.tally = p->listener.tally = &p->tally;
    p->listener.flows = &p->flows;
    p->listener.inbox = udp_inbox_new();
    assert_non_null(p->listener.inbox);
    listener_begin(&p->listener, PER_S, START);
    talk_begin(&p->talk, START);
    return p;
}

static void pair_free(struct pair *p)
{
    journal_done(&p->journal);
    free(p->listener.inbox);
    flow_set_done(&p->flows);
    free(p);
}

/* Loopback delivers at once. */
static void talk_for_a_while(struct pair *p)
{
    uint64_t ms = 1000000;
    for (uint64_t now_ns = START; p->talk.sent < PACKETS; now_ns += ms) {
        talk_turn(&p->talk, now_ns, PACKETS);
        listener_look_at_all(&p->listener, now_ns);
    }
}

static void everything_comes(const char *kind_a, const char *kind_b)
{
    struct pair *p = pair_new(kind_a, kind_b);
    talk_for_a_while(p);
    assert_int_equal(p->tally.sent, PACKETS);
    assert_int_equal(p->tally.received, PACKETS);
    assert_int_equal(p->tally.delay_ns.count, PACKETS);
    assert_int_equal(p->tally.late_ns.count, PACKETS);
    assert_int_equal(p->tally.duplicates + p->tally.wrong + p->tally.foreign, 0);
    assert_int_equal(p->tally.auth_failed + p->tally.send_errors, 0);
    assert_int_equal(p->flows.list[0]->next, PACKETS / 2);
    assert_int_equal(p->flows.list[0]->heard, 1);
    assert_true(histogram_at(&p->tally.delay_ns, 500) > 0);
    pair_free(p);
}

static void plain_packets_come(void **state)
{
    (void)state;
    everything_comes("plain", "plain");
}

static void secure_packets_come(void **state)
{
    (void)state;
    everything_comes("sdes AES_CM_128_HMAC_SHA1_80 " KEY_A " " KEY_B,
        "sdes AES_CM_128_HMAC_SHA1_80 " KEY_B " " KEY_A);
}

static void wrong_keys_are_noticed(void **state)
{
    (void)state;
    struct pair *p = pair_new("sdes AES_CM_128_HMAC_SHA1_80 " KEY_A " " KEY_A,
        "sdes AES_CM_128_HMAC_SHA1_80 " KEY_B " " KEY_B);
    talk_for_a_while(p);
    assert_int_equal(p->tally.received, 0);
    assert_int_equal(p->tally.auth_failed, PACKETS);
    pair_free(p);
}

/* Sends what flow `from` might have sent, with the words of `stamp`. */
static void forge(struct pair *p, size_t from, struct stamp stamp)
{
    uint8_t packet[STAMP_PACKET_MIN];
    stamp_write(packet, &stamp, 0, 1);
    assert_true(udp_send(p->flows.list[from]->fd, bytes_of(packet, sizeof(packet))));
    listener_look_at_all(&p->listener, START);
}

static void the_rest_is_told_apart(void **state)
{
    (void)state;
    struct pair *p = pair_new("plain", "plain");
    talk_for_a_while(p);

    forge(p, 0, (struct stamp){.flow = 0, .number = 3});
    assert_int_equal(p->tally.duplicates, 1);
    forge(p, 0, (struct stamp){.flow = 1, .number = 3});
    assert_int_equal(p->tally.wrong, 1);
    forge(p, 0, (struct stamp){.flow = 2, .number = 3});
    assert_int_equal(p->tally.foreign, 1);
    forge(p, 0, (struct stamp){.flow = 0, .number = PACKETS});
    p->flows.list[0]->first = 10;
    forge(p, 0, (struct stamp){.flow = 0, .number = 9});
    assert_int_equal(p->tally.received, PACKETS);
    assert_int_equal(p->tally.duplicates, 1);
    pair_free(p);
}

static void a_silence_is_measured(void **state)
{
    (void)state;
    enum { SILENCE_MS = 30 };
    struct pair *p = pair_new("plain", "plain");
    talk_for_a_while(p);
    const struct flow *hears = p->flows.list[1];
    assert_true(hears->heard_ns > 0);
    p->flows.list[1]->gap_ns = 0;

    usleep(SILENCE_MS * 1000);
    forge(p, 0, (struct stamp){.flow = 0, .number = 3});
    assert_int_equal(hears->gap_ns, 0);
    talk_turn(&p->talk, START + EVER, PACKETS + 2);
    listener_look_at_all(&p->listener, START + EVER);
    assert_true(hears->gap_ns >= SILENCE_MS * 1000000);
    uint64_t gap_ns = hears->gap_ns, heard_ns = hears->heard_ns;
    talk_turn(&p->talk, START + EVER, PACKETS + 4);
    listener_look_at_all(&p->listener, START + EVER);
    assert_true(hears->heard_ns >= heard_ns);
    assert_int_equal(hears->gap_ns, gap_ns);
    pair_free(p);
}

static void reports_come_on_their_own_port(void **state)
{
    (void)state;
    struct pair *p = pair_new("plain", "plain");
    if (flow_open_rtcp(p->flows.list[0]) < 0 || flow_open_rtcp(p->flows.list[1]) < 0)
        skip(); /* somebody else has the port */
    p->talk.has_rtcp = true;
    for (uint64_t s = 0; s < 3; s++)
        talk_turn(&p->talk, START + s * 1000000000, 0);
    listener_look_at_all(&p->listener, START);
    assert_int_equal(p->tally.rtcp_sent, 3);
    assert_int_equal(p->tally.rtcp_received, 3);
    assert_int_equal(p->tally.foreign, 0);
    pair_free(p);
}

/* Every socket once a round, and each when it was said. */
static void sockets_take_turns(void **state)
{
    (void)state;
    struct pair *p = pair_new("plain", "plain");
    struct listener *l = &p->listener;
    for (unsigned i = 0; i < 100; i++) {
        uint64_t due_ns = listener_due_ns(l);
        listener_turn(l, due_ns - 1);
        assert_int_equal(l->looked, i);
        listener_turn(l, due_ns);
        assert_int_equal(l->looked, i + 1);
    }
    assert_true(listener_due_ns(l) - START <= 51 * l->round_ns);
    listener_turn(l, START + EVER * l->round_ns);
    assert_int_equal(l->looked, EVER * UINT64_C(2));
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_packets_come),
        cmocka_unit_test(secure_packets_come),
        cmocka_unit_test(wrong_keys_are_noticed),
        cmocka_unit_test(the_rest_is_told_apart),
        cmocka_unit_test(a_silence_is_measured),
        cmocka_unit_test(reports_come_on_their_own_port),
        cmocka_unit_test(sockets_take_turns),
    };
    if (!rtpsec_init())
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rtpsec_done();
    return failed;
}
