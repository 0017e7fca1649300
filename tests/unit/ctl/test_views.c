/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of documents as the daemon makes them, of some it does not make, and of none. */
#include "ctl/views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    if (json == NULL)
        fail_msg("%s: %s", text, error.text);
    return json;
}

static void expect(const struct str *out, const char *part)
{
    if (strstr(str_string(out), part) == NULL)
        fail_msg("no '%s' in\n%s", part, str_string(out));
}

static void a_node_fits_on_a_screen(void **state)
{
    struct str out = {.data = NULL};
    json_t *status = parse(
        "{\"version\":\"1.2\",\"pid\":7,\"uptime\":90061,\"state\":\"holding\",\"draining\":true,"
        "\"packet_io\":\"epoll\",\"srtp_engine\":\"openssl\",\"calls\":{\"now\":812,\"begun\":"
        "15022,"
        "\"refused\":3,\"limit\":1000,\"ended\":{\"deleted\":14001,\"timeout\":0,\"forced\":1}},"
        "\"media\":{\"streams\":1},\"packets\":{\"received_per_second\":81200,"
        "\"received_bits_per_second\":13000000,\"received\":5000000,\"dropped\":9},"
        "\"drops\":[{\"reason\":\"a\",\"text\":\"why a\",\"packets\":4,\"per_second\":2},"
        "{\"reason\":\"b\"},{\"reason\":\"c\"},{\"reason\":\"d\"},{\"reason\":\"e\"},"
        "{\"reason\":\"f\"},{\"reason\":\"g\"}],\"workers\":[{\"worker\":0,\"calls\":812}],"
        "\"ports\":[{\"interface\":\"in\",\"address\":\"192.0.2.1\",\"total\":10000,\"used\":3248,"
        "\"skipped\":2}],\"turn\":{\"on\":true,\"draining\":true,\"allocations\":1}}");
    (void)state;
    view_status(status, &out);
    expect(&out, "mediaferry 1.2, up 1 day 1:01:01, pid 7\nDRAINING ");
    expect(&out, "812 of 1,000 now; 15,022 begun, 3 refused; ended: 14,001 deleted, 1 forced\n");
    expect(&out, "1 stream;");
    expect(&out, "packets by epoll, SRTP by openssl\n");
    expect(&out, "81,200/s (13.0 Mbit/s), 5,000,000 in all\n");
    expect(&out, "a  2/s  4  why a\n");
    expect(&out, "and 2 more reasons");
    expect(&out, "in 192.0.2.1: 3,248 of 10,000 (32 %), 2 times taken by another program\n");
    expect(&out, "1 allocation, ");
    expect(&out, "DRAINING\n");
    size_t lines = 0;
    for (struct text rest = str_text(&out); rest.len > 0; lines++)
        text_cut(&rest, '\n');
    assert_true(lines <= 24);
    json_decref(status);
    str_done(&out);
}

static void calls_are_rows(void **state)
{
    struct str out = {.data = NULL};
    json_t *calls = parse(
        "[{\"call_id\":\"a@b\",\"age\":62,\"worker\":3,\"streams\":2,\"packets\":3100,\"idle\":1,"
        "\"state\":\"up\",\"parties\":[\"x\",\"\"]},"
        "{\"call_id\":\"c\\u001b[2J\",\"idle\":null,\"parties\":[\"1\",\"2\",\"3\",\"4\",\"5\"]},"
        "{\"call_id\":\"d\",\"idle\":75,\"parties\":[\"01234567890123456789X\"]},"
        "{\"call_id\":\"e\",\"idle\":0,\"parties\":[\"0123456789012345678\\u00e9\"]},"
        "7,{}]");
    (void)state;
    view_calls(calls, 9, &out);
    expect(&out, "0:01:02       3        2       3,100          now  up     x -");
    expect(&out, "  a@b\n");
    expect(&out, "never");
    expect(&out, "1 2 3 +2");
    expect(&out, "c?[2J\n");
    expect(&out, "0:01:15 ago");
    expect(&out, "01234567890123456789...");
    expect(&out, "0123456789012345678...");
    expect(&out, "6 of 9 calls\n");
    json_decref(calls);
    str_done(&out);
}

