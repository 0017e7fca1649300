/* SPDX-License-Identifier: Apache-2.0 */
/* When a relay tells that a save is old by now, and that it tells so once. */
#include "moves.h"
#include "web_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

#include "relay/events.h"

enum { FAR = 1 << 12 };

/* No memory for what is to be told. */
static bool is_mute;

bool __real_events_changed(struct relay *relay, uint64_t call);
bool __wrap_events_changed(struct relay *relay, uint64_t call);
bool __wrap_events_changed(struct relay *relay, uint64_t call)
{
    return !is_mute && __real_events_changed(relay, call);
}

static int browser_and_phone(void **state)
{
    (void)state;
    is_mute = false;
    web_call_begin();
    scene_apply(&scene);
    return 0;
}

static int talking(void **state)
{
    browser_and_phone(state);
    browser_connect(&browser);
    assert_talk();
    return 0;
}

static void save(void)
{
    scene_save(&scene, RELAY_SAVE_COPY);
    assert_non_null(scene.saved);
    scene.changes = 0;
}

static void assert_told_once(void)
{
    assert_int_equal(scene.changes, 1);
    save();
}

static void every_step_of_setting_up_is_told(void **state)
{
    (void)state;
    save();
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    assert_told_once(); /* a pair */
    browser_start_dtls(&browser, DTLS_ROLE_ACTIVE);
    sim_settle();
    assert_true(browser_is_connected(&browser));
    assert_told_once(); /* keys */
    browser_say(&browser, &there);
    sim_settle();
    assert_told_once(); /* an SSRC */
    phone_say(&phone, &back);
    sim_settle();
    assert_told_once(); /* an SSRC, and where it comes from */
}

static void it_is_told_once_until_it_is_saved(void **state)
{
    (void)state;
    assert_int_equal(scene.changes, 1);
    save();
    for (uint32_t ssrc = 1; ssrc < 5; ssrc++) {
        back.ssrc = ssrc;
        phone_say(&phone, &back);
        sim_run(2000);
    }
    assert_told_once();
}

/* An hour of sound with its checks and reports, of which each minute is saved. */
static void packets_as_ever_are_not_told(void **state)
{
    (void)state;
    for (int minute = 0; minute < 60; minute++) {
        save();
        for (int second = 0; second < 60; second += 4) {
            for (int i = 0; i < 10; i++)
                assert_talk();
            browser_check(&browser, CHECK_NOMINATE);
            browser_send(&browser, compound(there.ssrc));
            phone_send(&phone_rtcp, &phone.relay_rtcp, compound(back.ssrc));
            sim_run(4000);
        }
        if (minute > 0)
            assert_int_equal(scene.changes, 0);
    }
}

/* A sender that begins anew keeps its SSRC; others take another one. */
static void another_ssrc_is_told(void **state)
{
    (void)state;
    save();
    back.ssrc = 0xcc;
    assert_talk();
    assert_told_once();
    there.ssrc = 0xbb;
    assert_talk();
    assert_told_once();
    back.ssrc = 0xc;
    there.ssrc = 0xb;
    assert_talk(); /* known from before */
    assert_int_equal(scene.changes, 0);
}

static void another_path_is_told(void **state)
{
    (void)state;
    save();
    browser.peer.address = addr("203.0.113.5:5555");
    browser_check(&browser, CHECK_PLAIN);
    sim_settle();
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    assert_told_once();
    assert_talk();
    assert_int_equal(scene.changes, 0);
}

static void consent_that_goes_and_comes_is_told(void **state)
{
    (void)state;
    save();
    sim_run(31000);
    assert_told_once();
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    assert_told_once();
}

static void say_from(const char *source)
{
    struct address from = addr(source);
    back.seq++;
    sim_send(&from, &phone.relay_rtp, speech_bytes(&back));
    sim_settle();
}

static void what_is_learned_is_told(void **state)
{
    (void)state;
    pbx()->signalled++;
    pbx()->remote_rtp = addr("10.0.0.3:4000");
    scene_apply(&scene);
    save();
    say_from("203.0.113.66:666"); /* better than nothing */
    assert_told_once();
    say_from("203.0.113.66:666");
    assert_int_equal(scene.changes, 0);
    say_from("10.0.0.3:777"); /* better */
    assert_told_once();
    sim_run(3100);
    say_from("10.0.0.3:777"); /* for good */
    assert_told_once();
    say_from("10.0.0.3:777");
    assert_int_equal(scene.changes, 0);
}

