/* SPDX-License-Identifier: Apache-2.0 */
/* An agent that goes on in another process, some time later. (That it is the same agent at the same
 * moment is the property of fuzz_ice_agent.) */
#include "ice/saved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "browser.h"

#define NEW_PWD "second-password-of-22-c"

static const struct ice_local rtp = {.component = 1};
static struct ice_credentials first, second;

static struct ice_agent agent_with(const struct ice_credentials *local, const char *remote)
{
    struct ice_config config = {.local = *local, .remote_ufrag = text_from(remote)};
    struct ice_agent agent;
    assert_true(ice_agent_init(&agent, &config));
    return agent;
}

static enum ice_verdict check(struct ice_agent *agent, const struct address *browser,
    const char *username, const char *pwd, bool nominates, uint64_t now_ms)
{
    struct browser_check c = good_check;
    uint8_t memory[512], room[ICE_REPLY_MAX];
    struct writer reply = writer_over(room, sizeof(room));
    c.username = username;
    c.pwd = pwd;
    c.use_candidate = nominates;
    return ice_agent_receive(agent, browser_write(&c, memory), browser, rtp, now_ms, &reply);
}

static void check_first(struct ice_agent *agent, const struct address *browser, uint64_t now_ms)
{
    assert_int_equal(
        check(agent, browser, good_check.username, LOCAL_PWD, true, now_ms), ICE_ANSWERED);
}

/* Checked at 1000 and saved at 11000: 20 s of consent are left. */
static struct ice_saved checked_ten_seconds_ago(const struct address *browser)
{
    struct ice_agent old = agent_with(&first, REMOTE_UFRAG);
    struct ice_saved saved;
    check_first(&old, browser, 1000);
    ice_agent_save(&old, 11000, &saved);
    return saved;
}

/* Clocks of two processes have nothing in common, and the other may have begun just now. */
static void consent_ends_as_it_would_have(void **state)
{
    static const struct {
        uint64_t now_ms, age_ms, grace_ms, left_ms;
    } cases[] = {
        {5000000, 0, 0, 20000},
        {5000000, 5000, 0, 15000},
        {5000000, 5000, 10000, 15000},
        {5000000, 15000, 10000, 10000},
        {5000000, 3600000, 10000, 10000},
        {5000000, UINT64_MAX, 10000, 10000},
        {100, 0, 0, 29900}, /* since the clock began */
        {100, UINT64_MAX, 10000, 29900},
    };
    struct address browser = address_at("198.51.100.20:40001");
    struct ice_saved saved = checked_ten_seconds_ago(&browser);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ice_agent agent = agent_with(&first, REMOTE_UFRAG);
        assert_true(
            ice_agent_restore(&agent, &saved, cases[i].age_ms, cases[i].grace_ms, cases[i].now_ms));
        uint64_t end_ms = cases[i].now_ms + cases[i].left_ms;
        assert_non_null(ice_agent_selected(&agent, 1));
        assert_true(ice_agent_is_valid_source(&agent, &browser, rtp));
        assert_int_equal(ice_agent_due_ms(&agent), end_ms);
        assert_false(ice_agent_tick(&agent, end_ms - 1));
        assert_true(ice_agent_tick(&agent, end_ms));
        assert_null(ice_agent_selected(&agent, 1));
    }
}

/* Media at the moment when this clock began is media all the same. */
static void media_before_the_clock_began_is_media(void **state)
{
    struct address browser = address_at("198.51.100.20:40001");
    struct ice_agent old = agent_with(&first, REMOTE_UFRAG), agent = old;
    struct ice_saved saved;
    (void)state;
    check_first(&old, &browser, 1000);
    ice_agent_save(&old, 2000, &saved);
    assert_true(ice_agent_restore(&agent, &saved, 0, 0, 100));
    assert_int_equal(agent.pairs[0].media_ms, 0);
    assert_false(ice_agent_saw_media(&old, &browser, rtp, 1500));
    ice_agent_save(&old, 2000, &saved);
    assert_true(ice_agent_restore(&agent, &saved, 0, 0, 100));
    assert_int_equal(agent.pairs[0].media_ms, 1);
    assert_true(ice_agent_restore(&agent, &saved, 0, 0, 9000));
    assert_int_equal(agent.pairs[0].media_ms, 8500);
}

/* A lite peer's candidate that was checked by another in the generation before: what SDP says of it
 * holds, whoever that was. */
