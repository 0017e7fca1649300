/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent answers to one datagram. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "browser.h"
#include "hex.h"
#include "ice/agent.h"
#include "stun/integrity.h"

static const struct ice_local rtp = {.component = 1, .index = 0};

static struct ice_agent agent_with(const char *remote_ufrag)
{
    struct ice_agent agent;
    struct ice_config config = {
        .local = {.ufrag = TEXT(LOCAL_UFRAG), .pwd = TEXT(LOCAL_PWD)},
        .remote_ufrag = text_from(remote_ufrag),
        .software = TEXT("mediaferry"),
    };
    assert_true(ice_agent_init(&agent, &config));
    return agent;
}

static enum ice_verdict receive(
    struct ice_agent *agent, struct bytes datagram, const char *from, struct writer *reply)
{
    static uint8_t memory[ICE_REPLY_MAX];
    struct address source = address_at(from);
    struct bytes exact = exact_copy(datagram);
    *reply = writer_over(memory, sizeof(memory));
    enum ice_verdict verdict = ice_agent_receive(agent, exact, &source, rtp, 1000, reply);
    free((void *)exact.data);
    return verdict;
}

static struct browser_check spoiled(const char *username, const char *pwd)
{
    struct browser_check check = good_check;
    check.username = username;
    check.pwd = pwd;
    return check;
}

static unsigned error_of(const struct stun_message *m)
{
    struct bytes value;
    unsigned code = 0;
    struct text reason;
    return stun_find(m, STUN_ERROR_CODE, &value) && stun_read_error(value, &code, &reason) ? code
                                                                                           : 0;
}

static void answers_a_good_check(void **state)
{
    static const char *const sources[] = {"198.51.100.20:40000", "[2001:db8::20]:40000"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        struct ice_agent agent = agent_with(REMOTE_UFRAG);
        struct address source = address_at(sources[i]), mapped;
        uint8_t memory[512];
        struct writer reply;
        struct stun_message m;
        struct bytes value;

        assert_false(ice_agent_is_valid_source(&agent, &source, rtp));
        assert_int_equal(
            receive(&agent, browser_write(&good_check, memory), sources[i], &reply), ICE_ANSWERED);
        assert_int_equal(stun_parse(writer_bytes(&reply), &m), STUN_OK);
        assert_int_equal(m.type, stun_type(STUN_BINDING, STUN_SUCCESS));
        assert_true(text_is(text_from_bytes(m.id), "transaction!"));
        assert_true(stun_find(&m, STUN_XOR_MAPPED_ADDRESS, &value));
        assert_true(stun_read_xor_address(&m, value, &mapped));
        assert_true(address_equal(&mapped, &source));
        assert_true(stun_find(&m, STUN_SOFTWARE, &value));
        assert_int_equal(stun_check_integrity(&m, text_bytes(TEXT(LOCAL_PWD))), STUN_CHECK_RIGHT);
        assert_int_equal(stun_check_fingerprint(&m), STUN_CHECK_RIGHT);

        assert_true(ice_agent_is_valid_source(&agent, &source, rtp));
        assert_null(ice_agent_selected(&agent, 1)); /* nobody nominated it */
        assert_int_equal(agent.stats.verdicts[ICE_ANSWERED], 1);
    }
}

