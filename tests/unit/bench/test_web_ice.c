/* SPDX-License-Identifier: Apache-2.0 */
/* The phone's full ICE agent: against the relay's lite one, and against a peer that controls. */
#include "web_ice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "stun/integrity.h"

static const struct ice_local rtp = {.component = 1, .index = 0};
static const uint8_t random_a[STUN_ID_SIZE] = {1, 2, 3}, random_b[STUN_ID_SIZE] = {9, 8, 7};

#define PHONE_PWD "phonepasswordphonepassword"
#define RELAY_PWD "relaypasswordrelaypassword"

static struct web_ice_credentials credentials(void)
{
    return (struct web_ice_credentials){
        .local_ufrag = TEXT("PHON"),
        .local_pwd = TEXT(PHONE_PWD),
        .remote_ufrag = TEXT("RELA"),
        .remote_pwd = TEXT(RELAY_PWD),
    };
}

struct message {
    uint8_t room[WEB_ICE_MESSAGE_MAX];
    struct writer w;
};

static struct message *fresh(struct message *m)
{
    m->w = writer_over(m->room, sizeof(m->room));
    return m;
}

static struct address phone_address(void)
{
    return address_from_ip(ADDRESS_IP4, (const uint8_t[]){192, 0, 2, 7}, 4000);
}

static struct web_ice phone_at(uint64_t now_ms)
{
    struct web_ice_credentials names = credentials();
    struct web_ice ice;
    assert_true(web_ice_init(&ice, &names));
    assert_int_equal(web_ice_due_ms(&ice), UINT64_MAX);
    web_ice_start(&ice, now_ms);
    return ice;
}

static struct ice_agent relay(void)
{
    struct ice_agent agent;
    struct ice_config config = {
        .local = {.ufrag = TEXT("RELA"), .pwd = TEXT(RELAY_PWD)}, .remote_ufrag = TEXT("PHON")};
    assert_true(ice_agent_init(&agent, &config));
    return agent;
}

static void test_lite_peer(void **state)
{
    struct web_ice ice = phone_at(1000);
    struct ice_agent agent = relay();
    struct address from = phone_address();
    struct message check, reply, none;
    (void)state;
    assert_true(web_ice_tick(&ice, random_a, 1000, &fresh(&check)->w));
    assert_int_equal(
        ice_agent_receive(&agent, writer_bytes(&check.w), &from, rtp, 1000, &fresh(&reply)->w),
        ICE_ANSWERED);
    assert_non_null(ice_agent_selected(&agent, 1));
    assert_int_equal(ice.state, WEB_ICE_CHECKING);
    web_ice_receive(&ice, writer_bytes(&reply.w), &from, 1001, &fresh(&none)->w);
    assert_int_equal(ice.state, WEB_ICE_SELECTED);
    assert_int_equal(none.w.len, 0);
}

static void test_retransmissions(void **state)
{
    static const unsigned at_ms[] = {0, 50, 150, 350, 750, 1550, 3150, 4750, 6350};
    struct web_ice ice = phone_at(0);
    struct message m;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(at_ms); i++) {
        assert_int_equal(web_ice_due_ms(&ice), at_ms[i]);
        if (i > 0)
            assert_false(web_ice_tick(&ice, random_b, at_ms[i] - 1, &fresh(&m)->w));
        assert_true(web_ice_tick(&ice, i == 0 ? random_a : random_b, at_ms[i], &fresh(&m)->w));
        assert_memory_equal(m.room + 8, random_a, STUN_ID_SIZE);
    }
}

/* Answers the check that lies in `check` as the relay would. */
static struct bytes success(const struct message *check, const char *pwd, struct message *out)
{
    struct address from = phone_address();
    stun_begin(
        &fresh(out)->w, stun_type(STUN_BINDING, STUN_SUCCESS), bytes_of(check->room + 8, 12));
    stun_write_xor_address(&out->w, STUN_XOR_MAPPED_ADDRESS, &from);
    stun_write_integrity(&out->w, text_bytes(text_from(pwd)));
    stun_write_fingerprint(&out->w);
    return writer_bytes(&out->w);
}

static void give(struct web_ice *ice, struct bytes datagram, uint64_t now_ms)
{
    struct address from = phone_address();
    struct message none;
    web_ice_receive(ice, datagram, &from, now_ms, &fresh(&none)->w);
    assert_int_equal(none.w.len, 0);
}

static void test_only_right_answers_count(void **state)
{
    struct web_ice ice = phone_at(0);
    struct message check, answer;
    (void)state;
    assert_true(web_ice_tick(&ice, random_a, 0, &fresh(&check)->w));
    give(&ice, success(&check, "another password of theirs", &answer), 1);
    assert_int_equal(ice.state, WEB_ICE_CHECKING);

    struct bytes right = success(&check, RELAY_PWD, &answer);
    answer.room[12] ^= 1; /* of another check */
    give(&ice, right, 1);
    assert_int_equal(ice.state, WEB_ICE_CHECKING);
    give(&ice, success(&check, RELAY_PWD, &answer), 1);
    assert_int_equal(ice.state, WEB_ICE_SELECTED);
}

static void test_consent(void **state)
{
    struct web_ice ice = phone_at(0);
    struct message check, answer;
    uint64_t now = 0;
    (void)state;
    assert_true(web_ice_tick(&ice, random_a, now, &fresh(&check)->w));
    for (int round = 0; round < 10; round++) {
        give(&ice, success(&check, RELAY_PWD, &answer), now);
        uint64_t due = web_ice_due_ms(&ice);
        assert_in_range(due - now, 4000, 6000);
        now = due;
        assert_true(
            web_ice_tick(&ice, round % 2 == 0 ? random_b : random_a, now, &fresh(&check)->w));
    }
    uint64_t answered = ice.consent_ms;
    while (ice.state == WEB_ICE_SELECTED) {
        now = web_ice_due_ms(&ice);
        (void)!web_ice_tick(&ice, random_a, now, &fresh(&check)->w);
    }
    assert_int_equal(ice.state, WEB_ICE_LOST);
    assert_in_range(now - answered, ICE_CONSENT_MS, ICE_CONSENT_MS + WEB_ICE_RETRY_MAX_MS);
    assert_int_equal(web_ice_due_ms(&ice), UINT64_MAX);
}