/* A phone that changes to the second of two local addresses hears from there. */
static void the_local_address_is_told(void **state)
{
    (void)state;
    struct plan_transport *other = scene_leased(&scene, 5, NULL);
    pbx()->locals[1] = other->locals[0];
    pbx()->local_count = 2;
    scene.plan.transport_count--;
    scene_apply(&scene);
    phone_say(&phone, &back);
    sim_settle();
    save();
    phone.relay_rtp = addr(RELAY_IP ":30010");
    phone_say(&phone, &back);
    sim_settle();
    assert_told_once();
}

static void say_much(struct speech *who, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        who->seq++;
        if (who == &there)
            browser_say(&browser, who);
        else
            phone_say(&phone, who);
        if (i % 32 == 0)
            sim_settle();
    }
    sim_settle();
}

/* Before the numbers have gone on so far that the next one may use one twice: within a second. */
static void far_from_the_save_is_told(void **state)
{
    (void)state;
    struct speech *const speakers[] = {&there, &back};
    for (size_t i = 0; i < COUNT_OF(speakers); i++) {
        save();
        say_much(speakers[i], FAR - 2);
        sim_run(1100);
        browser_check(&browser, CHECK_PLAIN);
        assert_int_equal(scene.changes, 0);
        say_much(speakers[i], 4);
        sim_run(1100);
        assert_told_once();
        browser_check(&browser, CHECK_PLAIN);
        sim_run(5000);
        assert_int_equal(scene.changes, 0);
    }
}

/* Nothing of theirs is used once only. */
static void in_the_clear_it_may_be_far(void **state)
{
    (void)state;
    web()->security = PLAN_PLAIN;
    scene_apply(&scene);
    phone_say(&phone, &back);
    sim_settle();
    save();
    say_much(&back, 2 * FAR);
    sim_run(1100);
    assert_int_equal(scene.changes, 0);
}

static void what_could_not_be_told_is_told_later(void **state)
{
    (void)state;
    save();
    is_mute = true;
    back.ssrc = 0xcc;
    assert_talk();
    sim_run(2000);
    assert_int_equal(scene.changes, 0);
    is_mute = false;
    sim_run(1100);
    assert_told_once();
    sim_run(2000);
    assert_int_equal(scene.changes, 0);
}

/* What a save may have is not what the next one will have. */
static void it_is_told_after_each_save(void **state)
{
    (void)state;
    for (uint32_t ssrc = 1; ssrc < 5; ssrc++) {
        save();
        back.ssrc = ssrc;
        phone_say(&phone, &back);
        sim_settle();
        assert_int_equal(scene.changes, 1);
    }
}

static void who_goes_on_tells_as_well(void **state)
{
    (void)state;
    save();
    scene_crash(&scene);
    assert_int_equal(scene.changes, 0);
    scene_resume(&scene, 100);
    assert_told_once();
    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(scene.changes, 0);
    back.ssrc = 0xcc;
    phone_say(&phone, &back);
    sim_settle();
    assert_told_once();
}

static void what_another_node_has_ends_in_silence(void **state)
{
    (void)state;
    size_t heard = browser.dtls_datagrams;
    uint64_t sent = sim_sent();
    scene_leave(&scene);
    assert_int_equal(scene.closed[2], 1);
    assert_int_equal(sim_open_sockets(), 2); /* the shared ones */
    assert_int_equal(sim_sent(), sent);
    assert_int_equal(browser.dtls_datagrams, heard);
    assert_int_equal(counter_get(&counters()->calls), 0);
    assert_int_equal(counter_get(&counters()->dtls_associations), 0);
    scene_leave(&scene); /* there is nothing more */
    assert_int_equal(sim_sent(), sent);
}

#define before_ice(f) cmocka_unit_test_setup_teardown(f, browser_and_phone, web_call_end)
#define talk(f) cmocka_unit_test_setup_teardown(f, talking, web_call_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        before_ice(every_step_of_setting_up_is_told),
        talk(it_is_told_once_until_it_is_saved),
        talk(packets_as_ever_are_not_told),
        talk(another_ssrc_is_told),
        talk(another_path_is_told),
        talk(consent_that_goes_and_comes_is_told),
        talk(what_is_learned_is_told),
        talk(the_local_address_is_told),
        talk(far_from_the_save_is_told),
        talk(in_the_clear_it_may_be_far),
        talk(what_could_not_be_told_is_told_later),
        talk(it_is_told_after_each_save),
        talk(who_goes_on_tells_as_well),
        talk(what_another_node_has_ends_in_silence),
    };
    if (!rtpsec_init())
        return 1;
    int failed = cmocka_run_group_tests_name("resume told", tests, NULL, NULL);
    rtpsec_done();
    return failed;
}