static void refuses_strangers_and_learns_nothing(void **state)
{
    static const char early[] = "loc1:abcdefghijabcdefghijabcdefghij123"; /* 33 characters */
    const struct {
        struct browser_check check;
        const char *remote_ufrag;
        enum ice_verdict verdict;
        unsigned error;
    } cases[] = {
        {spoiled(NULL, NULL), REMOTE_UFRAG, ICE_REFUSED_BAD_REQUEST, 400},
        {spoiled("loc1:rem1", NULL), REMOTE_UFRAG, ICE_REFUSED_BAD_REQUEST, 400},
        {spoiled(NULL, LOCAL_PWD), REMOTE_UFRAG, ICE_REFUSED_BAD_REQUEST, 400},
        {spoiled("loc1:rem1", "wrong"), REMOTE_UFRAG, ICE_REFUSED_UNAUTHORIZED, 401},
        {spoiled("loc1", LOCAL_PWD), REMOTE_UFRAG, ICE_REFUSED_UNAUTHORIZED, 401},
        {spoiled("loc1:", LOCAL_PWD), REMOTE_UFRAG, ICE_REFUSED_UNAUTHORIZED, 401},
        {spoiled("loc1:", LOCAL_PWD), NULL, ICE_REFUSED_UNAUTHORIZED, 401},
        {spoiled(":rem1", LOCAL_PWD), REMOTE_UFRAG, ICE_REFUSED_UNAUTHORIZED, 401},
        {spoiled("loc:rem1", LOCAL_PWD), REMOTE_UFRAG, ICE_REFUSED_UNAUTHORIZED, 401},
        {spoiled("loc11:rem1", LOCAL_PWD), REMOTE_UFRAG, ICE_REFUSED_UNAUTHORIZED, 401},
        {spoiled("LOC1:rem1", LOCAL_PWD), REMOTE_UFRAG, ICE_REFUSED_UNAUTHORIZED, 401},
        {spoiled("loc1:rem", LOCAL_PWD), REMOTE_UFRAG, ICE_REFUSED_UNAUTHORIZED, 401},
        {spoiled("loc1:rem1x", LOCAL_PWD), REMOTE_UFRAG, ICE_REFUSED_UNAUTHORIZED, 401},
        {spoiled("rem1:loc1", LOCAL_PWD), REMOTE_UFRAG, ICE_REFUSED_UNAUTHORIZED, 401},
        {spoiled("loc1:anybody", "wrong"), NULL, ICE_REFUSED_UNAUTHORIZED, 401},
        {spoiled(early, LOCAL_PWD), NULL, ICE_REFUSED_UNAUTHORIZED, 401},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ice_agent agent = agent_with(cases[i].remote_ufrag);
        struct address source = address_at("198.51.100.20:40000");
        uint8_t memory[512];
        struct writer reply;
        struct stun_message m;
        struct browser_check check = cases[i].check;

        check.use_candidate = true;
        enum ice_verdict verdict =
            receive(&agent, browser_write(&check, memory), "198.51.100.20:40000", &reply);
        if (verdict != cases[i].verdict)
            print_message("# case %zu: %s\n", i, ice_verdict_name(verdict));
        assert_int_equal(verdict, cases[i].verdict);
        assert_int_equal(stun_parse(writer_bytes(&reply), &m), STUN_OK);
        assert_int_equal(m.type, stun_type(STUN_BINDING, STUN_ERROR));
        assert_int_equal(error_of(&m), cases[i].error);
        assert_int_equal(stun_check_fingerprint(&m), STUN_CHECK_RIGHT);
        assert_false(stun_has(&m, STUN_MESSAGE_INTEGRITY)); /* RFC 8489, section 9.1.3 */
        assert_in_range(reply.len, 1, 48);
        assert_false(ice_agent_is_valid_source(&agent, &source, rtp));
        assert_null(ice_agent_selected(&agent, 1));
        assert_int_equal(agent.pair_count, 0);
    }
}

static void refuses_conflicts_and_unknown_attributes(void **state)
{
    static const struct {
        uint16_t role, unknown;
        enum ice_verdict verdict;
        unsigned error;
    } cases[] = {
        {STUN_ICE_CONTROLLED, 0, ICE_REFUSED_ROLE_CONFLICT, 487},
        {STUN_ICE_CONTROLLING, 0x7fff, ICE_REFUSED_UNKNOWN_ATTRIBUTE, 420},
        {STUN_ICE_CONTROLLED, 0x7fff, ICE_REFUSED_UNKNOWN_ATTRIBUTE, 420},
        {STUN_ICE_CONTROLLING, 0xffff, ICE_ANSWERED, 0},
        {0, 0, ICE_ANSWERED, 0}, /* a peer from before roles */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ice_agent agent = agent_with(REMOTE_UFRAG);
        uint8_t memory[512];
        struct writer reply;
        struct stun_message m;
        struct bytes value;
        struct browser_check check = good_check;

        check.role = cases[i].role;
        check.unknown = cases[i].unknown;
        assert_int_equal(
            receive(&agent, browser_write(&check, memory), "198.51.100.20:40000", &reply),
            cases[i].verdict);
        assert_int_equal(stun_parse(writer_bytes(&reply), &m), STUN_OK);
        assert_int_equal(error_of(&m), cases[i].error);
        assert_int_equal(stun_check_integrity(&m, text_bytes(TEXT(LOCAL_PWD))), STUN_CHECK_RIGHT);
        assert_int_equal(stun_check_fingerprint(&m), STUN_CHECK_RIGHT);
        assert_int_equal(agent.pair_count, cases[i].error == 0);
        if (cases[i].error == 420) {
            assert_true(stun_find(&m, STUN_UNKNOWN_ATTRIBUTES, &value));
            assert_int_equal(value.len, 2);
            assert_int_equal(value.data[0] << 8 | value.data[1], 0x7fff);
        }
    }
}

