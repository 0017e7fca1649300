/* SPDX-License-Identifier: Apache-2.0 */
/* Each case is a call in which all is well but for one thing. */
#include "ctl/diagnose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "ctl/text.h"

enum { NOW = 1700000000 };

/* A browser (A, ICE and DTLS) and a PBX (B). */
static json_t *sound_section(bool is_browser)
{
    json_t *endpoint = json_pack("{s:s, s:i}", "address", "192.0.2.1", "port", 5000);
    json_t *rtp = json_pack("{s:O, s:i, s:[s,s,s], s:{s:i, s:i}, s:{s:i}}", "endpoint", endpoint,
        "last packet", NOW, "flags", "RTP", "confirmed", "DTLS fingerprint verified", "stats",
        "packets", 1000, "errors", 0, "stats_out", "packets", 1000);
    json_t *ssrc = json_pack("{s:i, s:i, s:i, s:i, s:{s:i, s:i}}", "SSRC", 1, "packets", 1000,
        "lost", 3, "jitter", 5, "average MOS", "MOS", 43, "packet loss", 0);
    json_t *flags = json_pack("[s,s,s]", "initialized", "send", "recv");
    if (is_browser) {
        json_array_append_new(flags, json_string("ICE"));
        json_array_append_new(flags, json_string("DTLS-SRTP"));
    }
    json_decref(endpoint);
    return json_pack("{s:o, s:[o], s:[o]}", "flags", flags, "streams", rtp, "ingress SSRCs", ssrc);
}

static json_t *sound_call(void)
{
    return json_pack("{s:s, s:i, s:i, s:{s:{s:s, s:[o]}, s:{s:s, s:[o]}}}", "state", "up", "now",
        NOW, "age", 60, "tags", "a", "tag", "a", "medias", sound_section(true), "b", "tag", "b",
        "medias", sound_section(false));
}

static json_t *party_of(json_t *call, const char *name)
{
    return json_object_get(json_object_get(call, "tags"), name);
}

static json_t *media_of(json_t *call, const char *name)
{
    return json_array_get(json_object_get(party_of(call, name), "medias"), 0);
}

static json_t *rtp_of(json_t *call, const char *name)
{
    return json_array_get(json_object_get(media_of(call, name), "streams"), 0);
}

static json_t *ssrc_of(json_t *call, const char *name)
{
    return json_array_get(json_object_get(media_of(call, name), "ingress SSRCs"), 0);
}

static void set(json_t *object, const char *key, int64_t number)
{
    json_object_set_new(object, key, json_integer(number));
}

static void set_flag(json_t *list, const char *from, const char *to)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), from) == 0)
            json_array_set_new(list, i, json_string(to));
}

static void set_rtp_flag(json_t *call, const char *name, const char *from, const char *to)
{
    set_flag(json_object_get(rtp_of(call, name), "flags"), from, to);
}

static void nothing(json_t *call)
{
    (void)call;
}

static void is_deleted(json_t *call)
{
    json_object_set_new(call, "state", json_string("deleted"));
}

static void is_ringing(json_t *call)
{
    json_object_set_new(party_of(call, "b"), "tag", json_string(""));
    set(json_object_get(rtp_of(call, "a"), "stats"), "packets", 0);
}

static void has_one_party(json_t *call)
{
    json_object_del(json_object_get(call, "tags"), "b");
}

static void has_no_check(json_t *call)
{
    set_rtp_flag(call, "a", "confirmed", "filled");
    set(json_object_get(rtp_of(call, "a"), "stats"), "packets", 0);
}

static void has_no_check_yet(json_t *call)
{
    has_no_check(call);
    set(call, "age", 2);
}

static void has_no_consent(json_t *call)
{
    set_rtp_flag(call, "a", "confirmed", "consent expired");
}

static void dtls_failed(json_t *call)
{
    set_rtp_flag(call, "a", "DTLS fingerprint verified", "DTLS failed");
}

static void dtls_hangs(json_t *call)
{
    set_rtp_flag(call, "a", "DTLS fingerprint verified", "DTLS handshaking");
}

static void dtls_is_not_verified(json_t *call)
{
    set_rtp_flag(call, "a", "DTLS fingerprint verified", "DTLS unverified");
}

static void pbx_never_sent(json_t *call)
{
    set(json_object_get(rtp_of(call, "b"), "stats"), "packets", 0);
    set(rtp_of(call, "b"), "last packet", 0);
}

