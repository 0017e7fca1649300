/* SPDX-License-Identifier: Apache-2.0 */
/* Data between clients and peers (RFC 8656, sections 11 and 12): what passes, and in which form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "client.h"
#include "mediaferry/channel_data.h"

static struct world world;
static struct client client;

static int stop(void **state)
{
    (void)state;
    assert_true(world_stop(&world));
    return 0;
}

static void start(struct turn_settings *settings, enum turn_transport transport, const char *line)
{
    world_start(&world, settings);
    client_start(&client, &world, transport, "20.0.0.77:1000");
    assert_int_equal(ask(&client, STUN_ALLOCATE, line), 0);
}

static int start_plain(void **state)
{
    (void)state;
    start(NULL, TURN_UDP, "transport=17 additional=2");
    return 0;
}

static uint64_t counted(const struct counter *counter)
{
    return counter_get(counter);
}

static enum drop_reason from_peer(const char *peer, const char *text)
{
    struct address at = world_address(peer);
    struct turn_relay *relay = world_relay(&world, at.family == ADDRESS_IP6 ? 1 : 0);
    world_forget(&world);
    return world_from_peer(&world, relay, &at, text_bytes(text_from(text)), 0);
}

static enum drop_reason from_client(struct bytes data)
{
    world_forget(&world);
    assert_int_equal(world_from_client(&world, &client.path, data, 0), TURN_DONE);
    return world.drop;
}

/* --- from the client --- */

static void w35_send(void **state)
{
    (void)state;
    assert_int_equal(
        send_indication(&client, "peer=8.8.8.8:7 data=hello"), DROP_TURN_NO_PERMISSION);
    assert_int_equal(world.sent_count, 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1 peer=[2600::1]:1"), 0);

    assert_int_equal(send_indication(&client, "peer=8.8.8.8:7 data=hello"), DROP_NONE);
    const struct sent *sent = world_last(&world);
    assert_int_equal(world.sent_count, 1);
    assert_int_equal(sent->kind, SENT_TO_PEER);
    assert_ptr_equal(sent->relay, world_relay(&world, 0));
    struct address peer = world_address("8.8.8.8:7");
    assert_true(address_equal(&sent->peer, &peer));
    assert_int_equal(sent->len, 5);
    assert_memory_equal(sent->data, "hello", 5);
    assert_false(sent->dont_fragment);

    assert_int_equal(send_indication(&client, "data=v6 peer=[2600::1]:9"), DROP_NONE);
    assert_ptr_equal(world_last(&world)->relay, world_relay(&world, 1));
}

static const struct {
    const char *line;
    enum drop_reason drop;
    size_t len;
} sends[] = {
    {"peer=8.8.8.8:7 data=x", DROP_NONE, 1},
    {"peer=8.8.8.8:7 data=", DROP_NONE, 0},
    {"data=four peer=8.8.8.8:7", DROP_NONE, 4},
    {"peer=8.8.8.8:7", DROP_TURN_MALFORMED, 0},
    {"data=x", DROP_TURN_MALFORMED, 0},
    {"peer=8.8.8.8:0 data=x", DROP_TURN_MALFORMED, 0},
    {"raw=0012:0001 data=x", DROP_TURN_MALFORMED, 0},
    {"peer=8.8.8.8:7 data=x raw=0033:", DROP_TURN_MALFORMED, 0},
    {"peer=8.8.8.8:7 data=x raw=8033:", DROP_NONE, 1},
    {"peer=8.8.8.8:7 peer=9.9.9.9:1 data=x data=yy", DROP_NONE, 1},
    {"peer=9.9.9.9:7 data=x", DROP_TURN_NO_PERMISSION, 0},
    {"peer=8.8.8.8:7 sign data=x", DROP_TURN_MALFORMED, 0},
    {"peer=8.8.8.8:7 data=x sign", DROP_NONE, 1},
};

static void reads_sends(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 0);
    for (size_t i = 0; i < COUNT_OF(sends); i++) {
        enum drop_reason drop = send_indication(&client, sends[i].line);
        if (drop != sends[i].drop)
            print_message("# %s: %s\n", sends[i].line, drop_name(drop));
        assert_int_equal(drop, sends[i].drop);
        assert_int_equal(world.sent_count, drop == DROP_NONE ? 1 : 0);
        if (drop == DROP_NONE)
            assert_int_equal(world_last(&world)->len, sends[i].len);
    }
}