#define COOKIE_AND_ID "2112a442 0102030405060708090a0b0c"

static void ignores_what_is_no_check(void **state)
{
    static const struct {
        const char *hex;
        enum ice_verdict verdict;
    } cases[] = {
        {"", ICE_IGNORED_NOT_STUN},
        {"0001", ICE_IGNORED_NOT_STUN},
        {"0001 0000 00000000 0102030405060708090a0b0c", ICE_IGNORED_NOT_STUN},
        {"0001 0004" COOKIE_AND_ID "8022 0001", ICE_IGNORED_NOT_STUN},
        {"0003 0000" COOKIE_AND_ID, ICE_IGNORED_METHOD},
        {"0011 0000" COOKIE_AND_ID, ICE_IGNORED_INDICATION},
        {"0101 0000" COOKIE_AND_ID, ICE_IGNORED_RESPONSE},
        {"0111 0000" COOKIE_AND_ID, ICE_IGNORED_RESPONSE},
        {"0001 0000" COOKIE_AND_ID, ICE_IGNORED_NO_FINGERPRINT},
        {"0001 0008" COOKIE_AND_ID "8028 0004 01020304", ICE_IGNORED_BAD_FINGERPRINT},
    };
    struct ice_agent agent = agent_with(REMOTE_UFRAG);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes datagram = from_hex(cases[i].hex);
        struct writer reply;
        uint64_t before = agent.stats.verdicts[cases[i].verdict];
        assert_int_equal(
            receive(&agent, datagram, "198.51.100.20:40000", &reply), cases[i].verdict);
        assert_int_equal(reply.len, 0);
        assert_int_equal(agent.stats.verdicts[cases[i].verdict], before + 1);
        free((void *)datagram.data);
    }

    struct browser_check check = good_check;
    uint8_t memory[512];
    struct writer reply;
    check.no_fingerprint = true;
    assert_int_equal(receive(&agent, browser_write(&check, memory), "198.51.100.20:40000", &reply),
        ICE_IGNORED_NO_FINGERPRINT);
    assert_int_equal(reply.len, 0);
    assert_int_equal(agent.pair_count, 0);
}

/* RFC 8489, section 14.5: what stands behind the integrity was not said by the peer. */
static void an_appended_nomination_does_not_count(void **state)
{
    struct ice_agent agent = agent_with(REMOTE_UFRAG);
    struct browser_check check = good_check;
    uint8_t memory[512];
    struct writer reply;
    (void)state;

    check.no_fingerprint = true;
    struct writer w = writer_over(memory, sizeof(memory));
    w.len = browser_write(&check, memory).len;
    stun_write_attr(&w, STUN_USE_CANDIDATE, bytes_of(NULL, 0));
    stun_write_fingerprint(&w);
    assert_int_equal(
        receive(&agent, writer_bytes(&w), "198.51.100.20:40000", &reply), ICE_ANSWERED);
    assert_null(ice_agent_selected(&agent, 1));
}