static void pbx_is_on_hold(json_t *call)
{
    pbx_never_sent(call);
    set_flag(json_object_get(media_of(call, "b"), "flags"), "recv", "trickle ICE");
}

static void pbx_is_silent(json_t *call)
{
    set(rtp_of(call, "b"), "last packet", NOW - 12);
}

static void packets_are_dropped(json_t *call)
{
    set(json_object_get(rtp_of(call, "a"), "stats"), "errors", 50);
}

static void few_are_dropped(json_t *call)
{
    set(json_object_get(rtp_of(call, "a"), "stats"), "errors", 9);
}

static void pbx_gets_nothing(json_t *call)
{
    set(json_object_get(rtp_of(call, "b"), "stats_out"), "packets", 0);
}

static void pbx_has_no_address(json_t *call)
{
    pbx_gets_nothing(call);
    json_object_set_new(rtp_of(call, "b"), "endpoint", json_object());
}

static void packets_are_lost(json_t *call)
{
    set(ssrc_of(call, "a"), "lost", 111);
}

static void jitter_is_high(json_t *call)
{
    set(ssrc_of(call, "b"), "jitter", 90);
}

static void is_heard_badly(json_t *call)
{
    set(json_object_get(ssrc_of(call, "a"), "average MOS"), "MOS", 28);
    set(json_object_get(ssrc_of(call, "a"), "average MOS"), "packet loss", 7);
}

static void section_is_off(json_t *call)
{
    pbx_never_sent(call);
    set_flag(json_object_get(media_of(call, "b"), "flags"), "initialized", "RTCP feedback");
}

static void finds_what_is_wrong(void **state)
{
    static const struct {
        void (*change)(json_t *call);
        size_t count;
        const char *said[2];
    } cases[] = {
        {nothing, 0, {NULL}},
        {is_deleted, 1, {"the proxy has deleted it"}},
        {is_ringing, 1, {"no answer has come yet"}},
        {has_one_party, 1, {"no answer has come yet"}},
        {has_no_check, 1, {"no valid ICE check has come from A"}},
        {has_no_check_yet, 0, {NULL}},
        {has_no_consent, 1, {"A answers no ICE checks any more"}},
        {dtls_failed, 1, {"handshake with A has failed"}},
        {dtls_hangs, 1, {"handshake with A is not done"}},
        {dtls_is_not_verified, 1, {"fingerprint of its SDP has not come"}},
        {pbx_never_sent, 1, {"no RTP has come from B"}},
        {pbx_is_on_hold, 0, {NULL}},
        {pbx_is_silent, 1, {"B has been silent for 12 seconds"}},
        {packets_are_dropped, 1, {"50 of 1000 packets from A were dropped"}},
        {few_are_dropped, 0, {NULL}},
        {pbx_gets_nothing, 1, {"nothing has been sent to B"}},
        {pbx_has_no_address, 1, {"the address of B is not known"}},
        {packets_are_lost, 1, {"9 % of the packets from A are lost on their way to us"}},
        {jitter_is_high, 1, {"from B come unevenly: jitter of 90 ms"}},
        {is_heard_badly, 2,
            {"7 % of what A sends is lost", "what A sends is heard badly: MOS 2.8"}},
        {section_is_off, 0, {NULL}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str out = {.data = NULL};
        json_t *call = sound_call();
        assert_non_null(call);
        cases[i].change(call);
        size_t count = diagnose(call, "> ", &out);
        if (count != cases[i].count)
            fail_msg("case %zu: %zu findings\n%s", i, count, str_string(&out));
        for (size_t n = 0; n < count; n++)
            if (strstr(str_string(&out), cases[i].said[n]) == NULL)
                fail_msg("case %zu: %s", i, str_string(&out));
        assert_true(count == 0 || text_starts_with(str_text(&out), "> - "));
        json_decref(call);
        str_done(&out);
    }
}

static void parties_have_letters(void **state)
{
    char name[PARTY_NAME_SIZE];
    (void)state;
    assert_string_equal(diagnose_party_name(0, name), "A");
    assert_string_equal(diagnose_party_name(25, name), "Z");
    assert_string_equal(diagnose_party_name(26, name), "#27");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_wrong),
        cmocka_unit_test(parties_have_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
