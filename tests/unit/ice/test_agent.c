/* SPDX-License-Identifier: Apache-2.0 */
/* Consent, components, early checks, restarts, lite peers, the bounded table. */
#include "ice/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "browser.h"
#include "ice/candidate.h"

static const struct ice_local rtp = {.component = 1, .index = 0};
static const struct ice_local rtcp = {.component = 2, .index = 0};
static const struct ice_local other = {.component = 1, .index = 1};

#define A "198.51.100.20:40001"
#define B "198.51.100.20:40002"

static struct ice_agent agent_with(const char *remote_ufrag)
{
    struct ice_agent agent;
    struct ice_config config = {
        .local = {.ufrag = TEXT(LOCAL_UFRAG), .pwd = TEXT(LOCAL_PWD)},
        .remote_ufrag = text_from(remote_ufrag),
    };
    assert_true(ice_agent_init(&agent, &config));
    return agent;
}

/* A nominating check with these credentials. */
static enum ice_verdict nominate(struct ice_agent *agent, const char *username, const char *pwd,
    const char *from, struct ice_local local, uint64_t now_ms)
{
    struct address source = address_at(from);
    struct browser_check check = good_check;
    uint8_t memory[512], room[ICE_REPLY_MAX];
    struct writer reply = writer_over(room, sizeof(room));
    check.username = username;
    check.pwd = pwd;
    check.use_candidate = true;
    return ice_agent_receive(agent, browser_write(&check, memory), &source, local, now_ms, &reply);
}

static enum ice_verdict check(struct ice_agent *agent, const char *from, uint64_t now_ms)
{
    return nominate(agent, "loc1:rem1", LOCAL_PWD, from, rtp, now_ms);
}

static bool selects(const struct ice_agent *agent, unsigned component, const char *remote)
{
    const struct ice_pair *s = ice_agent_selected(agent, component);
    if (remote == NULL || s == NULL)
        return remote == NULL && s == NULL;
    struct address a = address_at(remote);
    return address_equal(&s->remote, &a) && s->local.component == component;
}

static bool is_valid(const struct ice_agent *agent, const char *from, struct ice_local local)
{
    struct address source = address_at(from);
    return ice_agent_is_valid_source(agent, &source, local);
}

static void consent_expires_and_comes_back(void **state)
{
    struct ice_agent agent = agent_with(REMOTE_UFRAG);
    (void)state;
    assert_true(ice_agent_due_ms(&agent) == UINT64_MAX);
    assert_int_equal(check(&agent, A, 1000), ICE_ANSWERED);
    assert_int_equal(ice_agent_due_ms(&agent), 31000);
    assert_int_equal(check(&agent, A, 3500), ICE_ANSWERED);
    assert_int_equal(ice_agent_due_ms(&agent), 33500);

    assert_false(ice_agent_tick(&agent, 33499));
    assert_true(selects(&agent, 1, A));
    assert_true(ice_agent_tick(&agent, 33500));
    assert_true(selects(&agent, 1, NULL));
    assert_false(is_valid(&agent, A, rtp));
    assert_int_equal(agent.stats.consent_lost, 1);
    assert_true(ice_agent_due_ms(&agent) == UINT64_MAX);
    assert_false(ice_agent_tick(&agent, 33501));

    assert_int_equal(check(&agent, A, 40000), ICE_ANSWERED);
    assert_true(selects(&agent, 1, A));
    assert_true(is_valid(&agent, A, rtp));
    assert_int_equal(agent.stats.selections, 2);
}

static void another_nominated_pair_takes_over_when_consent_ends(void **state)
{
    struct ice_agent agent = agent_with(REMOTE_UFRAG);
    (void)state;
    assert_int_equal(check(&agent, B, 1000), ICE_ANSWERED);
    assert_int_equal(check(&agent, A, 1001), ICE_ANSWERED);
    assert_true(selects(&agent, 1, A));
    assert_int_equal(check(&agent, B, 2000), ICE_ANSWERED);
    assert_true(selects(&agent, 1, A));
    assert_true(ice_agent_tick(&agent, 31001));
    assert_true(selects(&agent, 1, B));
    assert_int_equal(agent.stats.consent_lost, 1);
}

static void a_refused_check_is_no_consent(void **state)
{
    struct ice_agent agent = agent_with(REMOTE_UFRAG);
    (void)state;
    assert_int_equal(check(&agent, A, 1000), ICE_ANSWERED);
    assert_int_equal(
        nominate(&agent, "loc1:rem1", "wrong", A, rtp, 20000), ICE_REFUSED_UNAUTHORIZED);
    assert_true(ice_agent_tick(&agent, 31000));
    assert_true(selects(&agent, 1, NULL));
}