static void what_was_signalled_is_no_strangers(void **state)
{
    struct address browser = address_at("198.51.100.20:40001");
    struct ice_agent old = agent_with(&first, REMOTE_UFRAG), agent = agent_with(&second, "rem2");
    struct ice_saved saved;
    (void)state;
    check_first(&old, &browser, 1000);
    assert_true(ice_agent_restart(&old, &second, TEXT("rem2"), true));
    ice_agent_add_candidate(&old, rtp, &browser, 1, 1100);
    ice_agent_save(&old, 2000, &saved);
    assert_true(ice_agent_restore(&agent, &saved, 0, 0, 700000));
    assert_non_null(ice_agent_selected(&agent, 1));
}

static void consent_may_be_over(void **state)
{
    struct address browser = address_at("198.51.100.20:40001");
    struct ice_saved saved = checked_ten_seconds_ago(&browser);
    struct ice_agent agent = agent_with(&first, REMOTE_UFRAG);
    (void)state;
    assert_true(ice_agent_restore(&agent, &saved, 20000, 0, 5000000));
    assert_true(ice_agent_due_ms(&agent) <= 5000000);
    assert_true(ice_agent_tick(&agent, 5000000));
    assert_int_equal(agent.pair_count, 0);
}

/* Its checks need not nominate again: who did so once may never repeat it. */
static void a_plain_check_renews_consent(void **state)
{
    struct address browser = address_at("198.51.100.20:40001");
    struct ice_saved saved = checked_ten_seconds_ago(&browser);
    struct ice_agent agent = agent_with(&first, REMOTE_UFRAG);
    (void)state;
    assert_true(ice_agent_restore(&agent, &saved, 60000, 10000, 5000000));
    assert_int_equal(
        check(&agent, &browser, good_check.username, LOCAL_PWD, false, 5009999), ICE_ANSWERED);
    assert_false(ice_agent_tick(&agent, 5010000));
    assert_non_null(ice_agent_selected(&agent, 1));
}

/* Saved at 21000; the old credentials hold until 41000. */
static struct ice_saved restarted_and_settled(const struct address *browser)
{
    struct ice_agent old = agent_with(&first, REMOTE_UFRAG);
    struct ice_saved saved;
    check_first(&old, browser, 1000);
    assert_true(ice_agent_restart(&old, &second, TEXT("rem2"), false));
    check_first(&old, browser, 10000);
    assert_int_equal(check(&old, browser, "loc2:rem2", NEW_PWD, true, 11000), ICE_ANSWERED);
    ice_agent_save(&old, 21000, &saved);
    return saved;
}

static void old_credentials_hold_as_long_as_they_would_have(void **state)
{
    static const struct {
        uint64_t age_ms, grace_ms, left_ms;
    } cases[] = {{0, 0, 20000}, {5000, 0, 15000}, {60000, 0, 1}, {60000, 10000, 10000}};
    struct address browser = address_at("198.51.100.20:40001");
    struct address roamed = address_at("198.51.100.21:40001");
    struct ice_saved saved = restarted_and_settled(&browser);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ice_agent agent = agent_with(&second, "rem2");
        uint64_t end_ms = 700000 + cases[i].left_ms;
        assert_true(ice_agent_restore(&agent, &saved, cases[i].age_ms, cases[i].grace_ms, 700000));
        assert_true(text_equal(ice_agent_previous_ufrag(&agent), first.ufrag));
        check_first(&agent, &roamed, end_ms - 1);
        assert_int_equal(check(&agent, &roamed, good_check.username, LOCAL_PWD, true, end_ms),
            ICE_REFUSED_UNAUTHORIZED);
        assert_int_equal(check(&agent, &roamed, "loc2:rem2", NEW_PWD, true, end_ms), ICE_ANSWERED);
    }
}

/* Saved when the time of the old credentials was over, but nobody had looked at the clock. */
static void what_waits_for_its_tick_still_does(void **state)
{
    struct address browser = address_at("198.51.100.20:40001");
    struct ice_agent old = agent_with(&first, REMOTE_UFRAG), agent = agent_with(&second, "rem2");
    struct ice_saved saved;
    (void)state;
    assert_true(ice_agent_set_remote(&old, TEXT(REMOTE_UFRAG), true));
    ice_agent_add_candidate(&old, rtp, &browser, 1, 1000);
    assert_true(ice_agent_restart(&old, &second, TEXT("rem2"), true));
    struct address other = address_at("198.51.100.21:40001");
    ice_agent_add_candidate(&old, rtp, &other, 1, 2000);
    ice_agent_save(&old, 32000, &saved);
    assert_int_equal(saved.pair_count, 2);
    assert_true(ice_agent_restore(&agent, &saved, 0, 0, 700000));
    assert_int_equal(ice_agent_due_ms(&agent), 700001);
    ice_agent_tick(&agent, 700001);
    assert_int_equal(agent.pair_count, 1);
}

