/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that go on in another process, by way of a record: its client notices nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "client.h"
#include "turn/record.h"

#define PEER "peer=8.8.8.8:80"
#define OTHER "peer=9.9.9.9:90"

static struct world here, there;
static struct client client, away;
static struct turn_saved saved;

static int start(void **state)
{
    (void)state;
    struct turn_settings *other = world_settings();
    memset(other->ticket_key, 5, sizeof(other->ticket_key));
    world_start(&here, NULL);
    world_start(&there, other);
    world_wait(&there, 7777000); /* another clock */
    client_start(&client, &here, TURN_UDP, "20.0.0.77:1000");
    client_start(&away, &here, TURN_UDP, "20.0.0.88:2000");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    turn_saved_done(&saved);
    size_t over = here.over + there.over;
    assert_true(world_stop(&here));
    assert_true(world_stop(&there));
    assert_int_equal(here.over + there.over, over); /* who stops may have saved nothing */
    return 0;
}

/* --- moving --- */

/* As the reader sees what the writer wrote. */
static void through_a_record(void)
{
    struct record_buffer buffer = {.data = NULL};
    char why[FIELDS_WHY_SIZE] = "";
    struct bytes record = turn_record_write(&buffer, &saved);
    assert_true(record.len > 0);
    assert_true(turn_record_is_one(record));
    turn_saved_done(&saved);
    if (turn_record_read(record, &saved, why) != TURN_RECORD_OK)
        fail_msg("%s", why);
    record_buffer_done(&buffer);
}

/* The client speaks to `world` from now on, which has the same addresses. */
static void follow(struct client *c, struct world *world)
{
    c->world = world;
    client_challenge(c);
}

static void move(struct world *from, struct world *to, uint64_t number, uint64_t elapsed_ms)
{
    uint64_t id = from->last_changed;
    assert_true(world_save(from, id, &saved));
    turn_hand_on(from->server, id, TURN_END_SAVED);
    assert_int_equal(turn_allocation_count(from->server), 0);
    assert_int_equal(from->last_end, TURN_END_SAVED);
    assert_int_equal(from->over, 0);
    through_a_record();
    assert_true(world_restore(to, &saved, number, elapsed_ms));
    turn_saved_done(&saved);
}

static void move_there(uint64_t elapsed_ms)
{
    move(&here, &there, 1, elapsed_ms);
    follow(&client, &there);
    follow(&away, &there);
}

static enum drop_reason from_peer(struct world *w, const char *peer)
{
    struct address a = world_address(peer);
    world_forget(w);
    return world_from_peer(w, world_relay(w, 0), &a, bytes_of("x", 1), 0);
}

static void assert_peer_reaches(struct world *w, const struct client *c)
{
    assert_int_equal(from_peer(w, "8.8.8.8:80"), DROP_NONE);
    const struct sent *sent = world_last(w);
    assert_non_null(sent);
    assert_true(address_equal(&sent->path.client, &c->path.client));
}

/* --- what goes on --- */

static void data_flows_on(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    struct address relayed = reply_address(&client, STUN_XOR_RELAYED_ADDRESS);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, PEER), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, OTHER " channel=4000"), 0);
    move_there(1000);

    assert_true(address_equal(&world_relay(&there, 0)->relayed, &relayed));
    assert_int_equal(there.quotas, 1);
    assert_int_equal(send_channel(&client, 0x4000, "by channel"), DROP_NONE);
    assert_int_equal(world_last(&there)->peer.port, 90);
    assert_int_equal(send_indication(&client, PEER " data=x"), DROP_NONE);
    assert_peer_reaches(&there, &client);
    assert_int_equal(from_peer(&there, "9.9.9.9:90"), DROP_NONE);
    assert_int_equal(world_last(&there)->data[0] >> 6, 1); /* ChannelData */
    assert_int_not_equal(from_peer(&there, "7.7.7.7:70"), DROP_NONE);
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=600"), 0);
    assert_int_equal(reply_u32(&client, STUN_LIFETIME), 600);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, OTHER " channel=4000"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, OTHER " channel=4001"), 400);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 437);
}

static void an_allocate_that_comes_again_has_the_same_answer(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17 additional=2"), 0);
    struct address relayed = reply_address(&client, STUN_XOR_RELAYED_ADDRESS);
    move(&here, &there, 1, 1000);
    uint64_t ids = client.ids;
    follow(&client, &there);
    client.ids = ids;
    client.repeat = true;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17 additional=2"), 0);
    struct address again = reply_address(&client, STUN_XOR_RELAYED_ADDRESS);
    assert_true(address_equal(&again, &relayed));
    assert_int_equal(reply_u32(&client, STUN_LIFETIME), 599);
    assert_int_equal(turn_allocation_count(there.server), 1);
}

