/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/log.h"
#include "fake_sessions.h"
#include "hex.h"

static uint64_t now_us;
static struct sessions sessions;

static char last_reply[NG_MAX_REPLY + 1];
static size_t last_len;
static unsigned replies;
static uint16_t last_port;

static uint64_t fake_now_us(void)
{
    return now_us;
}

static int64_t fake_wall_us(void)
{
    return 1700000100000000;
}

static void take_reply(const struct ng_source *source, struct bytes message)
{
    memcpy(last_reply, message.data, message.len);
    last_reply[message.len] = '\0';
    last_len = message.len;
    last_port = source->peer.remote.port;
    replies++;
}

static struct ng_server *new_server(void)
{
    sessions = (struct sessions){.outcome = {.result = {.sdp = TEXT("v=0\r\n")}}};
    replies = 0;
    now_us = 1000000000;
    return ng_server_new(&(struct ng_server_config){.sessions = &sessions,
        .now_us = fake_now_us,
        .wall_us = fake_wall_us,
        .port_min = 30000,
        .port_max = 39999});
}

static void receive_from(struct ng_server *server, uint16_t port, const char *datagram)
{
    struct ng_source source = {.send = take_reply};
    source.peer.remote = address_from_ip(ADDRESS_IP4, "\x7f\x00\x00\x01", port);
    struct bytes copy = exact_copy(text_bytes(text_from(datagram)));
    ng_server_receive(server, copy, &source);
    free((void *)copy.data);
}

static const char *ask(struct ng_server *server, const char *datagram)
{
    unsigned before = replies;
    receive_from(server, 5000, datagram);
    return replies == before + 1 ? last_reply : "(no reply)";
}

/* --- one datagram, one reply --- */

#define OFFER "d7:command5:offer7:call-id1:c8:from-tag1:f3:sdp3:v=0"

static const struct {
    const char *request;
    const char *reply;
} cases[] = {
    {"x d7:command4:pinge", "x d6:result4:ponge"},
    {"x {\"command\":\"ping\"}", "x {\"result\":\"pong\"}"},
    {"0_30160_1 " OFFER "e", "0_30160_1 d3:sdp5:v=0\r\n6:result2:oke"},
    {"j {\"command\":\"offer\",\"call-id\":\"c\",\"from-tag\":\"f\",\"sdp\":\"v=0\"}",
        "j {\"sdp\":\"v=0\\u000d\\u000a\",\"result\":\"ok\"}"},
    {"a d7:command6:answer7:call-id1:c8:from-tag1:f6:to-tag1:t3:sdp1:ve",
        "a d3:sdp5:v=0\r\n6:result2:oke"},
    /* what is missing */
    {"x d7:command5:offer7:call-id1:ce",
        "x d6:result5:error12:error-reason22:No SDP body in messagee"},
    {"x d7:command5:offer3:sdp1:ve", "x d6:result5:error12:error-reason21:No call-id in messagee"},
    {"x d7:command5:offer3:sdp1:v7:call-id1:ce",
        "x d6:result5:error12:error-reason22:No from-tag in messagee"},
    {"x d7:command6:answer3:sdp1:v7:call-id1:c8:from-tag1:fe",
        "x d6:result5:error12:error-reason20:No to-tag in messagee"},
    {"x d7:command6:deletee", "x d6:result5:error12:error-reason21:No call-id in messagee"},
    {"x d7:command5:querye", "x d6:result5:error12:error-reason21:No call-id in messagee"},
    {"x de", "x d6:result5:error12:error-reason36:Dictionary contains no key \"command\"e"},
    {"x d7:command14:play media fase", "x d6:result5:error12:error-reason20:Unrecognized commande"},
    /* what is no message */
    {"x ", "x d6:result5:error12:error-reason25:Invalid data (no payload)e"},
    {"x hello", "x d6:result5:error12:error-reason22:Invalid NG data formate"},
    {"x [1]", "x d6:result5:error12:error-reason22:Invalid NG data formate"},
    {"x d3:foo", "x d6:result5:error12:error-reason35:Could not decode bencode dictionarye"},
    {"x {", "x {\"result\":\"error\",\"error-reason\":\"Failed to parse JSON document\"}"},
    {"xd7:command4:pinge", "(no reply)"},
    {" d7:command4:pinge", "(no reply)"},
    {"", "(no reply)"},
};

static void replies_as_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ng_server *server = new_server();
        const char *reply = ask(server, cases[i].request);
        if (strcmp(reply, cases[i].reply) != 0)
            fail_msg("%s\ngives %s", cases[i].request, reply);
        ng_server_free(server);
    }
}

/* --- failures of the layers below --- */