static void an_unfinished_restart_goes_on(void **state)
{
    struct address browser = address_at("198.51.100.20:40001");
    struct ice_agent old = agent_with(&first, REMOTE_UFRAG);
    struct ice_saved saved;
    (void)state;
    check_first(&old, &browser, 1000);
    assert_true(ice_agent_restart(&old, &second, text_of(NULL, 0), false));
    ice_agent_save(&old, 2000, &saved);

    struct ice_agent agent = agent_with(&second, "");
    assert_true(ice_agent_restore(&agent, &saved, 1000000, 0, 700000));
    check_first(&agent, &browser, 700000); /* for as long as it takes */
    assert_int_equal(check(&agent, &browser, "loc2:rem2", NEW_PWD, true, 700100), ICE_ANSWERED);
    assert_int_equal(agent.previous_until_ms, 730100);
    assert_int_equal(ice_agent_selected(&agent, 1)->generation, 1);
}

/* Two addresses checked before the answer was known; it comes with the record. */
static void the_answer_may_have_come_since(void **state)
{
    struct address browser = address_at("198.51.100.20:40001");
    struct address stranger = address_at("203.0.113.66:666");
    struct ice_agent old = agent_with(&first, ""), agent = agent_with(&first, REMOTE_UFRAG);
    struct ice_saved saved;
    (void)state;
    assert_int_equal(
        check(&old, &stranger, LOCAL_UFRAG ":other", LOCAL_PWD, true, 900), ICE_ANSWERED);
    check_first(&old, &browser, 1000);
    ice_agent_save(&old, 2000, &saved);
    saved.pairs[0].selected = true;
    saved.pairs[1].selected = false;
    assert_true(ice_agent_restore(&agent, &saved, 0, 0, 700000));
    assert_false(ice_agent_is_valid_source(&agent, &stranger, rtp));
    assert_true(ice_agent_is_valid_source(&agent, &browser, rtp));
    assert_null(ice_agent_selected(&agent, 1));
}

static void spoil(struct ice_saved *s, int how)
{
    struct ice_saved_pair *p = s->pairs;
    switch (how) {
    case 0:
        s->pair_count = ICE_MAX_PAIRS + 1;
        break;
    case 1:
        s->pair_count = 2;
        p[1] = p[0];
        p[1].selected = false;
        break;
    case 2:
        s->pair_count = 2;
        p[1] = p[0];
        p[1].remote.port++; /* two are selected */
        break;
    case 3:
        p->local.component = 0;
        break;
    case 4:
        p->local.component = 3;
        break;
    case 5:
        p->generation = s->generation + 1;
        break;
    case 6:
        p->sender_len = ICE_EARLY_UFRAG_MAX + 1;
        break;
    case 7:
        p->remote.family = ADDRESS_NONE;
        break;
    case 8:
        s->previous_generation = s->generation;
        break;
    case 9:
        s->previous.local_ufrag.len = 0;
        break;
    case 10:
        s->previous.local_pwd.len = ICE_NAME_MAX + 1;
        break;
    case 11:
        s->previous.remote_ufrag.len = ICE_NAME_MAX + 1;
        break;
    default:
        fail();
    }
}

static void what_no_agent_can_have_been_is_refused(void **state)
{
    struct address browser = address_at("198.51.100.20:40001");
    (void)state;
    for (int how = 0; how < 12; how++) {
        struct ice_saved saved = restarted_and_settled(&browser);
        struct ice_agent agent = agent_with(&second, "rem2");
        const struct ice_agent before = agent;
        assert_true(ice_agent_restore(&agent, &saved, 0, 0, 700000));
        agent = before;
        spoil(&saved, how);
        assert_false(ice_agent_restore(&agent, &saved, 0, 0, 700000));
        assert_memory_equal(&agent, &before, sizeof(agent));
    }
}

int main(void)
{
    first = (struct ice_credentials){.ufrag = TEXT(LOCAL_UFRAG), .pwd = TEXT(LOCAL_PWD)};
    second = (struct ice_credentials){.ufrag = TEXT("loc2"), .pwd = TEXT(NEW_PWD)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consent_ends_as_it_would_have),
        cmocka_unit_test(media_before_the_clock_began_is_media),
        cmocka_unit_test(what_was_signalled_is_no_strangers),
        cmocka_unit_test(consent_may_be_over),
        cmocka_unit_test(a_plain_check_renews_consent),
        cmocka_unit_test(old_credentials_hold_as_long_as_they_would_have),
        cmocka_unit_test(what_waits_for_its_tick_still_does),
        cmocka_unit_test(an_unfinished_restart_goes_on),
        cmocka_unit_test(the_answer_may_have_come_since),
        cmocka_unit_test(what_no_agent_can_have_been_is_refused),
    };
    return cmocka_run_group_tests_name("ice saved", tests, NULL, NULL);
}