static void times_go_on(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, PEER), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, OTHER " channel=4000"), 0);
    world_wait(&here, 100000);
    move_there(100000); /* 300 s of the permissions, 600 s of the rest */
    world_wait(&there, 99000);
    assert_int_equal(send_indication(&client, PEER " data=x"), DROP_NONE);
    world_wait(&there, 2000);
    assert_int_equal(send_indication(&client, PEER " data=x"), DROP_TURN_NO_PERMISSION);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, OTHER), 0);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_NONE);
    world_wait(&there, 298000);
    assert_int_equal(turn_allocation_count(there.server), 1);
    world_wait(&there, 2000);
    assert_int_equal(turn_allocation_count(there.server), 0);
    assert_int_equal(there.last_end, TURN_END_EXPIRED);
    assert_int_equal(there.over, 1);
}

static void each_time_goes_on_alone(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17 lifetime=1200"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, OTHER " channel=4000"), 0);
    world_wait(&here, 250000);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, OTHER), 0);
    assert_true(world_save(&here, here.last_changed, &saved));
    assert_int_equal(saved.saved_us - saved.made_us, 250000000);
    turn_saved_done(&saved);
    move_there(250000);
    world_wait(&there, 49000);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, OTHER), 0);
    world_wait(&there, 50000);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_NONE);
    world_wait(&there, 2000);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_TURN_NO_CHANNEL);
}

static void one_without_peers_expires(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    move_there(100000);
    world_wait(&there, 499000);
    assert_int_equal(turn_allocation_count(there.server), 1);
    world_wait(&there, 2000);
    assert_int_equal(turn_allocation_count(there.server), 0);
}

static void known_peers_are_not_new_again(void **state)
{
    (void)state;
    struct turn_settings *slow = world_settings();
    slow->max_new_peers_per_s = 1;
    world_set_settings(&there, slow);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, PEER " " OTHER), 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=7.7.7.7:7 peer=6.6.6.6:6"), 0);
    assert_int_equal(send_indication(&client, PEER " data=x"), DROP_NONE);
    assert_int_equal(send_indication(&client, OTHER " data=x"), DROP_NONE);
    move_there(1000);
    assert_int_equal(send_indication(&client, PEER " data=x"), DROP_NONE);
    assert_int_equal(send_indication(&client, OTHER " data=x"), DROP_NONE);
    assert_int_equal(send_indication(&client, "peer=7.7.7.7:7 data=x"), DROP_NONE);
    assert_int_equal(send_indication(&client, "peer=6.6.6.6:6 data=x"), DROP_TURN_NEW_PEERS);
}

static void a_number_is_bound_once(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, PEER " channel=4000"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, OTHER " channel=4001"), 0);
    assert_true(world_save(&here, here.last_changed, &saved));
    assert_int_equal(saved.channel_count, 2);
    saved.channels[0].number = saved.channels[1].number = 0x4000;
    assert_true(world_restore(&there, &saved, 1, 1000));
    assert_int_equal(counter_get(&turn_server_counters(there.server)->channels), 1);
}

static void there_may_be_too_many(void **state)
{
    enum { MAX = 1000 /* of world.c */ };
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_true(world_save(&here, here.last_changed, &saved));
    for (uint16_t i = 0; i <= MAX; i++) {
        saved.path.client.port = (uint16_t)(2000 + i);
        saved.relays[0].local.port = saved.relays[0].relayed.port = (uint16_t)(51000 + i);
        assert_int_equal(world_restore(&there, &saved, i + 1u, 0), i < MAX);
    }
}

static void what_is_over_does_not_go_on(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_true(world_save(&here, here.last_changed, &saved));
    assert_false(world_restore(&there, &saved, 1, 600000));
    assert_int_equal(turn_allocation_count(there.server), 0);
}

static void one_family_may_be_over(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17 additional=2"), 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, PEER " peer=[2600::1]:1"), 0);
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=3000 family=1"), 0);
    move_there(700000);
    assert_int_equal(there.relay_count, 1);
    assert_int_equal(counter_get(&turn_server_counters(there.server)->permissions), 1);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, PEER), 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=[2600::1]:1"), 443);
}