static void w42_dont_fragment(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "peer=8.8.8.8:1 channel=4000"), 0);
    assert_int_equal(send_indication(&client, "peer=8.8.8.8:7 data=x df"), DROP_NONE);
    assert_true(world_last(&world)->dont_fragment);
    assert_int_equal(send_indication(&client, "peer=8.8.8.8:7 data=x"), DROP_NONE);
    assert_false(world_last(&world)->dont_fragment);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_NONE);
    assert_false(world_last(&world)->dont_fragment);
}

static const struct {
    const char *what;
    uint8_t bytes[12];
    size_t len;
    enum drop_reason drop;
    size_t payload;
} channel_data[] = {
    {"all of it", {0x40, 0, 0, 4, 'a', 'b', 'c', 'd'}, 8, DROP_NONE, 4},
    {"no padding", {0x40, 0, 0, 1, 'a'}, 5, DROP_NONE, 1},
    {"padding", {0x40, 0, 0, 1, 'a', 0, 0, 0}, 8, DROP_NONE, 1},
    {"more than padding", {0x40, 0, 0, 1, 'a', 0, 0, 0, 0}, 9, DROP_NONE, 1},
    {"empty", {0x40, 0, 0, 0}, 4, DROP_NONE, 0},
    {"longer than the datagram", {0x40, 0, 0, 5, 'a', 'b', 'c', 'd'}, 8, DROP_TURN_MALFORMED, 0},
    {"much longer", {0x40, 0, 0xff, 0xff, 'a'}, 5, DROP_TURN_MALFORMED, 0},
    {"cut header", {0x40, 0, 0}, 3, DROP_TURN_MALFORMED, 0},
    {"one byte", {0x40}, 1, DROP_TURN_MALFORMED, 0},
    {"not bound", {0x40, 1, 0, 1, 'a'}, 5, DROP_TURN_NO_CHANNEL, 0},
    {"reserved number", {0x50, 0, 0, 1, 'a'}, 5, DROP_TURN_NO_CHANNEL, 0},
    {"reserved number", {0x7f, 0xff, 0, 1, 'a'}, 5, DROP_TURN_NO_CHANNEL, 0},
    {"nothing", {0}, 0, DROP_UNKNOWN_PROTOCOL, 0},
    {"RTP", {0x80, 0, 0, 1}, 4, DROP_UNKNOWN_PROTOCOL, 0},
    {"no STUN", {0, 1, 0, 0}, 4, DROP_TURN_MALFORMED, 0},
    {"DTLS", {22, 254, 253, 0}, 4, DROP_TURN_MALFORMED, 0},
};

static void w38_channel_data(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "peer=8.8.8.8:7 channel=4000"), 0);
    for (size_t i = 0; i < COUNT_OF(channel_data); i++) {
        enum drop_reason drop = from_client(bytes_of(channel_data[i].bytes, channel_data[i].len));
        if (drop != channel_data[i].drop)
            print_message("# %s: %s\n", channel_data[i].what, drop_name(drop));
        assert_int_equal(drop, channel_data[i].drop);
        assert_int_equal(world.sent_count, drop == DROP_NONE ? 1 : 0);
        if (drop == DROP_NONE) {
            assert_int_equal(world_last(&world)->len, channel_data[i].payload);
            assert_memory_equal(world_last(&world)->data, "abcd", channel_data[i].payload);
        }
    }
}

/* --- from the peer --- */

