/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "fake_sessions.h"
#include "ng/encode.h"
#include "ng/json.h"

static char out[65536];

static const char *report_ssrcs(
    const struct relay_snapshot *snapshot, const char *tag, enum ng_ssrc_reporting reporting)
{
    struct ng_arena arena;
    ng_arena_init(&arena, 1 << 20);
    struct ng_value *dict = ng_dict(&arena);
    struct session_report told = {.call = fake_call(), .snapshot = snapshot};
    struct writer w = writer_over(out, sizeof(out) - 1);
    ng_report(&arena, dict, &told, text_from(tag), reporting);
    assert_true(ng_arena_ok(&arena));
    json_write(&w, dict);
    assert_true(writer_ok(&w));
    out[w.len] = '\0';
    ng_arena_done(&arena);
    return out;
}

static const char *report(const struct relay_snapshot *snapshot, const char *tag)
{
    return report_ssrcs(snapshot, tag, NG_SSRC_FULL);
}

#define NO_COUNTS "{\"packets\":0,\"bytes\":0,\"errors\":0}"

/* All of it, in the order in which it is written. */
static void tells_of_a_party(void **state)
{
    (void)state;
    static const char expected[] =
        "\"a\":{\"tag\":\"a\",\"via-branch\":\"z9\",\"label\":\"caller\",\"created\":1700000000,"
        "\"subscriptions\":[{\"tag\":\"b\",\"type\":\"offer/answer\"}],"
        "\"subscribers\":[{\"tag\":\"b\",\"type\":\"offer/answer\"}],"
        "\"medias\":[{\"index\":1,\"type\":\"audio\",\"protocol\":\"UDP/TLS/RTP/SAVPF\","
        "\"codec\":\"PCMU/8000\",\"streams\":[{\"local port\":30000,"
        "\"local address\":\"203.0.113.10\",\"family\":\"IPv4\","
        "\"endpoint\":{\"family\":\"IPv4\",\"address\":\"198.51.100.1\",\"port\":999},"
        "\"advertised endpoint\":{\"family\":\"IPv4\",\"address\":\"198.51.100.20\","
        "\"port\":45744},\"last packet\":1700000002,\"last kernel packet\":0,"
        "\"last user packet\":1700000002,"
        "\"flags\":[\"RTP\",\"RTCP\",\"filled\",\"confirmed\",\"DTLS fingerprint verified\"],"
        "\"stats\":{\"packets\":100,\"bytes\":16000,\"errors\":1},"
        "\"stats_out\":{\"packets\":90,\"bytes\":15000,\"errors\":0}},{";
    const char *told = report(fake_snapshot(0), "");
    if (strstr(told, expected) == NULL)
        fail_msg("%s", told);
    assert_non_null(
        strstr(told, "\"flags\":[\"initialized\",\"send\",\"recv\",\"rtcp-mux\",\"DTLS-SRTP\","
                     "\"DTLS role passive\",\"ICE\",\"ICE-lite self\",\"RTCP feedback\"],"
                     "\"ingress SSRCs\":[],\"egress SSRCs\":[]}],\"VSC\":[]}"));
}

/* A browser that is gone: why nothing is sent to it any more. */
static void tells_of_lost_consent(void **state)
{
    (void)state;
    static const char expected[] = "\"filled\",\"consent expired\",\"DTLS fingerprint verified\"]";
    assert_null(strstr(report(fake_snapshot(0), ""), "consent"));
    const struct relay_snapshot *snapshot = fake_snapshot(0);
    snapshot->transports[0].confirmed = false;
    snapshot->transports[0].consent_expired = true;
    assert_non_null(strstr(report(snapshot, ""), expected));
}