static void components_and_local_addresses_are_apart(void **state)
{
    struct ice_agent agent = agent_with(REMOTE_UFRAG);
    (void)state;
    assert_int_equal(check(&agent, A, 1000), ICE_ANSWERED);
    assert_true(selects(&agent, 2, NULL));
    assert_false(is_valid(&agent, A, rtcp));
    assert_false(is_valid(&agent, A, other));
    assert_int_equal(nominate(&agent, "loc1:rem1", LOCAL_PWD, B, rtcp, 1000), ICE_ANSWERED);
    assert_true(selects(&agent, 1, A));
    assert_true(selects(&agent, 2, B));
    assert_int_equal(agent.pair_count, 2);

    /* the preferred local address stays selected; a worse one does not take over */
    assert_int_equal(nominate(&agent, "loc1:rem1", LOCAL_PWD, A, other, 1001), ICE_ANSWERED);
    assert_int_equal(ice_agent_selected(&agent, 1)->local.index, 0);
    assert_true(is_valid(&agent, A, other));

    assert_int_equal(check(&agent, A, 20000), ICE_ANSWERED);
    assert_true(ice_agent_tick(&agent, 31001)); /* component 2 alone ran out */
    assert_true(selects(&agent, 1, A));
    assert_true(selects(&agent, 2, NULL));
}

static void checks_before_the_answer_count_when_it_names_their_sender(void **state)
{
    struct ice_agent agent = agent_with(NULL);
    (void)state;
    /* two browsers of a forked call */
    assert_int_equal(nominate(&agent, "loc1:remX", LOCAL_PWD, A, rtp, 1000), ICE_ANSWERED);
    assert_int_equal(nominate(&agent, "loc1:remY", LOCAL_PWD, B, rtp, 1010), ICE_ANSWERED);
    assert_true(selects(&agent, 1, B));
    assert_true(ice_agent_set_remote(&agent, TEXT("remX"), false));
    assert_true(selects(&agent, 1, A));
    assert_false(is_valid(&agent, B, rtp));
    assert_int_equal(
        nominate(&agent, "loc1:remY", LOCAL_PWD, B, rtp, 1020), ICE_REFUSED_UNAUTHORIZED);
    assert_int_equal(nominate(&agent, "loc1:remX", LOCAL_PWD, A, rtp, 1030), ICE_ANSWERED);

    /* another branch answers for good */
    assert_true(ice_agent_set_remote(&agent, TEXT("remY"), false));
    assert_true(selects(&agent, 1, NULL));
    assert_false(is_valid(&agent, A, rtp));
    assert_int_equal(nominate(&agent, "loc1:remY", LOCAL_PWD, B, rtp, 1040), ICE_ANSWERED);
    assert_true(selects(&agent, 1, B));

    /* saying it twice changes nothing */
    assert_true(ice_agent_set_remote(&agent, TEXT("remY"), false));
    assert_true(selects(&agent, 1, B));
    assert_false(ice_agent_set_remote(&agent, text_of(NULL, 0), false));
}

static void the_table_is_bounded_and_keeps_the_selected_pair(void **state)
{
    struct ice_agent agent = agent_with(REMOTE_UFRAG);
    struct browser_check plain = good_check;
    uint8_t memory[512];
    (void)state;
    assert_int_equal(check(&agent, A, 1), ICE_ANSWERED);
    for (uint64_t i = 0; i < 100; i++) {
        uint8_t room[ICE_REPLY_MAX];
        struct writer reply = writer_over(room, sizeof(room));
        struct address source = address_at("198.51.100.20:50000");
        source.port = (uint16_t)(source.port + i);
        assert_int_equal(
            ice_agent_receive(&agent, browser_write(&plain, memory), &source, rtp, 2 + i, &reply),
            ICE_ANSWERED);
        assert_in_range(agent.pair_count, 1, ICE_MAX_PAIRS);
    }
    assert_int_equal(agent.stats.evicted, 101 - ICE_MAX_PAIRS);
    assert_true(selects(&agent, 1, A));
    assert_true(is_valid(&agent, "198.51.100.20:50099", rtp));
    assert_true(is_valid(&agent, "198.51.100.20:50085", rtp));
    assert_false(is_valid(&agent, "198.51.100.20:50084", rtp));
}

static void restart(struct ice_agent *agent, const char *ufrag, const char *pwd, const char *remote)
{
    const struct ice_credentials local = {.ufrag = text_from(ufrag), .pwd = text_from(pwd)};
    assert_true(ice_agent_restart(agent, &local, text_from(remote), false));
}