/* The last packet is a Data indication from `peer` with `text`. */
static void assert_data_indication(const char *peer, const char *text)
{
    const struct sent *sent = world_last(&world);
    struct stun_message m;
    struct bytes value;
    struct address from, expected = world_address(peer);

    assert_int_equal(world.sent_count, 1);
    assert_int_equal(sent->kind, SENT_TO_CLIENT);
    assert_int_equal(stun_parse(bytes_of(sent->data, sent->len), &m), STUN_OK);
    assert_int_equal(m.type, stun_type(STUN_DATA, STUN_INDICATION));
    assert_true(stun_find(&m, STUN_XOR_PEER_ADDRESS, &value));
    assert_true(stun_read_xor_address(&m, value, &from));
    assert_true(address_equal(&from, &expected));
    assert_true(stun_find(&m, STUN_DATA_ATTR, &value));
    assert_true(text_is(text_from_bytes(value), text));
    for (const uint8_t *pad = value.data + value.len; pad < sent->data + sent->len; pad++)
        assert_int_equal(*pad, 0);
}

static void w37_data_indications(void **state)
{
    static const char *const texts[] = {"", "a", "ab", "abc", "abcd", "abcde"};
    (void)state;
    assert_int_equal(from_peer("8.8.8.8:7", "x"), DROP_TURN_NO_PERMISSION);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1 peer=[2600::1]:1"), 0);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_int_equal(from_peer("8.8.8.8:7", texts[i]), DROP_NONE);
        assert_data_indication("8.8.8.8:7", texts[i]);
        assert_int_equal(from_peer("[2600::1]:7", texts[i]), DROP_NONE);
        assert_data_indication("[2600::1]:7", texts[i]);
    }
    assert_int_equal(from_peer("8.8.8.9:7", "x"), DROP_TURN_NO_PERMISSION);
}

static void w37_channel_data(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "peer=8.8.8.8:7 channel=4abc"), 0);
    assert_int_equal(from_peer("8.8.8.8:7", "hello"), DROP_NONE);
    assert_int_equal(world.sent_count, 1);
    assert_int_equal(world_last(&world)->len, 9);
    assert_memory_equal(world_last(&world)->data, "\x4a\xbc\x00\x05hello", 9);
    assert_true(address_equal(&world_last(&world)->path.client, &client.path.client));
    assert_int_equal(from_peer("8.8.8.8:7", ""), DROP_NONE);
    assert_memory_equal(world_last(&world)->data, "\x4a\xbc\x00\x00", 4);

    /* Another port of the same peer has a permission, but no channel. */
    assert_int_equal(from_peer("8.8.8.8:8", "hello"), DROP_NONE);
    assert_data_indication("8.8.8.8:8", "hello");
    /* An old channel whose permission lives. */
    world_wait(&world, 290000);
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=3600"), 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 0);
    world_wait(&world, 280000);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 0);
    world_wait(&world, 30000);
    assert_int_equal(from_peer("8.8.8.8:7", "hello"), DROP_NONE);
    assert_data_indication("8.8.8.8:7", "hello");
}

/* The sweep may come a second late, which must not be seen. */
static void w37_a_channel_that_is_just_over(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=3600"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "peer=8.8.8.8:1 channel=4000"), 0);
    world_wait(&world, 500);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "peer=8.8.8.8:7 channel=4001"), 0);
    world_wait(&world, 400000);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 0);
    world_wait(&world, 199999);
    assert_int_equal(from_peer("8.8.8.8:7", "hello"), DROP_NONE);
    assert_memory_equal(world_last(&world)->data, "\x40\x01", 2);
    world_wait(&world, 1);
    assert_int_equal(from_peer("8.8.8.8:7", "hello"), DROP_NONE);
    assert_data_indication("8.8.8.8:7", "hello");
    assert_int_equal(send_channel(&client, 0x4001, "x"), DROP_TURN_NO_CHANNEL);
}

