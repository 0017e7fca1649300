/* SPDX-License-Identifier: Apache-2.0 */
/* Two nodes in one process: `a`, which is asked, and `b`, which may have the call. */
#include "ng/locate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "fake_elsewhere.h"
#include "fake_sessions.h"
#include "ng/listener.h"

enum { PATIENCE_MS = 3000 };

struct node {
    struct sessions sessions;
    struct fake_elsewhere elsewhere;
    struct ng_server *server;
    struct ng_listener *listener;
};

static uv_loop_t loop;
static struct node a, b;
static uint64_t skew_us;
static unsigned replies;
static char last_reply[NG_MAX_REPLY + 1];

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000 + skew_us;
}

static int64_t wall_us(void)
{
    return 0;
}

static void node_start(struct node *node, struct text name)
{
    struct address any = address_from_ip(ADDRESS_IP4, "\x7f\x00\x00\x01", 0);
    node->sessions = (struct sessions){.outcome = {.result = {.sdp = TEXT("sdp")}}};
    fake_elsewhere_init(&node->elsewhere, name);
    node->server = ng_server_new(&(struct ng_server_config){.sessions = &node->sessions,
        .now_us = now_us,
        .wall_us = wall_us,
        .elsewhere = &node->elsewhere.asked,
        .loop = &loop});
    assert_non_null(node->server);
    assert_int_equal(ng_listener_open(&loop, &any, 0, node->server, &node->listener), 0);
}

static void node_stop(struct node *node)
{
    ng_server_free(node->server);
    ng_listener_close(node->listener);
}