static void a_restart_does_not_cut_media(void **state)
{
    struct ice_agent agent = agent_with(REMOTE_UFRAG);
    (void)state;
    assert_int_equal(check(&agent, A, 1000), ICE_ANSWERED);
    restart(&agent, "loc2", "second-password-of-22-c", "rem2");
    assert_true(selects(&agent, 1, A));
    assert_true(is_valid(&agent, A, rtp));

    /* old checks go on, also for long */
    for (uint64_t now = 3500; now < 100000; now += 2500)
        assert_int_equal(check(&agent, A, now), ICE_ANSWERED);
    assert_true(selects(&agent, 1, A));
    /* credentials do not mix */
    assert_int_equal(nominate(&agent, "loc2:rem1", "second-password-of-22-c", B, rtp, 100000),
        ICE_REFUSED_UNAUTHORIZED);
    assert_int_equal(
        nominate(&agent, "loc2:rem2", LOCAL_PWD, B, rtp, 100000), ICE_REFUSED_UNAUTHORIZED);
    assert_int_equal(nominate(&agent, "loc1:rem1", "second-password-of-22-c", B, rtp, 100000),
        ICE_REFUSED_UNAUTHORIZED);

    /* the new generation selects, and the old one cannot take it back */
    assert_int_equal(
        nominate(&agent, "loc2:rem2", "second-password-of-22-c", B, rtp, 100000), ICE_ANSWERED);
    assert_true(selects(&agent, 1, B));
    assert_int_equal(check(&agent, A, 100001), ICE_ANSWERED);
    assert_true(selects(&agent, 1, B));
    assert_true(is_valid(&agent, A, rtp));
    struct address a = address_at(A);
    assert_false(ice_agent_saw_media(&agent, &a, rtp, 110000));
    assert_true(selects(&agent, 1, B));

    /* after a while the old credentials end */
    assert_int_equal(check(&agent, A, 129999), ICE_ANSWERED);
    assert_int_equal(ice_agent_due_ms(&agent), 130000);
    assert_int_equal(check(&agent, A, 130000), ICE_REFUSED_UNAUTHORIZED);
    assert_true(ice_agent_tick(&agent, 130000)); /* B was not checked since */
    assert_true(selects(&agent, 1, A));
}

static void the_same_address_moves_to_the_new_generation(void **state)
{
    struct ice_agent agent = agent_with(REMOTE_UFRAG);
    (void)state;
    assert_int_equal(check(&agent, A, 1000), ICE_ANSWERED);
    restart(&agent, "loc2", "second-password-of-22-c", NULL);
    struct browser_check plain = good_check;
    uint8_t memory[512], room[ICE_REPLY_MAX];
    struct writer reply = writer_over(room, sizeof(room));
    struct address a = address_at(A);
    plain.username = "loc2:rem2";
    plain.pwd = "second-password-of-22-c";
    assert_int_equal(
        ice_agent_receive(&agent, browser_write(&plain, memory), &a, rtp, 1100, &reply),
        ICE_ANSWERED);
    assert_true(selects(&agent, 1, A)); /* media goes on before it is nominated again */
    assert_int_equal(agent.pair_count, 1);
    assert_true(agent.previous_until_ms == UINT64_MAX);

    assert_true(ice_agent_set_remote(&agent, TEXT("rem2"), false));
    assert_int_equal(
        nominate(&agent, "loc2:rem2", "second-password-of-22-c", A, rtp, 1200), ICE_ANSWERED);
    assert_true(selects(&agent, 1, A));
    assert_int_equal(agent.previous_until_ms, 31200);
}

static void a_second_restart_keeps_the_working_credentials(void **state)
{
    struct ice_agent agent = agent_with(REMOTE_UFRAG);
    const struct ice_credentials nameless = {.pwd = TEXT("x")};
    (void)state;
    assert_int_equal(check(&agent, A, 1000), ICE_ANSWERED);
    restart(&agent, "loc2", "second-password-of-22-c", NULL);
    restart(&agent, "loc3", "third-password-of-22-ch", "rem3");
    assert_false(ice_agent_restart(&agent, &nameless, text_of(NULL, 0), false));
    assert_true(text_is(ice_agent_previous_ufrag(&agent), "loc1"));
    assert_int_equal(check(&agent, A, 2000), ICE_ANSWERED);
    assert_int_equal(nominate(&agent, "loc2:rem2", "second-password-of-22-c", B, rtp, 2000),
        ICE_REFUSED_UNAUTHORIZED);
    assert_int_equal(
        nominate(&agent, "loc3:rem3", "third-password-of-22-ch", B, rtp, 2000), ICE_ANSWERED);
    assert_true(selects(&agent, 1, B));

    /* settled: the next restart falls back to this one */
    restart(&agent, "loc4", "fourth-password-of-22-c", "rem4");
    assert_int_equal(
        nominate(&agent, "loc3:rem3", "third-password-of-22-ch", B, rtp, 2100), ICE_ANSWERED);
    assert_int_equal(check(&agent, A, 2100), ICE_REFUSED_UNAUTHORIZED);
}