/* The largest payload there is room for, also when it comes with no headroom at all. */
static void makes_room(void **state)
{
    static uint8_t large[PACKET_DATA_MAX];
    struct address v4 = world_address("8.8.8.8:7"), v6 = world_address("[2600::1]:7");
    (void)state;
    memset(large, 'z', sizeof(large));
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1 peer=[2600::1]:1"), 0);
    for (size_t len = PACKET_DATA_MAX - 5; len <= PACKET_DATA_MAX; len++) {
        assert_int_equal(
            world_from_peer(&world, world_relay(&world, 0), &v4, bytes_of(large, len), 0),
            DROP_NONE);
        assert_int_equal(
            world_from_peer(&world, world_relay(&world, 1), &v6, bytes_of(large, len), 0),
            DROP_NONE);
    }
    static const size_t before[] = {
        0, 3, 4, 35, 36, 47, 48, 64, 200, sizeof(((struct packet *)NULL)->buffer) - 5};
    for (size_t i = 0; i < COUNT_OF(before); i++) {
        struct packet *p = malloc(sizeof(*p));
        assert_non_null(p);
        packet_reset(p);
        p->data = p->buffer + before[i];
        p->len = 5;
        memcpy(p->data, "hello", 5);
        p->peer = v6;
        world.in_hand = p;
        world.in_hand_sent = false;
        world_forget(&world);
        turn_from_peer(world.server, world_relay(&world, 1), p, world.now_ms);
        assert_data_indication("[2600::1]:7", "hello");
        free(p);
    }
    /* More than any buffer holds with its header. */
    struct packet *p = malloc(sizeof(*p));
    assert_non_null(p);
    packet_reset(p);
    p->data = p->buffer;
    p->len = sizeof(p->buffer) - 40;
    memset(p->data, 'z', p->len);
    p->peer = v6;
    turn_from_peer(world.server, world_relay(&world, 1), p, world.now_ms);
    assert_int_equal(p->drop, DROP_TRUNCATED);
    free(p);
}

static void w43_class_is_carried_over(void **state)
{
    static const uint8_t message[] = {0x40, 0, 0, 1, 'a'};
    struct address peer = world_address("8.8.8.8:7");
    (void)state;
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "peer=8.8.8.8:7 channel=4000"), 0);
    world_from_client(&world, &client.path, bytes_of(message, sizeof(message)), 46 << 2 | 3);
    assert_int_equal(world_last(&world)->kind, SENT_TO_PEER);
    assert_int_equal(world_last(&world)->tos, 46 << 2 | 3);
    world_from_peer(&world, world_relay(&world, 0), &peer, bytes_of("b", 1), 34 << 2 | 1);
    assert_int_equal(world_last(&world)->kind, SENT_TO_CLIENT);
    assert_int_equal(world_last(&world)->tos, 34 << 2 | 1);
    /* Answers have none. */
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 0);
    assert_int_equal(world_last(&world)->tos, 0);
}

/* --- ICMP --- */

static const struct {
    const char *peer;
    uint8_t type, code;
    uint32_t data;
    enum drop_reason drop;
    const char *value;
} icmps[] = {
    {"8.8.8.8:7", 3, 3, 0, DROP_NONE, "\x00\x00\x06\x03\x00\x00\x00\x00"},
    {"8.8.8.8:7", 3, 4, 1280, DROP_NONE, "\x00\x00\x06\x04\x00\x00\x05\x00"},
    {"8.8.8.8:9", 11, 0, 0, DROP_NONE, "\x00\x00\x16\x00\x00\x00\x00\x00"},
    {"8.8.8.8:7", 5, 0, 0, DROP_TURN_ICMP, NULL},
    {"8.8.8.8:7", 1, 0, 0, DROP_TURN_ICMP, NULL},
    {"9.9.9.9:7", 3, 3, 0, DROP_TURN_NO_PERMISSION, NULL},
    {"[2600::1]:7", 1, 4, 0, DROP_NONE, "\x00\x00\x02\x04\x00\x00\x00\x00"},
    {"[2600::1]:7", 2, 0, 1300, DROP_NONE, "\x00\x00\x04\x00\x00\x00\x05\x14"},
    {"[2600::1]:7", 3, 1, 0, DROP_NONE, "\x00\x00\x06\x01\x00\x00\x00\x00"},
    {"[2600::1]:7", 0, 1, 0, DROP_TURN_ICMP, NULL},
    {"[2600::1]:7", 4, 1, 0, DROP_TURN_ICMP, NULL},
    {"[2600::1]:7", 11, 1, 0, DROP_TURN_ICMP, NULL},
    {"[2600::1]:7", 129, 1, 0, DROP_TURN_ICMP, NULL},
};

