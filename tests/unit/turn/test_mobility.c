/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that move (RFC 8016). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "client.h"
#include "turn/ticket.h"

#define PEER "peer=8.8.8.8:80"

struct ticket_text {
    char line[128]; /* "ticket=..." */
};

static struct world world;
static struct client home; /* where the allocation was made */
static struct client away; /* the same client elsewhere */
static struct ticket_text first;

static struct ticket_text ticket_in(const struct client *c)
{
    struct ticket_text text = {"ticket="};
    struct bytes value;
    size_t len = strlen(text.line);

    assert_true(stun_find(&c->reply, STUN_MOBILITY_TICKET, &value));
    assert_in_range(value.len, 16, 48);
    for (size_t i = 0; i < value.len; i++)
        len += (size_t)snprintf(text.line + len, sizeof(text.line) - len, "%02x", value.data[i]);
    return text;
}

static void start_with(struct turn_settings *settings, enum turn_transport transport)
{
    world_start(&world, settings);
    client_start(&home, &world, transport, "20.0.0.77:1000");
    client_start(&away, &world, TURN_UDP, "20.0.0.88:2000");
    assert_int_equal(ask(&home, STUN_ALLOCATE, "transport=17 ticket="), 0);
    first = ticket_in(&home);
    assert_int_equal(ask(&home, STUN_CREATE_PERMISSION, PEER), 0);
}

static int start(void **state)
{
    (void)state;
    start_with(NULL, TURN_UDP);
    return 0;
}

static int start_tcp(void **state)
{
    (void)state;
    start_with(NULL, TURN_TCP);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_true(world_stop(&world));
    return 0;
}

static uint64_t moves(void)
{
    return counter_get(&turn_server_counters(world.server)->mobility_moves);
}

/* Where what the peer sends arrives; NULL: nowhere. */
static const struct address *peer_reaches(void)
{
    struct address peer = world_address("8.8.8.8:80");
    world_forget(&world);
    world_from_peer(&world, world_relay(&world, 0), &peer, bytes_of("x", 1), 0);
    const struct sent *sent = world_last(&world);
    return sent == NULL ? NULL : &sent->path.client;
}

static void assert_peer_reaches(const struct client *c)
{
    const struct address *reached = peer_reaches();
    assert_non_null(reached);
    assert_true(address_equal(reached, &c->path.client));
}

static void moves_with_the_first_data(void **state)
{
    (void)state;
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 0);
    assert_true(away.reply_is_signed);
    assert_int_equal(reply_u32(&away, STUN_LIFETIME), 600);
    struct ticket_text second = ticket_in(&away);
    assert_string_not_equal(second.line, first.line);

    /* Both ways are open; data takes the old one. */
    assert_peer_reaches(&home);
    assert_int_equal(ask(&home, STUN_REFRESH, "lifetime=600"), 0);
    assert_false(reply_has(&home, STUN_MOBILITY_TICKET));
    assert_int_equal(ask(&away, STUN_CREATE_PERMISSION, PEER), 0);
    assert_int_equal(send_indication(&home, PEER " data=x"), DROP_NONE);
    assert_peer_reaches(&home);
    assert_int_equal(moves(), 0);

    assert_int_equal(send_indication(&away, PEER " data=x"), DROP_NONE);
    assert_int_equal(moves(), 1);
    assert_peer_reaches(&away);
    assert_int_not_equal(send_indication(&home, PEER " data=x"), DROP_NONE);
    assert_int_equal(ask(&home, STUN_REFRESH, "lifetime=600"), 437);
    assert_int_equal(world.paths, 1);
    assert_int_equal(turn_allocation_count(world.server), 1);
    assert_int_equal(world.quotas, 1);

    /* The old ticket is used up, the new one works. */
    assert_int_equal(ask(&home, STUN_REFRESH, first.line), 437);
    assert_int_equal(ask(&home, STUN_REFRESH, second.line), 0);
    assert_int_equal(send_indication(&home, PEER " data=x"), DROP_NONE);
    assert_peer_reaches(&home);
    assert_int_equal(moves(), 2);
}

static void moves_with_channel_data_too(void **state)
{
    (void)state;
    assert_int_equal(ask(&home, STUN_CHANNEL_BIND, "channel=4000 " PEER), 0);
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 0);
    assert_int_equal(send_channel(&away, 0x4000, "x"), DROP_NONE);
    assert_peer_reaches(&away);
}