static void every_damaged_byte_is_refused_or_ignored(void **state)
{
    struct ice_agent agent = agent_with(REMOTE_UFRAG);
    uint8_t memory[512];
    struct bytes datagram = browser_write(&good_check, memory);
    struct writer reply;
    (void)state;
    for (size_t i = 0; i < datagram.len; i++) {
        memory[i] ^= 0x20;
        assert_int_not_equal(
            receive(&agent, datagram, "198.51.100.20:40000", &reply), ICE_ANSWERED);
        memory[i] ^= 0x20;
        assert_int_not_equal(
            receive(&agent, bytes_of(memory, i), "198.51.100.20:40000", &reply), ICE_ANSWERED);
    }
    assert_int_equal(agent.pair_count, 0);
}

static void a_reply_without_room_teaches_nothing(void **state)
{
    struct ice_agent agent = agent_with(REMOTE_UFRAG);
    struct address source = address_at("198.51.100.20:40000");
    uint8_t memory[512], room[64];
    struct bytes datagram = browser_write(&good_check, memory);
    (void)state;
    for (size_t size = 0; size < sizeof(room); size++) {
        struct writer reply = writer_over(room, size);
        assert_int_equal(
            ice_agent_receive(&agent, datagram, &source, rtp, 1, &reply), ICE_IGNORED_NO_ROOM);
    }
    assert_int_equal(agent.pair_count, 0);
}

static void the_largest_reply_fits(void **state)
{
    static const char software[ICE_SOFTWARE_MAX + 1] =
        "0123456789012345678901234567890123456789012345678901234567890123";
    struct ice_config config = {
        .local = {.ufrag = TEXT(LOCAL_UFRAG), .pwd = TEXT(LOCAL_PWD)},
        .software = text_from(software),
    };
    struct ice_agent agent;
    uint8_t memory[512];
    struct writer reply, w = writer_over(memory, sizeof(memory));
    (void)state;
    assert_true(ice_agent_init(&agent, &config));
    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of("transaction!", 12));
    for (uint16_t type = 0x7000; type < 0x7020; type++)
        stun_write_attr(&w, type, bytes_of(NULL, 0));
    stun_write_attr(&w, STUN_USERNAME, text_bytes(TEXT("loc1:x")));
    stun_write_integrity(&w, text_bytes(TEXT(LOCAL_PWD)));
    stun_write_fingerprint(&w);
    assert_int_equal(receive(&agent, writer_bytes(&w), "[2001:db8::20]:40000", &reply),
        ICE_REFUSED_UNKNOWN_ATTRIBUTE);
    assert_in_range(reply.len, 100, ICE_REPLY_MAX);
}

static void names_of_impossible_length_are_refused(void **state)
{
    static const char longest[ICE_NAME_MAX + 2] = {'a'};
    const struct text fits = text_of(longest, ICE_NAME_MAX);
    const struct text too_long = text_of(longest, ICE_NAME_MAX + 1);
    const struct text none = text_of(NULL, 0);
    const struct {
        struct text ufrag, pwd, remote, software;
        bool ok;
    } cases[] = {
        {fits, fits, fits, none, true},
        {fits, fits, none, text_of(longest, ICE_SOFTWARE_MAX), true},
        {none, fits, none, none, false},
        {fits, none, none, none, false},
        {too_long, fits, none, none, false},
        {fits, too_long, none, none, false},
        {fits, fits, too_long, none, false},
        {fits, fits, none, text_of(longest, ICE_SOFTWARE_MAX + 1), false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ice_agent agent;
        struct ice_config config = {
            .local = {.ufrag = cases[i].ufrag, .pwd = cases[i].pwd},
            .remote_ufrag = cases[i].remote,
            .software = cases[i].software,
        };
        assert_int_equal(ice_agent_init(&agent, &config), cases[i].ok);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_a_good_check),
        cmocka_unit_test(refuses_strangers_and_learns_nothing),
        cmocka_unit_test(refuses_conflicts_and_unknown_attributes),
        cmocka_unit_test(ignores_what_is_no_check),
        cmocka_unit_test(an_appended_nomination_does_not_count),
        cmocka_unit_test(every_damaged_byte_is_refused_or_ignored),
        cmocka_unit_test(a_reply_without_room_teaches_nothing),
        cmocka_unit_test(the_largest_reply_fits),
        cmocka_unit_test(names_of_impossible_length_are_refused),
    };
    return cmocka_run_group_tests_name("ice checks", tests, NULL, NULL);
}