static const struct {
    enum session_status status;
    enum call_status call;
    const char *more; /* of the dictionary */
    const char *reply;
} failures[] = {
    {SESSION_FAILED, CALL_UNKNOWN, "", "x d6:result5:error12:error-reason15:Unknown call-ide"},
    {SESSION_FAILED, CALL_NO_PORTS, "", "x d6:result5:error12:error-reason16:Ran out of portse"},
    {SESSION_FAILED, CALL_SDP_INVALID, "",
        "x d6:result5:error12:error-reason19:Failed to parse SDPe"},
    {SESSION_LIMIT, CALL_OK, "",
        "x d6:result5:error12:error-reason30:Parallel session limit reachede"},
    {SESSION_LIMIT, CALL_OK, "8:supportsl10:load limite",
        "x d7:message30:Parallel session limit reached6:result10:load limite"},
};

static void tells_why_an_offer_failed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        struct ng_server *server = new_server();
        char request[256];
        snprintf(request, sizeof(request), "x " OFFER "%se", failures[i].more);
        sessions.outcome.status = failures[i].status;
        sessions.outcome.call = failures[i].call;
        assert_string_equal(ask(server, request), failures[i].reply);
        ng_server_free(server);
    }
}

static void options_reach_the_session(void **state)
{
    (void)state;
    struct ng_server *server = new_server();
    ask(server, "x d3:ICE6:remove7:call-id2:id8:from-tag1:f3:sdp1:v7:command5:offere");
    assert_int_equal(sessions.exchanges, 1);
    assert_int_equal(sessions.last.verb, CALL_OFFER);
    assert_int_equal(sessions.last.flags.ice, CALL_ICE_REMOVE);
    assert_int_equal(sessions.last.flags.delete_delay, -1);
    ask(server, "y d7:call-id2:id8:from-tag1:f6:to-tag1:t3:sdp1:v7:command6:answere");
    assert_int_equal(sessions.last.verb, CALL_ANSWER);
    sessions.outcome.result.warning = "careful";
    assert_string_equal(
        ask(server, "z " OFFER "e"), "z d3:sdp5:v=0\r\n7:warning7:careful6:result2:oke");
    ng_server_free(server);
}

/* --- delete and query --- */

static void a_delete_without_match_is_a_warning(void **state)
{
    (void)state;
    struct ng_server *server = new_server();
    sessions.outcome = (struct session_outcome){.status = SESSION_FAILED, .call = CALL_NO_MATCH};
    assert_string_equal(ask(server, "x d7:command6:delete7:call-id1:ce"),
        "x d7:warning38:Call-ID not found or tags didn't match6:result2:oke");
    assert_string_equal(ask(server, "y d7:command6:delete7:call-id1:c5:flagsl5:fatalee"),
        "y d6:result5:error12:error-reason38:Call-ID not found or tags didn't matche");
    ng_server_free(server);
}

static void a_delete_tells_statistics_unless_fast(void **state)
{
    (void)state;
    struct ng_server *server = new_server();
    sessions.call = fake_call();
    sessions.snapshot = fake_snapshot(1);
    const char *reply = ask(server, "x d7:command6:delete7:call-id1:c8:from-tag1:ae");
    assert_non_null(strstr(reply, "6:totals"));
    assert_non_null(strstr(reply, "6:result2:ok"));
    assert_int_equal(sessions.last.verb, CALL_DELETE);
    reply = ask(server, "y d7:command6:delete7:call-id1:c5:flagsl4:fastee");
    assert_string_equal(reply, "y d6:result2:oke");
    ng_server_free(server);
}

static void a_query_waits_for_the_worker(void **state)
{
    (void)state;
    struct ng_server *server = new_server();
    sessions.reports_wait = true;
    const char query[] = "q d7:command5:query7:call-id1:ce";
    assert_string_equal(ask(server, query), "(no reply)");

    /* The proxy asks again, from another socket as well: one execution, a reply for each. */
    receive_from(server, 5000, query);
    receive_from(server, 6000, query);
    assert_int_equal(replies, 0);
    assert_int_equal(sessions.queries, 1);

    sessions.outcome.call = CALL_UNKNOWN;
    fake_tell(&sessions);
    assert_int_equal(replies, 2);
    assert_int_equal(last_port, 6000);
    assert_string_equal(last_reply, "q d6:result5:error12:error-reason15:Unknown call-ide");
    ng_server_free(server);
}

static void a_server_may_end_while_a_worker_is_asked(void **state)
{
    (void)state;
    struct ng_server *server = new_server();
    sessions.reports_wait = true;
    ask(server, "q d7:command5:query7:call-id1:ce");
    ng_server_free(server);
    assert_int_equal(replies, 0);
}