static void it_counts_on(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, PEER), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(send_indication(&client, PEER " data=abc"), DROP_NONE);
    assert_int_equal(from_peer(&here, "8.8.8.8:80"), DROP_NONE);
    assert_true(world_save(&here, here.last_changed, &saved));
    through_a_record();
    assert_int_equal(saved.client_packets, 3);
    assert_int_equal(saved.client_bytes, 9);
    assert_int_equal(saved.peer_packets, 1);
    assert_int_equal(saved.peer_bytes, 1);
    assert_string_equal(saved.id, here.last_name);
    assert_non_null(strstr(saved.id, "udp 20.0.0.77:1000 "));
}

static void what_the_policy_forbids_is_left_out(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, PEER), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, OTHER " channel=4000"), 0);
    struct turn_settings *strict = world_settings();
    policy_free(strict->policy);
    strict->policy = world_policy(NULL, "9.9.9.9");
    world_set_settings(&there, strict);
    move_there(1000);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_TURN_NO_CHANNEL);
    assert_int_equal(send_indication(&client, PEER " data=x"), DROP_NONE);
}

/* --- a 5-tuple that is taken --- */

static void the_client_may_have_a_new_one(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_true(world_save(&here, here.last_changed, &saved));
    follow(&client, &there);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17 family=2"), 0);
    saved.relays[0].local.port = saved.relays[0].relayed.port = 51000;
    assert_false(world_restore(&there, &saved, 1, 1000));
    assert_int_equal(turn_allocation_count(there.server), 1);
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=0"), 0);
    assert_true(world_restore(&there, &saved, 2, 1000));
}

static void nobody_is_told_437_too_early(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    there.is_early = true;
    follow(&client, &there);
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=600"), ASK_SILENCE);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, PEER), ASK_SILENCE);
    assert_int_equal(there.drop, DROP_TURN_NO_ALLOCATION);
    there.is_early = false;
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=600"), 437);
    client.world = &here;
}

/* --- who is told --- */

static void a_change_is_told_once(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(here.changed, 1);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, PEER), 0);
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=700"), 0);
    assert_int_equal(here.changed, 1);

    static const struct {
        enum stun_method method;
        const char *line;
    } changes[] = {
        {STUN_CREATE_PERMISSION, PEER},
        {STUN_CHANNEL_BIND, OTHER " channel=4000"},
        {STUN_REFRESH, "lifetime=600"},
    };
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        assert_true(world_save(&here, here.last_changed, &saved));
        turn_saved_done(&saved);
        assert_int_equal(send_indication(&client, PEER " data=x"), DROP_NONE);
        assert_int_equal(here.changed, 1 + i);
        assert_int_equal(ask(&client, changes[i].method, changes[i].line), 0);
        assert_int_equal(here.changed, 2 + i);
    }
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=0"), 0);
    assert_int_equal(here.over, 1);
    assert_int_equal(here.last_over, here.last_changed);
    assert_false(world_save(&here, here.last_changed, &saved));
}

static void it_is_told_again_when_nobody_heard(void **state)
{
    (void)state;
    here.is_deaf = true;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, PEER), 0);
    here.is_deaf = false;
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, PEER), 0);
    assert_int_equal(here.changed, 1);
}

static void what_is_restored_is_told(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    move_there(1000);
    assert_int_equal(there.changed, 1);
    assert_int_equal(there.last_changed, turn_restored_id(3, 1));
    assert_string_equal(there.last_name, here.last_name);
    turn_hand_on(there.server, there.last_changed, TURN_END_TAKEN);
    assert_int_equal(there.over, 0);
    assert_int_equal(turn_allocation_count(there.server), 0);
    assert_int_equal(counter_get(&turn_server_counters(there.server)->allocations_killed), 0);
    turn_hand_on(there.server, there.last_changed, TURN_END_TAKEN);
}