static void refuses_what_it_must(void **state)
{
    (void)state;
    struct client bob;
    char forged[sizeof(first.line)];
    client_start(&bob, &world, TURN_UDP, "20.0.0.99:1");
    bob.user = "bob";
    bob.password = "builder";
    memcpy(forged, first.line, sizeof(forged));
    forged[30] = forged[30] == '0' ? '1' : '0';

    assert_int_equal(ask(&away, STUN_REFRESH, forged), 437);
    assert_int_equal(ask(&away, STUN_REFRESH, "ticket=00"), 437);
    assert_int_equal(ask(&home, STUN_REFRESH, "ticket=00"), 437);
    assert_int_equal(ask(&away, STUN_REFRESH, "ticket="), 437); /* no allocation there */
    assert_int_equal(ask(&home, STUN_REFRESH, "ticket="), 400);
    assert_int_equal(ask(&home, STUN_REFRESH, first.line), 400); /* it has not moved */
    assert_int_equal(ask(&bob, STUN_REFRESH, first.line), 441);
    bob.nonce_len = 0;
    assert_int_equal(ask(&bob, STUN_REFRESH, first.line), 401);
    assert_int_equal(world.paths, 1);
    assert_peer_reaches(&home);

    /* Who has an allocation cannot take over another. */
    assert_int_equal(ask(&away, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 437);
    assert_int_equal(turn_allocation_count(world.server), 2);
}

static void is_off_unless_configured(void **state)
{
    (void)state;
    struct turn_settings *settings = world_settings();
    settings->mobility = false;
    world_set_settings(&world, settings);
    assert_int_equal(ask(&home, STUN_REFRESH, first.line), 405);
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 437);
    assert_int_equal(ask(&away, STUN_ALLOCATE, "transport=17 ticket="), 405);
}

static void only_mobile_allocations_move(void **state)
{
    (void)state;
    struct client fixed;
    client_start(&fixed, &world, TURN_TCP, "20.0.0.66:1");
    assert_int_equal(ask(&fixed, STUN_ALLOCATE, "transport=17"), 0);
    assert_false(reply_has(&fixed, STUN_MOBILITY_TICKET));
    assert_int_equal(ask(&fixed, STUN_REFRESH, "lifetime=600"), 0);
    assert_false(reply_has(&fixed, STUN_MOBILITY_TICKET));
    turn_path_closed(world.server, &fixed.path);
    assert_int_equal(turn_allocation_count(world.server), 1);
}

/* The answer was lost: the same request again, with the ticket that the client has. */
static void a_repeated_refresh_is_answered(void **state)
{
    (void)state;
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 0);
    away.repeat = true;
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 0);
    struct ticket_text second = ticket_in(&away);
    assert_int_equal(world.paths, 2);

    /* Or it moves on with it, as it has no other. */
    struct client third;
    client_start(&third, &world, TURN_UDP, "20.0.0.44:1");
    assert_int_equal(ask(&third, STUN_REFRESH, first.line), 0);
    assert_int_equal(world.paths, 2); /* one path may come, not two */
    assert_int_equal(send_indication(&third, PEER " data=x"), DROP_NONE);
    assert_peer_reaches(&third);
    assert_int_equal(ask(&away, STUN_REFRESH, second.line), 437);
}

static void one_path_may_come(void **state)
{
    (void)state;
    struct client other;
    struct ticket_text ticket = first;
    for (unsigned i = 0; i < 50; i++) {
        char text[32];
        snprintf(text, sizeof(text), "20.0.1.%u:1", i);
        client_start(&other, &world, TURN_UDP, text);
        assert_int_equal(ask(&other, STUN_REFRESH, ticket.line), 0);
        ticket = ticket_in(&other);
        assert_int_equal(world.paths, 2);
        assert_int_equal(world.quotas, 1);
    }
    assert_peer_reaches(&home);
    assert_int_equal(send_indication(&other, PEER " data=x"), DROP_NONE);
    assert_peer_reaches(&other);
    assert_int_equal(world.paths, 1);
}

static void lives_while_the_client_is_away(void **state)
{
    (void)state;
    turn_path_closed(world.server, &home.path);
    assert_int_equal(turn_allocation_count(world.server), 1);
    assert_int_equal(world.quotas, 1);
    assert_int_equal(world.paths, 0);
    assert_null(peer_reaches());
    assert_int_equal(world.drop, DROP_TURN_AWAY);

    /* There is no old way, so data takes the new one at once. */
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 0);
    ticket_in(&away);
    assert_peer_reaches(&away);
    assert_int_equal(moves(), 1);
    away.repeat = true;
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 0);
    assert_int_equal(world.paths, 1);

    /* What is left of its time goes on. */
    turn_path_closed(world.server, &home.path); /* nobody's */
    world_wait(&world, 601 * 1000);
    assert_int_equal(turn_allocation_count(world.server), 0);
}

static void who_does_not_come_back_expires(void **state)
{
    (void)state;
    turn_path_closed(world.server, &home.path);
    world_wait(&world, 599 * 1000);
    assert_int_equal(world.quotas, 1);
    world_wait(&world, 3 * 1000);
    assert_int_equal(world.quotas, 0);
    client_challenge(&away);
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 437);
    assert_int_equal(world.closed_paths, 0);
}

static void the_old_stream_is_closed(void **state)
{
    (void)state;
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 0);
    assert_int_equal(world.closed_paths, 0);
    assert_int_equal(send_indication(&away, PEER " data=x"), DROP_NONE);
    assert_int_equal(world.closed_paths, 1);
    turn_path_closed(world.server, &home.path); /* as the host does then */
    assert_peer_reaches(&away);
}