static int start(void **state)
{
    (void)state;
    skew_us = 0;
    replies = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    node_start(&a, TEXT("node-a"));
    node_start(&b, TEXT("node-b"));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    node_stop(&a);
    node_stop(&b);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static void take_reply(const struct ng_source *source, struct bytes message)
{
    (void)source;
    memcpy(last_reply, message.data, message.len);
    last_reply[message.len] = '\0';
    replies++;
}

static void ask(const char *datagram)
{
    struct ng_source source = {.send = take_reply};
    source.peer.remote = address_from_ip(ADDRESS_IP4, "\x7f\x00\x00\x01", 5000);
    ng_server_receive(a.server, text_bytes(text_from(datagram)), &source);
}

static void wait_for(const unsigned *what, unsigned count)
{
    for (int i = 0; i < PATIENCE_MS && *what < count; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    assert_int_equal(*what, count);
}

static void assert_reply(unsigned count, const char *reply)
{
    wait_for(&replies, count);
    assert_string_equal(last_reply, reply);
}

static void put_call(struct node *node, struct text call_id)
{
    node->sessions.ids[node->sessions.id_count++] = call_id;
}

static struct ng_place at_b(void)
{
    return (struct ng_place){
        .kind = NG_THERE, .node = TEXT("node-b"), .address = *ng_listener_address(b.listener)};
}

static void tell(struct ng_place place)
{
    assert_int_equal(a.elsewhere.count, 1);
    fake_elsewhere_tell(&a.elsewhere, &place);
}

static void tell_kind(enum ng_place_kind kind)
{
    tell((struct ng_place){.kind = kind, .node = TEXT("node-b")});
}

#define COUNTED(node, which) counter_get(&ng_server_counters((node).server)->elsewhere.which)

#define OFFER "d7:command5:offer7:call-id1:c8:from-tag1:f3:sdp3:v=0"
#define ANSWER "d7:command6:answer7:call-id1:c8:from-tag1:f6:to-tag1:t3:sdp3:v=0"
#define DELETE "d7:command6:delete7:call-id1:c5:flagsl4:faste"
#define QUERY "d7:command5:query7:call-id1:c"
#define FROM_B "15:mediaferry-from6:node-b"
#define UNKNOWN "x d6:result5:error12:error-reason15:Unknown call-ide"
#define SILENT "x d6:result5:error12:error-reason27:Node node-b does not answere"

/* --- looking up --- */

static void a_call_that_is_here_is_not_looked_up(void **state)
{
    (void)state;
    put_call(&a, TEXT("c"));
    ask("x " OFFER "e");
    assert_int_equal(replies, 1);
    assert_string_equal(last_reply, "x d3:sdp3:sdp6:result2:oke");
    assert_int_equal(a.elsewhere.finds, 0);
}

/* A new call hardly waits, what belongs to a call does. */
static void how_long_it_is_looked_for(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        uint64_t wait_ms;
    } cases[] = {
        {"1 " OFFER "e", 1},
        {"2 " OFFER "6:to-tag1:te", 250},
        {"3 " OFFER "5:flagsl8:fragmentee", 250},
        {"4 " ANSWER "e", 250},
        {"5 " DELETE "e", 250},
        {"6 " QUERY "e", 250},
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        ask(cases[i].request);
        assert_int_equal(replies, i);
        assert_int_equal(a.elsewhere.count, 1);
        assert_int_equal(a.elsewhere.questions[0].wait_ms, cases[i].wait_ms);
        assert_string_equal(a.elsewhere.questions[0].call_id, "c");
        assert_int_equal(COUNTED(a, held), 1);
        tell_kind(NG_NOWHERE);
        assert_int_equal(replies, i + 1);
    }
    assert_int_equal(a.sessions.exchanges, 4);
    assert_int_equal(a.sessions.deletes, 1);
    assert_int_equal(a.sessions.queries, 1);
    assert_int_equal(COUNTED(a, found_nowhere), COUNT_OF(cases));
    assert_int_equal(COUNTED(a, held), 0);
}

static void nobody_who_can_tell_is_no_reason_to_wait(void **state)
{
    (void)state;
    a.elsewhere.is_away = true;
    ask("x " OFFER "e");
    assert_int_equal(replies, 1);
    assert_int_equal(a.sessions.exchanges, 1);
}

static void what_is_incomplete_is_not_looked_up(void **state)
{
    (void)state;
    ask("x d7:command5:offer7:call-id1:ce");
    ask("y d7:command6:deletee");
    assert_int_equal(replies, 2);
    assert_int_equal(a.elsewhere.finds, 0);
}

static void a_call_that_came_over_is_here(void **state)
{
    (void)state;
    ask("x " ANSWER "e");
    tell_kind(NG_HERE);
    assert_int_equal(a.sessions.exchanges, 1);
    assert_int_equal(COUNTED(a, found_here), 1);
    assert_string_equal(last_reply, "x d3:sdp3:sdp6:result2:oke");
}

/* Copies of the datagram wait for the one reply. */
static void a_copy_is_not_looked_up(void **state)
{
    (void)state;
    ask("x " OFFER "e");
    ask("x " OFFER "e");
    assert_int_equal(a.elsewhere.finds, 1);
    tell_kind(NG_NOWHERE);
    assert_int_equal(replies, 1);
    assert_int_equal(a.sessions.exchanges, 1);
}

/* --- forwarding --- */

static void the_node_that_has_it_answers(void **state)
{
    (void)state;
    put_call(&b, TEXT("c"));
    b.sessions.outcome.result.sdp = TEXT("sdp of b");
    b.sessions.outcome.result.warning = "careful";
    ask("x " OFFER "3:ICE6:removee");
    tell(at_b());
    assert_int_equal(COUNTED(a, forwarding), 1);
    assert_reply(1, "x d3:sdp8:sdp of b7:warning7:careful6:result2:oke");
    assert_int_equal(a.sessions.exchanges, 0);
    assert_int_equal(b.sessions.exchanges, 1);
    assert_int_equal(b.sessions.last.flags.ice, CALL_ICE_REMOVE);
    assert_int_equal(b.elsewhere.finds, 0);
    assert_int_equal(COUNTED(a, forwarded), 1);
    assert_int_equal(COUNTED(a, forward_answered), 1);
    assert_int_equal(COUNTED(a, held), 0);
    assert_int_equal(COUNTED(b, received), 1);
}

static void the_answer_is_in_the_encoding_of_the_question(void **state)
{
    (void)state;
    put_call(&b, TEXT("c"));
    ask("x {\"command\":\"offer\",\"call-id\":\"c\",\"from-tag\":\"f\",\"sdp\":\"v=0\"}");
    tell(at_b());
    assert_reply(1, "x {\"sdp\":\"sdp\",\"result\":\"ok\"}");
}

static void a_node_may_be_reached_over_ip6(void **state)
{
    (void)state;
    struct address any = {.family = ADDRESS_IP6};
    any.ip[15] = 1;
    ng_listener_close(b.listener);
    assert_int_equal(ng_listener_open(&loop, &any, 0, b.server, &b.listener), 0);
    put_call(&b, TEXT("c"));
    ask("x " OFFER "e");
    tell(at_b());
    assert_reply(1, "x d3:sdp3:sdp6:result2:oke");
}

/* Nothing could be sent, so it is as if it had been lost. */
static void what_cannot_be_sent_is_lost(void **state)
{
    (void)state;
    struct ng_place place = at_b();
    place.address.port = 0;
    ask("x " OFFER "e");
    tell(place);
    skew_us += NG_DEADLINE_MS * 1000;
    wait_for(&a.elsewhere.finds, 2);
    tell(place);
    assert_reply(1, SILENT);
}

static void errors_and_limits_are_passed_on(void **state)
{
    (void)state;
    put_call(&b, TEXT("c"));
    b.sessions.outcome.status = SESSION_FAILED;
    b.sessions.outcome.call = CALL_NO_PORTS;
    ask("x " OFFER "e");
    tell(at_b());
    assert_reply(1, "x d6:result5:error12:error-reason16:Ran out of portse");
    b.sessions.outcome.status = SESSION_LIMIT;
    ask("y " OFFER "8:supportsl10:load limitee");
    tell(at_b());
    assert_reply(2, "y d7:message30:Parallel session limit reached6:result10:load limite");
}

static void queries_and_deletes_are_forwarded(void **state)
{
    (void)state;
    put_call(&b, TEXT("c"));
    b.sessions.call = fake_call();
    ask("x " QUERY "e");
    tell(at_b());
    wait_for(&replies, 1);
    assert_non_null(strstr(last_reply, "6:totals"));
    ask("y " DELETE "e");
    tell(at_b());
    assert_reply(2, "y d6:result2:oke");
    assert_int_equal(b.sessions.queries, 1);
    assert_int_equal(b.sessions.deletes, 1);
    assert_int_equal(a.sessions.queries + a.sessions.deletes, 0);
}

static void what_was_forwarded_goes_no_further(void **state)
{
    (void)state;
    static const char *const requests[] = {"x " OFFER FROM_B "e", "x " ANSWER FROM_B "e",
        "x " DELETE FROM_B "e", "x " QUERY FROM_B "e"};
    for (unsigned i = 0; i < COUNT_OF(requests); i++) {
        skew_us += 100000000; /* another cookie would do as well */
        ask(requests[i]);
        assert_int_equal(replies, i + 1);
        assert_string_equal(last_reply, UNKNOWN);
    }
    assert_int_equal(a.elsewhere.finds, 0);
    assert_int_equal(a.sessions.exchanges + a.sessions.deletes + a.sessions.queries, 0);
    assert_int_equal(COUNTED(a, received_unknown), COUNT_OF(requests));
    put_call(&a, TEXT("c"));
    ask("z " OFFER FROM_B "e");
    assert_string_equal(last_reply, "z d3:sdp3:sdp6:result2:oke");
}

static void a_node_without_address_is_named(void **state)
{
    (void)state;
    ask("x " ANSWER "e");
    tell_kind(NG_THERE);
    assert_reply(1, "x d6:result5:error12:error-reason73:Call is on node node-b, which has no "
                    "address for ng (option node-address)e");
}

static void what_does_not_fit_is_not_forwarded(void **state)
{
    (void)state;
    static char request[NG_MAX_REPLY];
    enum { SDP_LEN = NG_MAX_REPLY - 70 };
    int len = snprintf(
        request, sizeof(request), "x d7:command5:offer7:call-id1:c8:from-tag1:f3:sdp%d:", SDP_LEN);
    memset(request + len, 'v', SDP_LEN);
    snprintf(request + len + SDP_LEN, 2, "e");
    ask(request);
    tell(at_b());
    assert_reply(1, "x d6:result5:error12:error-reason33:Command too large to be forwardede");
    assert_int_equal(COUNTED(a, forward_failed), 1);
}

/* A node that replies to whatever it gets, with the same cookie and the owner's document. */
static void reply_blindly(void *owner, struct control_socket *socket,
    const struct control_peer *peer, struct bytes request)
{
    char reply[128];
    int len =
        snprintf(reply, sizeof(reply), "%.12s %s", (const char *)request.data, (const char *)owner);
    assert_int_equal(control_socket_send(socket, peer, bytes_of(reply, (size_t)len)), 0);
}

static struct control_socket *odd_node(char *document, struct ng_place *place)
{
    struct control_socket_config config = {
        .listen = address_from_ip(ADDRESS_IP4, "\x7f\x00\x00\x01", 0),
        .on_request = reply_blindly,
        .owner = document};
    struct control_socket *socket;
    assert_int_equal(control_socket_open(&loop, &config, &socket), 0);
    *place = (struct ng_place){
        .kind = NG_THERE, .node = TEXT("odd"), .address = *control_socket_address(socket)};
    return socket;
}

static void nonsense_is_an_error(void **state)
{
    (void)state;
    static char document[] = "hello";
    struct ng_place place;
    struct control_socket *socket = odd_node(document, &place);
    ask("x " OFFER "e");
    tell(place);
    assert_reply(1, "x d6:result5:error12:error-reason30:Node odd gave an invalid replye");
    assert_int_equal(COUNTED(a, forward_failed), 1);
    control_socket_close(socket);
}

/* What it says beside is not what is said in the end. */
static void nothing_is_left_of_a_reply_in_vain(void **state)
{
    (void)state;
    static char document[] = "d7:warning1:w6:result5:error12:error-reason15:Unknown call-ide";
    struct ng_place place;
    struct control_socket *socket = odd_node(document, &place);
    ask("x " OFFER "e");
    tell(place);
    wait_for(&a.elsewhere.finds, 2);
    tell_kind(NG_NOWHERE);
    assert_reply(1, "x d3:sdp3:sdp6:result2:oke");
    control_socket_close(socket);
}

/* --- a node that does not have it, or is silent --- */

static void forward_in_vain(void)
{
    unsigned finds = a.elsewhere.finds;
    ask("x " OFFER "e");
    tell(at_b());
    wait_for(&a.elsewhere.finds, finds + 2);
    assert_int_equal(replies, 0);
    assert_int_equal(a.elsewhere.questions[0].wait_ms, 250);
}

static void it_is_looked_up_once_more(void **state)
{
    (void)state;
    forward_in_vain();
    assert_int_equal(COUNTED(a, forward_unknown), 1);
    put_call(&b, TEXT("c"));
    struct ng_place place = at_b();
    place.node = TEXT("node-c"); /* it has moved on */
    tell(place);
    assert_reply(1, "x d3:sdp3:sdp6:result2:oke");
    assert_int_equal(b.sessions.exchanges, 1);
}

static void who_says_no_twice_is_believed(void **state)
{
    (void)state;
    forward_in_vain();
    tell(at_b());
    assert_int_equal(a.sessions.exchanges, 1);
    assert_string_equal(last_reply, "x d3:sdp3:sdp6:result2:oke");
    assert_int_equal(a.elsewhere.finds, 2);
}

static void two_nodes_that_say_no_are_enough(void **state)
{
    (void)state;
    forward_in_vain();
    struct ng_place place = at_b();
    place.node = TEXT("node-c");
    tell(place);
    assert_reply(1, "x d3:sdp3:sdp6:result2:oke");
    assert_int_equal(a.sessions.exchanges, 1);
    assert_int_equal(a.elsewhere.finds, 2);
}

static void it_may_have_come_here_meanwhile(void **state)
{
    (void)state;
    forward_in_vain();
    tell_kind(NG_HERE);
    assert_int_equal(a.sessions.exchanges, 1);
}

static void forward_to_nobody(void)
{
    ng_listener_pause(b.listener);
    ask("x " OFFER "e");
    tell(at_b());
    skew_us += NG_DEADLINE_MS * 1000;
    wait_for(&a.elsewhere.finds, 2);
    assert_int_equal(replies, 0);
    assert_int_equal(COUNTED(a, forward_timeouts), 1);
}

static void who_is_silent_is_named(void **state)
{
    (void)state;
    forward_to_nobody();
    tell(at_b());
    assert_reply(1, SILENT);
    assert_int_equal(a.sessions.exchanges, 0);
}

/* The node may still have it: no second call is made. */
static void a_call_of_a_silent_node_is_not_unknown(void **state)
{
    (void)state;
    forward_to_nobody();
    tell_kind(NG_NOWHERE);
    assert_reply(1, SILENT);
    assert_int_equal(a.sessions.exchanges, 0);
}

static void what_a_silent_node_had_may_come_over(void **state)
{
    (void)state;
    forward_to_nobody();
    tell_kind(NG_HERE);
    assert_int_equal(a.sessions.exchanges, 1);
    assert_string_equal(last_reply, "x d3:sdp3:sdp6:result2:oke");
}

/* No need to wait for the deadline. */
static void a_call_that_is_taken_while_its_node_is_asked(void **state)
{
    (void)state;
    ng_listener_pause(b.listener);
    ask("x " OFFER "e");
    tell(at_b());
    ask("y " DELETE "e");
    put_call(&a, TEXT("c"));
    wait_for(&replies, 2);
    assert_int_equal(a.sessions.exchanges, 1);
    assert_int_equal(a.sessions.deletes, 1);
    assert_int_equal(COUNTED(a, forwarding), 0);
    assert_int_equal(COUNTED(a, found_here), 1);
    assert_int_equal(a.elsewhere.finds, 1);
}

static void a_lost_datagram_is_sent_again(void **state)
{
    (void)state;
    ask("x " OFFER "e");
    ng_listener_pause(b.listener);
    tell(at_b());
    unsigned sent_again = 0;
    for (int i = 0; i < PATIENCE_MS && sent_again < 2; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(1000);
        sent_again = (unsigned)COUNTED(a, forward_resent);
    }
    assert_int_equal(sent_again, 2);
    assert_int_equal(replies, 0);
}

/* --- stranded --- */

/* Nobody takes it for as long as an address may be on its way. */
static void strand(const char *node)
{
    struct ng_place place = {.kind = NG_STRANDED, .node = text_from(node)};
    tell(place);
    assert_int_equal(a.elsewhere.count, 0);
    skew_us += NG_STRANDED_MS * 1000;
    wait_for(&a.elsewhere.finds, a.elsewhere.finds + 1);
    tell(place);
}

static void what_is_left_of_a_stranded_call(void **state)
{
    (void)state;
    static const struct {
        const char *request, *reply;
    } cases[] = {
        {"1 " OFFER "e", "1 d3:sdp3:sdp6:result2:oke"},
        {"2 " OFFER "6:to-tag1:te", "2 d3:sdp3:sdp6:result2:oke"},
        {"3 " ANSWER "e", "3 d7:warning40:Node node-b, which had the call, is gone"
                          "6:result5:error12:error-reason15:Unknown call-ide"},
        {"4 " QUERY "e", "4 d7:warning40:Node node-b, which had the call, is gone"
                         "6:result5:error12:error-reason15:Unknown call-ide"},
        {"5 " DELETE "e", "5 d7:warning38:Call-ID not found or tags didn't match6:result2:oke"},
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        if (i == COUNT_OF(cases) - 1)
            a.sessions.outcome =
                (struct session_outcome){.status = SESSION_FAILED, .call = CALL_NO_MATCH};
        assert_int_equal(a.elsewhere.discards, 0);
        ask(cases[i].request);
        strand("node-b");
        assert_reply(i + 1, cases[i].reply);
    }
    assert_int_equal(a.elsewhere.discards, 1);
    assert_string_equal(a.elsewhere.discarded, "c");
    assert_int_equal(a.sessions.exchanges, 2);
    assert_int_equal(COUNTED(a, found_stranded), COUNT_OF(cases));
    assert_int_equal(COUNTED(a, discarded), 1);
}

static void what_was_given_up_is_told(void **state)
{
    (void)state;
    ask("1 " QUERY "e");
    strand("");
    assert_reply(1, "1 d7:warning42:The node that had the call has given it up6:result5:error"
                    "12:error-reason15:Unknown call-ide");
}

/* Its address comes to one of them meanwhile. */
static void a_stranded_call_may_be_taken(void **state)
{
    (void)state;
    put_call(&b, TEXT("c"));
    ask("1 " OFFER "e");
    tell_kind(NG_STRANDED);
    wait_for(&a.elsewhere.finds, 2);
    assert_int_equal(a.elsewhere.questions[0].wait_ms, 250);
    tell_kind(NG_STRANDED);
    wait_for(&a.elsewhere.finds, 3);
    tell(at_b());
    assert_reply(1, "1 d3:sdp3:sdp6:result2:oke");
    assert_int_equal(b.sessions.exchanges, 1);

    ask("2 " DELETE "e");
    tell_kind(NG_STRANDED);
    ask("3 " QUERY "e");
    put_call(&a, TEXT("c"));
    wait_for(&replies, 3);
    assert_int_equal(a.sessions.deletes, 1);
    assert_int_equal(a.sessions.queries, 1);
    assert_int_equal(a.elsewhere.discards, 0);
    assert_int_equal(a.elsewhere.finds, 4);
}

/* A node that did not have it may have got it back. */
static void who_said_no_is_asked_anew_when_it_was_stranded(void **state)
{
    (void)state;
    forward_in_vain();
    tell_kind(NG_STRANDED);
    wait_for(&a.elsewhere.finds, 3);
    put_call(&b, TEXT("c"));
    tell(at_b());
    assert_reply(1, "x d3:sdp3:sdp6:result2:oke");
    assert_int_equal(b.sessions.exchanges, 1);
}

/* --- order --- */

static void commands_of_one_call_keep_their_order(void **state)
{
    (void)state;
    ask("1 " OFFER "e");
    ask("2 " ANSWER "e");
    ask("3 " DELETE "e");
    assert_int_equal(a.elsewhere.finds, 1);
    assert_int_equal(COUNTED(a, held), 3);

    /* another call does not wait */
    put_call(&a, TEXT("d"));
    ask("4 d7:command5:query7:call-id1:de");
    assert_int_equal(replies, 1);

    /* even when the call is here by now */
    put_call(&a, TEXT("c"));
    ask("5 " QUERY "e");
    assert_int_equal(replies, 1);

    tell_kind(NG_HERE);
    assert_int_equal(replies, 5);
    assert_string_equal(last_reply, "5 d6:result5:error12:error-reason2:oke");
    assert_int_equal(a.sessions.exchanges, 2);
    assert_int_equal(a.sessions.deletes, 1);
    assert_int_equal(a.elsewhere.finds, 1);
    assert_int_equal(COUNTED(a, held), 0);
}

static void each_is_forwarded_when_the_one_before_is_answered(void **state)
{
    (void)state;
    put_call(&b, TEXT("c"));
    ask("1 " OFFER "e");
    ask("2 " ANSWER "e");
    tell(at_b());
    assert_reply(1, "1 d3:sdp3:sdp6:result2:oke");
    assert_int_equal(b.sessions.last.verb, CALL_OFFER);
    tell(at_b());
    assert_reply(2, "2 d3:sdp3:sdp6:result2:oke");
    assert_int_equal(b.sessions.last.verb, CALL_ANSWER);
}

/* What waited behind a silent node has no time left for another try. */
static void what_waits_too_long_is_not_forwarded(void **state)
{
    (void)state;
    ng_listener_pause(b.listener);
    ask("x " OFFER "e");
    ask("y " DELETE "e");
    tell(at_b());
    skew_us += NG_DEADLINE_MS * 1000;
    wait_for(&a.elsewhere.finds, 2);
    tell(at_b());
    tell(at_b());
    assert_int_equal(replies, 2);
    assert_string_equal(
        last_reply, "y d6:result5:error12:error-reason27:Node node-b does not answere");
    assert_int_equal(COUNTED(a, forwarded), 1);
}

static void as_many_as_there_is_room_for(void **state)
{
    (void)state;
    char request[128];
    for (unsigned i = 0; i < NG_HELD_MAX; i++) {
        snprintf(request, sizeof(request), "q%u " QUERY "e", i);
        ask(request);
    }
    assert_int_equal(COUNTED(a, held), NG_HELD_MAX);
    ask("x " QUERY "e");
    assert_reply(1, "x d6:result5:error12:error-reason38:Too many commands wait for other nodese");
    ask("y d7:command5:query7:call-id1:ee");
    assert_int_equal(replies, 2);
    ask("z d7:command5:offer7:call-id1:e8:from-tag1:f3:sdp3:v=0e"); /* most likely a new call */
    assert_reply(3, "z d3:sdp3:sdp6:result2:oke");
    assert_int_equal(COUNTED(a, refused), 3);
    assert_int_equal(a.elsewhere.finds, 1);
}

/* --- list --- */

static void lists_what_others_have(void **state)
{
    (void)state;
    put_call(&a, TEXT("1"));
    put_call(&a, TEXT("2"));
    ask("x d7:command4:list5:limiti2ee");
    assert_reply(1, "x d5:callsl1:11:2e6:result2:oke");
    ask("y d7:command4:list5:limiti5ee");
    assert_int_equal(replies, 1);
    assert_int_equal(a.elsewhere.list_limit, 3);
    a.elsewhere.each(a.elsewhere.list_asker, TEXT("3"));
    a.elsewhere.each(a.elsewhere.list_asker, TEXT("4"));
    a.elsewhere.listed(a.elsewhere.list_asker);
    assert_reply(2, "y d5:callsl1:11:21:31:4e6:result2:oke");
    a.elsewhere.is_away = true;
    ask("z d7:command4:liste");
    assert_reply(3, "z d5:callsl1:11:2e6:result2:oke");
}

/* --- the end --- */

static void a_server_may_end_while_it_waits(void **state)
{
    (void)state;
    ask("1 " OFFER "e");
    ask("2 " DELETE "e");
    ng_listener_pause(b.listener);
    tell(at_b());
    ask("3 d7:command5:query7:call-id1:de");
    ask("4 d7:command4:liste");
    ask("5 d7:command5:query7:call-id1:ee");
    a.elsewhere.questions[1].found(
        a.elsewhere.questions[1].asker, &(struct ng_place){.kind = NG_STRANDED});
    a.elsewhere.count = 1;
    assert_int_equal(COUNTED(a, held), 4);
    ng_server_free(a.server);
    a.server = NULL;
    assert_int_equal(a.elsewhere.cancels, 2);
    assert_int_equal(a.elsewhere.count, 0);
    assert_null(a.elsewhere.list_asker);
    assert_int_equal(replies, 0);
}

/* The process ends soon: no command may come out of what is held. */
static void what_is_held_can_be_dropped(void **state)
{
    (void)state;
    ask("1 " OFFER "e");
    ask("2 " DELETE "e");
    ask("3 d7:command5:query7:call-id1:de");
    ng_server_drop_held(a.server);
    assert_int_equal(COUNTED(a, held), 0);
    assert_int_equal(a.elsewhere.cancels, 2);
    assert_int_equal(a.elsewhere.count, 0);
    ng_server_drop_held(a.server);
    assert_int_equal(replies, 0);
    assert_int_equal(a.sessions.exchanges + a.sessions.deletes + a.sessions.queries, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_that_is_here_is_not_looked_up),
        TEST(how_long_it_is_looked_for),
        TEST(nobody_who_can_tell_is_no_reason_to_wait),
        TEST(what_is_incomplete_is_not_looked_up),
        TEST(a_call_that_came_over_is_here),
        TEST(a_copy_is_not_looked_up),
        TEST(the_node_that_has_it_answers),
        TEST(the_answer_is_in_the_encoding_of_the_question),
        TEST(a_node_may_be_reached_over_ip6),
        TEST(what_cannot_be_sent_is_lost),
        TEST(errors_and_limits_are_passed_on),
        TEST(queries_and_deletes_are_forwarded),
        TEST(what_was_forwarded_goes_no_further),
        TEST(a_node_without_address_is_named),
        TEST(what_does_not_fit_is_not_forwarded),
        TEST(nonsense_is_an_error),
        TEST(nothing_is_left_of_a_reply_in_vain),
        TEST(it_is_looked_up_once_more),
        TEST(who_says_no_twice_is_believed),
        TEST(two_nodes_that_say_no_are_enough),
        TEST(it_may_have_come_here_meanwhile),
        TEST(who_is_silent_is_named),
        TEST(a_call_of_a_silent_node_is_not_unknown),
        TEST(what_a_silent_node_had_may_come_over),
        TEST(a_call_that_is_taken_while_its_node_is_asked),
        TEST(a_lost_datagram_is_sent_again),
        TEST(what_is_left_of_a_stranded_call),
        TEST(what_was_given_up_is_told),
        TEST(a_stranded_call_may_be_taken),
        TEST(who_said_no_is_asked_anew_when_it_was_stranded),
        TEST(commands_of_one_call_keep_their_order),
        TEST(each_is_forwarded_when_the_one_before_is_answered),
        TEST(what_waits_too_long_is_not_forwarded),
        TEST(as_many_as_there_is_room_for),
        TEST(lists_what_others_have),
        TEST(a_server_may_end_while_it_waits),
        TEST(what_is_held_can_be_dropped),
    };
    log_set_level(LOG_ERR);
    return cmocka_run_group_tests_name("locate", tests, NULL, NULL);
}