/* --- retransmissions --- */

static void a_duplicate_gets_the_stored_reply(void **state)
{
    (void)state;
    struct ng_server *server = new_server();
    ask(server, "same " OFFER "e");
    sessions.outcome.result.sdp = TEXT("other");
    now_us += 4000000;
    assert_string_equal(ask(server, "same " OFFER "e"), "same d3:sdp5:v=0\r\n6:result2:oke");
    receive_from(server, 7777, "same " OFFER "e"); /* wherever it comes from */
    assert_int_equal(last_port, 7777);
    assert_int_equal(sessions.exchanges, 1);
    assert_int_equal(counter_get(&ng_server_counters(server)->duplicates), 2);

    now_us += 61000000;
    assert_string_equal(ask(server, "same " OFFER "e"), "same d3:sdp5:other6:result2:oke");
    assert_int_equal(sessions.exchanges, 2);
    ng_server_free(server);
}

/* --- list and statistics --- */

static void lists_calls(void **state)
{
    (void)state;
    struct ng_server *server = new_server();
    static char ids[40][8];
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        sessions.ids[sessions.id_count++] =
            text_of(ids[i], (size_t)snprintf(ids[i], sizeof(ids[i]), "%02zu", i));

    assert_string_equal(
        ask(server, "1 d7:command4:list5:limiti2ee"), "1 d5:callsl2:002:01e6:result2:oke");
    assert_string_equal(ask(server, "2 d7:command4:list5:limit1:0e"), "2 d5:callsle6:result2:oke");
    assert_non_null(strstr(ask(server, "3 d7:command4:list5:limiti-1ee"), "5:error"));
    ask(server, "4 d7:command4:liste");
    assert_non_null(strstr(last_reply, "2:31e6:result"));
    ng_server_free(server);
}

static void tells_statistics(void **state)
{
    (void)state;
    struct ng_server *server = new_server();
    sessions.totals = (struct sessions_totals){
        .current = 3, .managed = 7, .timed_out = 1, .started_us = 1700000000000000};
    ask(server, "1 d7:command4:pinge");
    ask(server, "2 d7:command7:unknowne");
    const char *reply = ask(server, "3 {\"command\":\"statistics\"}");
    assert_non_null(strstr(reply, "\"sessionsown\":3"));
    assert_non_null(strstr(reply, "\"managedsessions\":7"));
    assert_non_null(strstr(reply, "\"timeoutsessions\":1"));
    assert_non_null(strstr(reply, "\"uptime\":100"));
    assert_non_null(strstr(reply, "\"proxy\":\"127.0.0.1\",\"pingcount\":1"));
    assert_non_null(strstr(reply, "\"errorcount\":1"));
    assert_non_null(strstr(reply, "\"totalpingcount\":1"));
    assert_non_null(strstr(reply, "\"totalstatscount\":0"));
    ng_server_free(server);
}

static void tells_what_was_relayed_and_dropped(void **state)
{
    (void)state;
    struct ng_server *server = new_server();
    sessions.media = (struct sessions_media){.streams = 4,
        .transports = 3,
        .relayed_packets = 1000,
        .relayed_bytes = 172000,
        .dtls_connected = 2,
        .ice_answered = 9};
    sessions.media.drops[DROP_NO_KEYS] = 5;
    sessions.media.drops[DROP_FEEDBACK] = 6;
    const char *reply = ask(server, "1 {\"command\":\"statistics\"}");
    assert_non_null(strstr(reply,
        "\"relayedpackets_user\":1000,\"relayedpacketerrors_user\":11,"
        "\"relayedbytes_user\":172000,\"relayedpackets_kernel\":0,"
        "\"relayedpacketerrors_kernel\":0,\"relayedbytes_kernel\":0,"
        "\"relayedpackets\":1000,\"relayedpacketerrors\":11,\"relayedbytes\":172000"));
    assert_non_null(
        strstr(reply, "\"mediaferry\":{\"streams\":4,\"transports\":3,\"dtls_connected\":2,"
                      "\"dtls_failed\":0,\"ice_answered\":9,\"ice_refused\":0,"
                      "\"stun_answered\":0,\"ng\":{\"duplicates\":0,"));
    assert_non_null(strstr(reply, "\"drops\":{\"truncated\":0,"));
    assert_non_null(strstr(reply, "\"no_keys\":5,\"srtp_auth\":0,"));
    assert_non_null(strstr(reply, "\"feedback\":6"));
    ng_server_free(server);
}