/* The end of the old connection is as good as data on the new one (RFC 8016, section 3.2.2). */
static void the_old_stream_ends_by_itself(void **state)
{
    (void)state;
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 0);
    turn_path_closed(world.server, &home.path);
    assert_int_equal(moves(), 1);
    assert_peer_reaches(&away);
    assert_int_equal(world.closed_paths, 0);
    assert_int_equal(world.paths, 1);
}

static void the_new_stream_ends_unused(void **state)
{
    (void)state;
    struct client stream;
    client_start(&stream, &world, TURN_TLS, "20.0.0.88:2001");
    assert_int_equal(ask(&stream, STUN_REFRESH, first.line), 0);
    turn_path_closed(world.server, &stream.path);
    assert_int_equal(moves(), 0);
    assert_peer_reaches(&home);
    assert_int_equal(world.paths, 1);
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 0); /* the answer may not have come */
}

static void ends_with_a_path_to_come(void **state)
{
    (void)state;
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 0);
    assert_int_equal(ask(&away, STUN_REFRESH, "lifetime=0"), 0);
    assert_int_equal(turn_allocation_count(world.server), 0);
    assert_int_equal(world.paths, 0);
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 437);
}

static void ends_by_a_ticket(void **state)
{
    (void)state;
    char line[sizeof(first.line) + 16];
    snprintf(line, sizeof(line), "lifetime=0 %s", first.line);
    assert_int_equal(ask(&away, STUN_REFRESH, line), 0);
    assert_int_equal(turn_allocation_count(world.server), 0);
    assert_int_equal(world.paths, 0);
}

static void tcp_allocations_stay_on_streams(void **state)
{
    (void)state;
    struct client stream;
    client_start(&stream, &world, TURN_TCP, "20.0.0.55:1");
    assert_int_equal(ask(&stream, STUN_ALLOCATE, "transport=6 ticket="), 0);
    struct ticket_text ticket = ticket_in(&stream);
    assert_int_equal(ask(&away, STUN_REFRESH, ticket.line), 400);
    turn_path_closed(world.server, &stream.path);
    client_start(&stream, &world, TURN_TCP, "20.0.0.56:1");
    assert_int_equal(ask(&stream, STUN_REFRESH, ticket.line), 0);
}

/* The worker that the ticket names has the allocation. The keys of the world are all zeros. */
static void another_worker_has_it(void **state)
{
    (void)state;
    static const uint8_t key[TICKET_KEY_SIZE];
    const struct ticket foreign = {.allocation = 5ull << 48 | 1};
    struct ticket_text text = {"ticket="};
    uint8_t sealed[TICKET_SIZE];
    size_t len = strlen(text.line);

    assert_true(ticket_seal(key, &foreign, sealed));
    for (size_t i = 0; i < sizeof(sealed); i++)
        len += (size_t)snprintf(text.line + len, sizeof(text.line) - len, "%02x", sealed[i]);

    world.not_final = true;
    assert_int_equal(ask(&away, STUN_REFRESH, text.line), ASK_ANOTHER);
    assert_int_equal(world.elsewhere.worker, 5);
    assert_int_equal(ask(&home, STUN_REFRESH, "lifetime=600"), 0);
    world.not_final = false;
    assert_int_equal(ask(&home, STUN_REFRESH, text.line), 437);
    assert_int_equal(ask(&away, STUN_REFRESH, text.line), 437);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(moves_with_the_first_data, start, stop),
        cmocka_unit_test_setup_teardown(moves_with_channel_data_too, start, stop),
        cmocka_unit_test_setup_teardown(refuses_what_it_must, start, stop),
        cmocka_unit_test_setup_teardown(is_off_unless_configured, start, stop),
        cmocka_unit_test_setup_teardown(only_mobile_allocations_move, start, stop),
        cmocka_unit_test_setup_teardown(a_repeated_refresh_is_answered, start, stop),
        cmocka_unit_test_setup_teardown(one_path_may_come, start, stop),
        cmocka_unit_test_setup_teardown(lives_while_the_client_is_away, start_tcp, stop),
        cmocka_unit_test_setup_teardown(who_does_not_come_back_expires, start_tcp, stop),
        cmocka_unit_test_setup_teardown(the_old_stream_is_closed, start_tcp, stop),
        cmocka_unit_test_setup_teardown(the_old_stream_ends_by_itself, start_tcp, stop),
        cmocka_unit_test_setup_teardown(the_new_stream_ends_unused, start, stop),
        cmocka_unit_test_setup_teardown(ends_with_a_path_to_come, start, stop),
        cmocka_unit_test_setup_teardown(ends_by_a_ticket, start, stop),
        cmocka_unit_test_setup_teardown(tcp_allocations_stay_on_streams, start, stop),
        cmocka_unit_test_setup_teardown(another_worker_has_it, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