/* Nobody ticked for a minute: the next check tells whether the peer still consents. */
static void test_sleepy_owner(void **state)
{
    struct web_ice ice = phone_at(0);
    struct message check, answer;
    (void)state;
    assert_true(web_ice_tick(&ice, random_a, 0, &fresh(&check)->w));
    give(&ice, success(&check, RELAY_PWD, &answer), 1);
    assert_true(web_ice_tick(&ice, random_b, 60000, &fresh(&check)->w));
    assert_int_equal(ice.state, WEB_ICE_SELECTED);
    give(&ice, success(&check, RELAY_PWD, &answer), 60001);
    assert_in_range(web_ice_due_ms(&ice), 64000, 66001);
}

static struct bytes peer_check(bool nominates, const char *pwd, struct message *out)
{
    stun_begin(&fresh(out)->w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of("peer's check", 12));
    stun_write_attr(&out->w, STUN_USERNAME, text_bytes(TEXT("PHON:RELA")));
    stun_write_u64(&out->w, STUN_ICE_CONTROLLING, 77);
    if (nominates)
        stun_write_attr(&out->w, STUN_USE_CANDIDATE, bytes_of(NULL, 0));
    stun_write_integrity(&out->w, text_bytes(text_from(pwd)));
    stun_write_fingerprint(&out->w);
    return writer_bytes(&out->w);
}

static bool says_controlled(const struct message *m)
{
    struct stun_message parsed;
    assert_int_equal(stun_parse(writer_bytes(&m->w), &parsed), STUN_OK);
    return stun_has(&parsed, STUN_ICE_CONTROLLED) && !stun_has(&parsed, STUN_USE_CANDIDATE);
}

/* A peer that controls wins; then the pair waits for its nomination. */
static void test_controlling_peer(void **state)
{
    struct web_ice ice = phone_at(0);
    struct address from = phone_address();
    struct message check, theirs, reply;
    (void)state;
    assert_true(web_ice_tick(&ice, random_a, 0, &fresh(&check)->w));
    assert_false(says_controlled(&check));

    web_ice_receive(&ice, peer_check(false, "no password", &theirs), &from, 1, &fresh(&reply)->w);
    assert_int_equal(reply.w.len, 0);
    web_ice_receive(&ice, peer_check(false, PHONE_PWD, &theirs), &from, 1, &fresh(&reply)->w);
    struct stun_message m;
    assert_int_equal(stun_parse(writer_bytes(&reply.w), &m), STUN_OK);
    assert_int_equal(stun_class_of(m.type), STUN_SUCCESS);
    assert_int_equal(stun_check_integrity(&m, text_bytes(TEXT(PHONE_PWD))), STUN_CHECK_RIGHT);

    assert_true(web_ice_tick(&ice, random_b, 1, &fresh(&check)->w));
    assert_true(says_controlled(&check));
    give(&ice, success(&check, RELAY_PWD, &theirs), 2);
    assert_int_equal(ice.state, WEB_ICE_CHECKING);
    web_ice_receive(&ice, peer_check(true, PHONE_PWD, &theirs), &from, 3, &fresh(&reply)->w);
    assert_int_equal(ice.state, WEB_ICE_SELECTED);
}

static void test_role_conflict(void **state)
{
    struct web_ice ice = phone_at(0);
    struct message check, refusal;
    (void)state;
    assert_true(web_ice_tick(&ice, random_a, 0, &fresh(&check)->w));
    stun_begin(&fresh(&refusal)->w, stun_type(STUN_BINDING, STUN_ERROR), bytes_of(random_a, 12));
    stun_write_error(&refusal.w, STUN_ROLE_CONFLICT, TEXT("Role Conflict"));
    give(&ice, writer_bytes(&refusal.w), 1);
    assert_int_equal(ice.error_code, STUN_ROLE_CONFLICT);
    assert_true(web_ice_tick(&ice, random_b, 1, &fresh(&check)->w));
    assert_true(says_controlled(&check));
    assert_memory_equal(check.room + 8, random_b, STUN_ID_SIZE);
}

static void test_names(void **state)
{
    static const char letters[ICE_NAME_MAX + 1];
    struct web_ice_credentials c = credentials();
    struct web_ice ice;
    struct message m;
    (void)state;
    c.remote_ufrag = text_of(letters, ICE_NAME_MAX + 1);
    assert_false(web_ice_init(&ice, &c));
    c.remote_ufrag = text_of(NULL, 0);
    assert_false(web_ice_init(&ice, &c));
    c.remote_ufrag = c.local_ufrag = c.local_pwd = c.remote_pwd = text_of(letters, ICE_NAME_MAX);
    assert_true(web_ice_init(&ice, &c));
    web_ice_start(&ice, 0);
    assert_true(web_ice_tick(&ice, random_a, 0, &fresh(&m)->w));
    assert_true(writer_ok(&m.w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lite_peer),
        cmocka_unit_test(test_retransmissions),
        cmocka_unit_test(test_only_right_answers_count),
        cmocka_unit_test(test_consent),
        cmocka_unit_test(test_sleepy_owner),
        cmocka_unit_test(test_controlling_peer),
        cmocka_unit_test(test_role_conflict),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