static void tells_of_the_ports_of_each_address(void **state)
{
    (void)state;
    struct ng_server *server = new_server();
    sessions.ports[0] = (struct port_pool_usage){.total = 10000, .used = 25, .skipped = 2};
    const char *reply = ask(server, "1 {\"command\":\"statistics\"}");
    assert_non_null(strstr(reply,
        "\"interfaces\":[{\"name\":\"in\",\"address\":\"10.20.0.10\",\"ports\":{\"min\":30000,"
        "\"max\":39999,\"used\":0,\"free\":0,\"totals\":0,\"skipped\":0,"
        "\"used_pct\":\"0.00\"}},"
        "{\"name\":\"out\",\"address\":\"203.0.113.10\",\"ports\":{\"min\":30000,"
        "\"max\":39999,\"used\":25,\"free\":9975,\"totals\":10000,\"skipped\":2,"
        "\"used_pct\":\"0.25\"}},"
        "{\"name\":\"out\",\"address\":\"10.20.0.10\""));
    ng_server_free(server);
}

/* --- too large --- */

static void a_large_list_is_cut(void **state)
{
    (void)state;
    struct ng_server *server = new_server();
    static char id[100], escaped[100];
    memset(id, 'x', sizeof(id));
    for (size_t i = 0; i < FAKE_MAX_IDS; i++)
        sessions.ids[sessions.id_count++] = text_of(id, sizeof(id));
    ask(server, "1 d7:command4:list5:limiti3000ee");
    assert_non_null(strstr(last_reply, "e7:warning15:List cut to fit6:result2:oke"));
    assert_true(last_len > 50000);

    /* What grows sixfold as JSON is still no reason for no reply. */
    memset(escaped, '\1', sizeof(escaped));
    for (size_t i = 0; i < FAKE_MAX_IDS; i++)
        sessions.ids[i] = text_of(escaped, sizeof(escaped));
    assert_string_equal(ask(server, "2 {\"command\":\"list\",\"limit\":500}"),
        "2 {\"calls\":[],\"result\":\"ok\",\"warning\":\"Reply truncated to fit\"}");
    assert_int_equal(counter_get(&ng_server_counters(server)->truncated), 1);
    ng_server_free(server);
}

static void an_sdp_too_large_is_an_error(void **state)
{
    (void)state;
    struct ng_server *server = new_server();
    static char sdp[NG_MAX_REPLY];
    memset(sdp, 'x', sizeof(sdp));
    sessions.outcome.result.sdp = text_of(sdp, sizeof(sdp) - 40);
    ask(server, "1 " OFFER "e");
    assert_int_equal(last_len, NG_MAX_REPLY - 40 + strlen("1 d3:sdp65467:6:result2:oke"));
    sessions.outcome.result.sdp = text_of(sdp, sizeof(sdp));
    assert_string_equal(
        ask(server, "2 " OFFER "e"), "2 d6:result5:error12:error-reason15:Reply too largee");
    ng_server_free(server);
}

static void counts_what_it_did(void **state)
{
    (void)state;
    struct ng_server *server = new_server();
    const struct ng_counters *counters = ng_server_counters(server);
    ask(server, "1 d7:command4:pinge");
    ask(server, "garbage");
    ask(server, "2 d7:command5:offere");
    assert_int_equal(counter_get(&counters->verbs[NG_VERB_PING].requests), 1);
    assert_int_equal(counter_get(&counters->verbs[NG_VERB_PING].errors), 0);
    assert_int_equal(counter_get(&counters->verbs[NG_VERB_OFFER].errors), 1);
    assert_int_equal(counter_get(&counters->errors), 1);
    assert_int_equal(counter_get(&counters->malformed), 1);
    assert_int_equal(counter_get(&counters->proxy_count), 1);
    ng_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_as_asked),
        cmocka_unit_test(tells_why_an_offer_failed),
        cmocka_unit_test(options_reach_the_session),
        cmocka_unit_test(a_delete_without_match_is_a_warning),
        cmocka_unit_test(a_delete_tells_statistics_unless_fast),
        cmocka_unit_test(a_query_waits_for_the_worker),
        cmocka_unit_test(a_server_may_end_while_a_worker_is_asked),
        cmocka_unit_test(a_duplicate_gets_the_stored_reply),
        cmocka_unit_test(lists_calls),
        cmocka_unit_test(tells_statistics),
        cmocka_unit_test(tells_what_was_relayed_and_dropped),
        cmocka_unit_test(tells_of_the_ports_of_each_address),
        cmocka_unit_test(a_large_list_is_cut),
        cmocka_unit_test(an_sdp_too_large_is_an_error),
        cmocka_unit_test(counts_what_it_did),
    };
    log_set_level(LOG_ERR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