/* How far DTLS has got, and whether it never will. */
static void tells_of_the_handshake(void **state)
{
    (void)state;
    static const struct {
        enum relay_dtls_state dtls;
        const char *flag; /* NULL: none */
    } cases[] = {
        {RELAY_DTLS_NONE, NULL},
        {RELAY_DTLS_NEW, NULL},
        {RELAY_DTLS_HANDSHAKING, "\"DTLS handshaking\"]"},
        {RELAY_DTLS_UNVERIFIED, "\"DTLS unverified\"]"},
        {RELAY_DTLS_CONNECTED, "\"DTLS fingerprint verified\"]"},
        {RELAY_DTLS_FAILED, "\"DTLS failed\"]"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct relay_snapshot *snapshot = fake_snapshot(0);
        snapshot->transports[0].dtls = cases[i].dtls;
        const char *told = report(snapshot, "");
        if (cases[i].flag != NULL)
            assert_non_null(strstr(told, cases[i].flag));
        else
            assert_non_null(strstr(told, "\"confirmed\"]"));
    }
}

/* What was seen here of what a party sends: of that alone. */
static void tells_how_packets_arrive(void **state)
{
    (void)state;
    const struct relay_snapshot *snapshot = fake_snapshot(1);
    struct relay_ssrc *in = snapshot->streams[0].ssrc_in;
    in->lost = -2;
    in->duplicates = 7;
    in->jitter = 161;
    snapshot->streams[0].ssrc_out[0].lost = 99;
    const char *told = report(snapshot, "");
    assert_non_null(strstr(told, "\"lost\":-2,\"duplicates\":7,\"jitter\":20}],\"egress SSRCs\""));
    assert_null(strstr(told, "\"lost\":99"));
}

static void tells_of_the_call(void **state)
{
    (void)state;
    const char *told = report(fake_snapshot(0), "");
    assert_ptr_equal(strstr(told, "{\"created\":1700000000,\"created_us\":7,"
                                  "\"created_ts\":1700000000000007,\"last signal\":1700000003,"
                                  "\"last redis update\":0,\"SSRC\":{},\"tags\":{\"a\":"),
        told);
    assert_non_null(
        strstr(told, "\"totals\":{\"RTP\":{\"packets\":200,\"bytes\":32000,\"errors\":2},"
                     "\"RTCP\":{\"packets\":4,\"bytes\":240,\"errors\":0}}}"));
}

static void tells_quality(void **state)
{
    (void)state;
    const char *told = report(fake_snapshot(2), "");
    assert_non_null(strstr(told,
        "\"SSRC\":{\"4000000000\":{\"bytes\":16000,\"packets\":100,\"last RTP timestamp\":320,"
        "\"last RTP seq\":65540,\"cumulative loss\":3,"
        "\"average MOS\":{\"MOS\":43,\"round-trip time\":20000,\"round-trip time leg\":9000,"
        "\"jitter\":5,\"packet loss\":1,\"samples\":7},"
        "\"lowest MOS\":{\"MOS\":40,\"round-trip time\":0,\"round-trip time leg\":0,\"jitter\":0,"
        "\"packet loss\":0,\"reported at\":1700000002},\"highest MOS\":{\"MOS\":44,"));
    assert_non_null(strstr(told, "\"MOS progression\":{\"interval\":10,\"entries\":[{\"MOS\":42,"));
    assert_non_null(strstr(told, "\"4000000001\":{\"bytes\""));
    assert_non_null(strstr(told, "\"4000000100\":{\"bytes\""));
    assert_non_null(strstr(told, "\"ingress SSRCs\":[{\"SSRC\":4000000000,\"bytes\":16000,"));
    assert_non_null(strstr(told, "\"SSRC\":4000000000,\"flags\":[\"RTP\""));
}

static void ssrcs_are_told_where_wanted(void **state)
{
    (void)state;
    static const struct {
        enum ng_ssrc_reporting reporting;
        bool of_call, of_sections;
    } cases[] = {
        {NG_SSRC_FULL, true, true},
        {NG_SSRC_GLOBAL, true, false},
        {NG_SSRC_INLINE, false, true},
        {NG_SSRC_NONE, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *told = report_ssrcs(fake_snapshot(2), "", cases[i].reporting);
        assert_int_equal(strstr(told, "\"SSRC\":{\"4000000000\":{") != NULL, cases[i].of_call);
        assert_int_equal(strstr(told, "\"SSRC\":{") != NULL, cases[i].of_call);
        assert_int_equal(
            strstr(told, "\"ingress SSRCs\":[{\"SSRC\":4000000000,") != NULL, cases[i].of_sections);
        assert_int_equal(strstr(told, "gress SSRCs") != NULL, cases[i].of_sections);
    }
}

static void a_tag_picks_a_party_and_its_peers(void **state)
{
    (void)state;
    assert_non_null(strstr(report(NULL, "a"), "\"b\":{\"tag\":\"b\""));
    assert_non_null(
        strstr(report(NULL, "b2"), "\"b\":{\"tag\":\"b\",\"tag-aliases\":[\"b2\"],\"created\":"));
    assert_non_null(strstr(out, "\"a\":{\"tag\":\"a\""));
    assert_non_null(strstr(report(NULL, "nobody"),
        "\"tags\":{},\"totals\":{\"RTP\":" NO_COUNTS ",\"RTCP\":" NO_COUNTS "}}"));
}

static void without_a_snapshot_counts_are_zero(void **state)
{
    (void)state;
    const char *told = report(NULL, "");
    assert_null(strstr(told, "\"local port\""));
    assert_non_null(strstr(told, "\"endpoint\":{},\"advertised endpoint\":{\"family\""));
    assert_non_null(strstr(told, "\"stats\":" NO_COUNTS));
}

static void rtcp_has_an_address_of_its_own(void **state)
{
    (void)state;
    const char *told = report(NULL, "");
    assert_non_null(strstr(told,
        "\"advertised endpoint\":{\"family\":\"IPv4\",\"address\":\"10.20.0.20\",\"port\":10353}"));
}

/* What goes first when a report does not fit, and that what proxies read most stays longest. */
static void a_report_loses_its_bulk_first(void **state)
{
    (void)state;
    static const struct {
        size_t room;
        const char *kept;
        const char *lost;
    } cases[] = {
        {60000, "\"entries\":[{", "warning"},
        {29000, "\"egress SSRCs\":[{", "\"entries\":[{"},
        {12000, "\"4000000000\":{", "\"ingress SSRCs\":[{"},
        {1000, "\"totals\":{\"RTP\":{\"packets\":200", "\"medias\":[{"},
        {500, "\"totals\":{\"RTP\":{\"packets\":200", "\"a\":{"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ng_arena arena;
        ng_arena_init(&arena, 1 << 22);
        struct ng_value *dict = ng_dict(&arena);
        struct session_report told = {.call = fake_call(), .snapshot = fake_snapshot(8)};
        ng_report(&arena, dict, &told, TEXT(""), NG_SSRC_FULL);

        struct writer w = writer_over(out, cases[i].room);
        bool truncated;
        ng_encode(&w, text_bytes(TEXT("cookie")), true, &arena, dict, &truncated);
        assert_true(writer_ok(&w));
        out[w.len] = '\0';
        if (strstr(out, cases[i].kept) == NULL || strstr(out, cases[i].lost) != NULL)
            fail_msg("%zu: %zu bytes %.300s", i, w.len, out);
        assert_int_equal(truncated, i > 0);
        ng_arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_of_a_party),
        cmocka_unit_test(tells_of_lost_consent),
        cmocka_unit_test(tells_of_the_handshake),
        cmocka_unit_test(tells_how_packets_arrive),
        cmocka_unit_test(tells_of_the_call),
        cmocka_unit_test(tells_quality),
        cmocka_unit_test(ssrcs_are_told_where_wanted),
        cmocka_unit_test(a_tag_picks_a_party_and_its_peers),
        cmocka_unit_test(without_a_snapshot_counts_are_zero),
        cmocka_unit_test(rtcp_has_an_address_of_its_own),
        cmocka_unit_test(a_report_loses_its_bulk_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