static void w41_icmp(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1 peer=[2600::1]:1"), 0);
    for (size_t i = 0; i < COUNT_OF(icmps); i++) {
        struct address peer = world_address(icmps[i].peer), from;
        struct turn_relay *relay = world_relay(&world, peer.family == ADDRESS_IP6 ? 1 : 0);
        struct stun_message m;
        struct bytes value;

        world_forget(&world);
        assert_int_equal(
            world_icmp(&world, relay, &peer, icmps[i].type, icmps[i].code, icmps[i].data),
            icmps[i].drop);
        assert_int_equal(world.sent_count, icmps[i].value == NULL ? 0 : 1);
        if (icmps[i].value == NULL)
            continue;
        const struct sent *sent = world_last(&world);
        assert_int_equal(stun_parse(bytes_of(sent->data, sent->len), &m), STUN_OK);
        assert_int_equal(m.type, stun_type(STUN_DATA, STUN_INDICATION));
        assert_true(stun_find(&m, STUN_XOR_PEER_ADDRESS, &value));
        assert_true(stun_read_xor_address(&m, value, &from));
        assert_true(address_equal(&from, &peer));
        assert_true(stun_find(&m, STUN_ICMP, &value));
        assert_int_equal(value.len, 8);
        assert_memory_equal(value.data, icmps[i].value, 8);
        assert_false(stun_has(&m, STUN_DATA_ATTR));
    }
    assert_int_equal(counted(&turn_server_counters(world.server)->icmp_errors), 6);
}

static void w41_icmp_is_limited(void **state)
{
    struct address peer = world_address("8.8.8.8:7");
    size_t told = 0;
    (void)state;
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 0);
    for (int i = 0; i < 100; i++)
        told += world_icmp(&world, world_relay(&world, 0), &peer, 3, 3, 0) == DROP_NONE;
    assert_int_equal(told, 10);
    world_wait(&world, 1000);
    for (int i = 0; i < 100; i++)
        told += world_icmp(&world, world_relay(&world, 0), &peer, 3, 3, 0) == DROP_NONE;
    assert_int_equal(told, 20);
}

/* --- limits --- */

static size_t pass_to_peer(size_t count, size_t len)
{
    static char text[1500];
    size_t passed = 0;
    memset(text, 'x', sizeof(text));
    text[len] = '\0';
    for (size_t i = 0; i < count; i++)
        passed += send_channel(&client, 0x4000, text) == DROP_NONE;
    return passed;
}

static size_t pass_to_client(size_t count, size_t len)
{
    static uint8_t data[1500];
    struct address peer = world_address("8.8.8.8:7");
    size_t passed = 0;
    for (size_t i = 0; i < count; i++)
        passed += world_from_peer(&world, world_relay(&world, 0), &peer, bytes_of(data, len), 0) ==
                  DROP_NONE;
    return passed;
}

static void limits_packets_each_way(void **state)
{
    struct turn_settings *settings = world_settings();
    (void)state;
    settings->max_packets_per_s = 50;
    start(settings, TURN_UDP, "transport=17");
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "peer=8.8.8.8:7 channel=4000"), 0);
    assert_int_equal(pass_to_peer(200, 10), 50);
    assert_int_equal(world.drop, DROP_TURN_BANDWIDTH);
    assert_int_equal(pass_to_client(200, 10), 50);
    assert_int_equal(world.drop, DROP_TURN_BANDWIDTH);
    world_wait(&world, 100);
    assert_int_equal(pass_to_peer(200, 10), 5);
    assert_int_equal(pass_to_client(200, 10), 5);
    assert_int_equal(counted(&turn_server_counters(world.server)->client_packets), 55);
    assert_int_equal(counted(&turn_server_counters(world.server)->peer_packets), 55);
}