static void some_cannot_be_saved(void **state)
{
    struct client tls;
    uint64_t ids[8];
    (void)state;
    client_start(&tls, &here, TURN_TLS, "20.0.0.99:1000");
    assert_int_equal(ask(&tls, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(here.changed, 1);
    assert_int_equal(turn_ids(here.server, ids, COUNT_OF(ids)), 1);
    assert_int_equal(ids[0], here.last_changed);
    assert_false(world_save(&here, ids[0] - 1, &saved));
}

/* --- mobile clients (RFC 8016) --- */

struct ticket_text {
    char line[128]; /* "ticket=..." */
};

static struct ticket_text ticket_in(const struct client *c)
{
    struct ticket_text text = {"ticket="};
    struct bytes value;
    size_t len = strlen(text.line);
    assert_true(stun_find(&c->reply, STUN_MOBILITY_TICKET, &value));
    for (size_t i = 0; i < value.len; i++)
        len += (size_t)snprintf(text.line + len, sizeof(text.line) - len, "%02x", value.data[i]);
    return text;
}

static struct ticket_text allocate_mobile(struct client *c)
{
    assert_int_equal(ask(c, STUN_ALLOCATE, "transport=17 ticket="), 0);
    struct ticket_text ticket = ticket_in(c);
    assert_int_equal(ask(c, STUN_CREATE_PERMISSION, PEER), 0);
    return ticket;
}

static void a_ticket_counts_elsewhere(void **state)
{
    (void)state;
    struct ticket_text first = allocate_mobile(&client);
    move_there(1000);
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 0);
    struct ticket_text second = ticket_in(&away);
    assert_int_equal(send_indication(&away, PEER " data=x"), DROP_NONE);
    assert_peer_reaches(&there, &away);
    assert_int_equal(ask(&client, STUN_REFRESH, first.line), 437);
    assert_int_equal(ask(&client, STUN_REFRESH, second.line), 0);
}

/* There and back: tickets of both count, under the ids that they have by now. */
static void a_ticket_counts_after_two_moves(void **state)
{
    (void)state;
    struct ticket_text first = allocate_mobile(&client);
    move_there(1000);
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 0);
    struct ticket_text second = ticket_in(&away);
    move(&there, &here, 9, 1000); /* `away` was not used yet */
    follow(&client, &here);
    follow(&away, &here);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, PEER), 0);
    assert_peer_reaches(&here, &client);
    assert_int_equal(ask(&away, STUN_CREATE_PERMISSION, PEER), 0);
    assert_int_equal(send_indication(&away, PEER " data=x"), DROP_NONE);
    assert_peer_reaches(&here, &away);
    assert_int_equal(ask(&client, STUN_REFRESH, first.line), 437);
    assert_int_equal(ask(&client, STUN_REFRESH, second.line), 0);
}

/* The answer with the new ticket may have been lost. */
static void the_ticket_before_counts_elsewhere(void **state)
{
    struct client third;
    (void)state;
    struct ticket_text first = allocate_mobile(&client);
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 0);
    move_there(1000);
    client_start(&third, &there, TURN_UDP, "20.0.0.66:3000");
    assert_int_equal(ask(&third, STUN_REFRESH, first.line), 0);
    assert_int_equal(send_indication(&third, PEER " data=x"), DROP_NONE);
    assert_peer_reaches(&there, &third);
}

static void a_ticket_counts_back_where_it_was_made(void **state)
{
    (void)state;
    struct ticket_text first = allocate_mobile(&client);
    move(&here, &there, 1, 1000);
    move(&there, &here, 2, 1000);
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 0);
    turn_kill(here.server, 0, TEXT("alice"), TEXT(""));
    assert_int_equal(ask(&away, STUN_REFRESH, first.line), 437);
}

static void one_over_a_connection_waits_for_its_client(void **state)
{
    struct client tls;
    (void)state;
    client_start(&tls, &here, TURN_TLS, "20.0.0.99:1000");
    struct ticket_text ticket = allocate_mobile(&tls);
    move_there(1000);
    assert_int_equal(there.paths, 0);
    assert_int_equal(here.closed_paths, 1);
    assert_int_equal(from_peer(&there, "8.8.8.8:80"), DROP_TURN_AWAY);
    assert_int_equal(ask(&away, STUN_REFRESH, ticket.line), 0);
    assert_peer_reaches(&there, &away);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(data_flows_on),
        CASE(an_allocate_that_comes_again_has_the_same_answer),
        CASE(times_go_on),
        CASE(each_time_goes_on_alone),
        CASE(one_without_peers_expires),
        CASE(known_peers_are_not_new_again),
        CASE(a_number_is_bound_once),
        CASE(there_may_be_too_many),
        CASE(what_is_over_does_not_go_on),
        CASE(one_family_may_be_over),
        CASE(it_counts_on),
        CASE(what_the_policy_forbids_is_left_out),
        CASE(the_client_may_have_a_new_one),
        CASE(nobody_is_told_437_too_early),
        CASE(a_change_is_told_once),
        CASE(it_is_told_again_when_nobody_heard),
        CASE(what_is_restored_is_told),
        CASE(some_cannot_be_saved),
        CASE(a_ticket_counts_elsewhere),
        CASE(a_ticket_counts_after_two_moves),
        CASE(the_ticket_before_counts_elsewhere),
        CASE(a_ticket_counts_back_where_it_was_made),
        CASE(one_over_a_connection_waits_for_its_client),
    };
    return cmocka_run_group_tests_name("turn resume", tests, NULL, NULL);
}