static void a_call_tells_who_sends_where(void **state)
{
    struct str out = {.data = NULL};
    json_t *call = parse(
        "{\"call-id\":\"x\",\"state\":\"up\",\"worker\":1,\"age\":62,\"now\":1000,"
        "\"last signal\":990,\"tags\":{\"a\":{\"tag\":\"a\",\"label\":\"caller\",\"medias\":["
        "{\"type\":\"audio\",\"codec\":\"opus/48000/"
        "2\",\"flags\":[\"initialized\",\"send\",\"recv\","
        "\"DTLS-SRTP\",\"DTLS role active\",\"ICE\",\"trickle ICE\"],\"streams\":["
        "{\"local address\":\"2001:db8::1\",\"local port\":40000,\"endpoint\":{\"address\":"
        "\"192.0.2.9\",\"port\":1},\"advertised endpoint\":{\"address\":\"10.0.0.1\",\"port\":2},"
        "\"crypto suite\":\"AEAD_AES_256_GCM\",\"last packet\":999,\"flags\":[\"confirmed\","
        "\"DTLS fingerprint verified\"],\"stats\":{\"packets\":3100,\"bytes\":533200,\"errors\":2},"
        "\"stats_out\":{\"packets\":3098,\"bytes\":1}},{\"last packet\":940}],"
        "\"ingress SSRCs\":[{\"SSRC\":4294967295,\"packets\":3100,\"lost\":3,\"duplicates\":1,"
        "\"jitter\":4,\"average MOS\":{\"MOS\":43,\"packet loss\":1,\"jitter\":5,"
        "\"round-trip time\":31500},\"lowest MOS\":{\"MOS\":38}}]}]},"
        "\"b\":{\"tag\":\"\",\"medias\":[{\"type\":\"video\",\"flags\":[]},"
        "{\"type\":\"audio\",\"flags\":[\"initialized\",\"SDES\",\"send\"],\"streams\":["
        "{\"endpoint\":{\"address\":\"192.0.2.7\",\"port\":6},\"advertised endpoint\":"
        "{\"address\":\"10.0.0.2\",\"port\":6}}]}]}}}");
    (void)state;
    view_call(call, &out);
    expect(&out, "call-id x\nup, age 0:01:02, worker 1, last command 0:00:10 ago\n");
    expect(&out, "A   tag a, label caller\n");
    expect(&out,
        "audio opus/48000/2, sends and receives\n      DTLS-SRTP (active here), fingerprint "
        "verified, AEAD_AES_256_GCM; ICE trickling, a pair is selected\n");
    expect(&out, "ours [2001:db8::1]:40000, its 192.0.2.9:1 (SDP: 10.0.0.1:2)\n");
    expect(&out, "from it: 3,100 packets, 533.2 kB, 2 dropped, the last now\n");
    expect(&out, "to it:   3,098 packets, 1 B\n");
    expect(&out, "the last 60 seconds ago\n");
    expect(&out,
        "SSRC ffffffff: 3,100 packets, lost 3, doubled 1, jitter 4 ms\n"
        "            heard with MOS 4.3 (lowest 3.8), loss 1 %, jitter 5 ms, round trip 31 ms\n");
    expect(&out, "B   tag (none yet)\n    video (no codec), off\n");
    expect(&out, "only receives\n      SRTP with SDES\n");
    expect(&out, "ours -, its 192.0.2.7:6 (learned; SDP: 10.0.0.2:6)\n");
    expect(&out, "what may be wrong\n  - no answer has come yet\n");
    json_decref(call);
    str_done(&out);
}

static void draining_is_one_line(void **state)
{
    static const struct {
        const char *document, *line;
    } cases[] = {
        {"{\"state\":\"working\",\"draining\":false,\"calls\":1,\"allocations\":0}",
            "working: 1 call, 0 TURN allocations\n"},
        {"{\"state\":\"holding\",\"draining\":true,\"calls\":1200,\"allocations\":1}",
            "draining: 1,200 calls, 1 TURN allocation left\n"},
        {"{\"state\":\"leaving\",\"draining\":true,\"calls\":0,\"allocations\":2,"
         "\"seconds_left\":90}",
            "draining: 0 calls, 2 TURN allocations left, and the process ends in 0:01:30 at the "
            "latest\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str out = {.data = NULL};
        json_t *drain = parse(cases[i].document);
        view_drain(drain, &out);
        assert_string_equal(str_string(&out), cases[i].line);
        json_decref(drain);
        str_done(&out);
    }
}

static void turn_has_its_own(void **state)
{
    struct str out = {.data = NULL};
    json_t *list = parse(
        "{\"allocations\":[{\"id\":\"281474976710657\",\"user\":\"alice\",\"transport\":\"tls\","
        "\"client\":\"192.0.2.1:5\",\"relayed\":[\"192.0.2.2:6\",\"[2001:db8::2]:7\"],\"tcp\":true,"
        "\"mobile\":true,\"age\":62,\"expires_in\":538,\"from_client\":{\"bytes\":1000},"
        "\"from_peers\":{\"bytes\":2}}],\"count\":1,\"total\":5}");
    json_t *credentials = parse("{\"username\":\"1:u\",\"password\":\"p\",\"ttl\":60,\"uris\":["
                                "\"turn:a\",\"turns:b\"]}");
    (void)state;
    view_allocations(list, &out);
    expect(&out, "281474976710657");
    expect(&out, "tls, relays TCP, mobile");
    expect(&out, "192.0.2.2:6 [2001:db8::2]:7");
    expect(&out, "1.0 kB / 2 B");
    expect(&out, "1 of 5 allocations\n");
    str_reset(&out);
    view_credentials(credentials, &out);
    assert_string_equal(str_string(&out), "username  1:u\npassword  p\ngood for  0:01:00\n"
                                          "servers   turn:a\n          turns:b\n");
    json_decref(list);
    json_decref(credentials);
    str_done(&out);
}

/* A daemon of another version, or not even that. */
static void nothing_is_shown_of_what_is_not_there(void **state)
{
    static const char *const documents[] = {"{}", "[]", "{\"tags\":[],\"calls\":7,\"drops\":{}}",
        "{\"tags\":{\"a\":7,\"b\":{\"medias\":[7,{\"streams\":7}]}},\"state\":7}"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(documents); i++) {
        struct str out = {.data = NULL};
        json_t *document = parse(documents[i]);
        view_status(document, &out);
        view_call(document, &out);
        view_calls(document, 0, &out);
        view_drain(document, &out);
        view_turn_drain(document, &out);
        view_ended(document, &out);
        view_allocations(document, &out);
        view_credentials(document, &out);
        assert_true(str_ok(&out) && out.len > 0);
        json_decref(document);
        str_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_fits_on_a_screen),
        cmocka_unit_test(calls_are_rows),
        cmocka_unit_test(a_call_tells_who_sends_where),
        cmocka_unit_test(draining_is_one_line),
        cmocka_unit_test(turn_has_its_own),
        cmocka_unit_test(nothing_is_shown_of_what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