static void limits_bytes_each_way(void **state)
{
    struct turn_settings *settings = world_settings();
    (void)state;
    settings->max_bytes_per_s = 10000;
    start(settings, TURN_UDP, "transport=17");
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "peer=8.8.8.8:7 channel=4000"), 0);
    assert_int_equal(pass_to_peer(200, 1000), 10);
    assert_int_equal(pass_to_client(200, 500), 20);
    world_wait(&world, 1000);
    assert_int_equal(pass_to_peer(200, 1000), 10);
    assert_int_equal(counted(&turn_server_counters(world.server)->client_bytes), 20000);
    assert_int_equal(counted(&turn_server_counters(world.server)->peer_bytes), 10000);
}

static void limits_new_peers(void **state)
{
    struct turn_settings *settings = world_settings();
    char line[64];
    (void)state;
    settings->max_new_peers_per_s = 5;
    start(settings, TURN_UDP, "transport=17");
    size_t reached = 0;
    for (unsigned i = 0; i < 20; i++) {
        snprintf(line, sizeof(line), "peer=8.8.8.%u:1", i);
        assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, line), 0);
    }
    for (unsigned i = 0; i < 40; i++) {
        snprintf(line, sizeof(line), "peer=8.8.8.%u:%u data=x", i % 20, i + 1);
        reached += send_indication(&client, line) == DROP_NONE;
    }
    assert_int_equal(reached, 10); /* five peers, twice */
    assert_int_equal(world.drop, DROP_TURN_NEW_PEERS);
    assert_int_equal(from_peer("8.8.8.15:1", "x"), DROP_TURN_NEW_PEERS);
    world_wait(&world, 1000);
    assert_int_equal(from_peer("8.8.8.15:1", "x"), DROP_NONE);
    assert_int_equal(send_indication(&client, "peer=8.8.8.15:1 data=x"), DROP_NONE);
}

/* --- TCP allocations have no datagrams --- */

static void w44_no_datagrams_on_tcp_allocations(void **state)
{
    (void)state;
    start(NULL, TURN_TCP, "transport=6");
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "peer=8.8.8.8:1 channel=4000"), 403);
    assert_int_equal(send_indication(&client, "peer=8.8.8.8:1 data=x"), DROP_TURN_MALFORMED);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_TURN_NO_CHANNEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(w35_send, start_plain, stop),
        cmocka_unit_test_setup_teardown(reads_sends, start_plain, stop),
        cmocka_unit_test_setup_teardown(w42_dont_fragment, start_plain, stop),
        cmocka_unit_test_setup_teardown(w38_channel_data, start_plain, stop),
        cmocka_unit_test_setup_teardown(w37_data_indications, start_plain, stop),
        cmocka_unit_test_setup_teardown(w37_channel_data, start_plain, stop),
        cmocka_unit_test_setup_teardown(w37_a_channel_that_is_just_over, start_plain, stop),
        cmocka_unit_test_setup_teardown(makes_room, start_plain, stop),
        cmocka_unit_test_setup_teardown(w43_class_is_carried_over, start_plain, stop),
        cmocka_unit_test_setup_teardown(w41_icmp, start_plain, stop),
        cmocka_unit_test_setup_teardown(w41_icmp_is_limited, start_plain, stop),
        cmocka_unit_test_teardown(limits_packets_each_way, stop),
        cmocka_unit_test_teardown(limits_bytes_each_way, stop),
        cmocka_unit_test_teardown(limits_new_peers, stop),
        cmocka_unit_test_teardown(w44_no_datagrams_on_tcp_allocations, stop),
    };
    return cmocka_run_group_tests_name("turn data", tests, NULL, NULL);
}