static void a_lite_peer_is_believed(void **state)
{
    struct ice_agent agent = agent_with(REMOTE_UFRAG);
    struct address a = address_at(A), b = address_at(B), none = {.family = ADDRESS_NONE};
    struct address zero = address_at("0.0.0.0:9"), no_port = address_at("198.51.100.20:0");
    (void)state;
    ice_agent_add_candidate(&agent, rtp, &a, 1000, 0);
    assert_int_equal(agent.pair_count, 0); /* a full peer is not */

    assert_true(ice_agent_set_remote(&agent, TEXT(REMOTE_UFRAG), true));
    ice_agent_add_candidate(&agent, rtp, &none, 1000, 0);
    ice_agent_add_candidate(&agent, rtp, &zero, 1000, 0);
    ice_agent_add_candidate(&agent, rtp, &no_port, 1000, 0);
    assert_int_equal(agent.pair_count, 0);
    ice_agent_add_candidate(&agent, rtp, &a, 1000, 0);
    assert_true(selects(&agent, 1, A));
    ice_agent_add_candidate(&agent, rtp, &b, 2000, 0);
    assert_true(selects(&agent, 1, B));
    ice_agent_add_candidate(&agent, rtp, &a, 1000, 0);
    assert_true(selects(&agent, 1, B));
    assert_true(is_valid(&agent, A, rtp));
    assert_true(ice_agent_due_ms(&agent) == UINT64_MAX);
    assert_false(ice_agent_tick(&agent, 1000000000));
    assert_true(selects(&agent, 1, B));

    assert_true(ice_agent_set_remote(&agent, TEXT(REMOTE_UFRAG), false));
    assert_true(selects(&agent, 1, NULL));
    assert_false(is_valid(&agent, A, rtp));
}

static void what_a_lite_peer_signalled_ends_with_its_credentials(void **state)
{
    struct ice_agent agent = agent_with(REMOTE_UFRAG);
    const struct ice_credentials local = {
        .ufrag = TEXT("loc2"), .pwd = TEXT("second-password-of-22-c")};
    struct address a = address_at(A), b = address_at(B);
    (void)state;
    assert_int_equal(ice_agent_previous_ufrag(&agent).len, 0);
    assert_true(ice_agent_set_remote(&agent, TEXT(REMOTE_UFRAG), true));
    ice_agent_add_candidate(&agent, rtp, &a, 1000, 0);

    assert_true(ice_agent_restart(&agent, &local, TEXT("rem2"), true));
    assert_false(ice_agent_tick(&agent, 100000));
    assert_true(selects(&agent, 1, A));
    ice_agent_add_candidate(&agent, rtp, &b, 1000, 100000);
    assert_true(selects(&agent, 1, B));
    ice_agent_tick(&agent, 129999);
    assert_true(is_valid(&agent, A, rtp));
    ice_agent_tick(&agent, 130000);
    assert_false(is_valid(&agent, A, rtp));
    assert_true(selects(&agent, 1, B));
    assert_int_equal(ice_agent_previous_ufrag(&agent).len, 0);
}

static void verdicts_have_names(void **state)
{
    (void)state;
    assert_string_equal(ice_verdict_name(ICE_ANSWERED), "answered");
    assert_string_equal(ice_verdict_name(ICE_IGNORED_NO_ROOM), "no-room");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consent_expires_and_comes_back),
        cmocka_unit_test(another_nominated_pair_takes_over_when_consent_ends),
        cmocka_unit_test(a_refused_check_is_no_consent),
        cmocka_unit_test(components_and_local_addresses_are_apart),
        cmocka_unit_test(checks_before_the_answer_count_when_it_names_their_sender),
        cmocka_unit_test(the_table_is_bounded_and_keeps_the_selected_pair),
        cmocka_unit_test(a_restart_does_not_cut_media),
        cmocka_unit_test(the_same_address_moves_to_the_new_generation),
        cmocka_unit_test(a_second_restart_keeps_the_working_credentials),
        cmocka_unit_test(a_lite_peer_is_believed),
        cmocka_unit_test(what_a_lite_peer_signalled_ends_with_its_credentials),
        cmocka_unit_test(verdicts_have_names),
    };
    return cmocka_run_group_tests_name("ice agent", tests, NULL, NULL);
}
