/* SPDX-License-Identifier: Apache-2.0 */
/* What the old and the new generation of a restart may do to each other's pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "browser.h"
#include "ice/agent.h"

#define NEW_PWD "second-password-of-22-c"

static const struct ice_local rtp = {.component = 1};

static void check(struct ice_agent *agent, const struct address *browser, bool is_new,
    bool nominates, uint64_t now_ms)
{
    struct browser_check c = good_check;
    uint8_t memory[512], room[ICE_REPLY_MAX];
    struct writer reply = writer_over(room, sizeof(room));
    if (is_new) {
        c.username = "loc2:rem2";
        c.pwd = NEW_PWD;
    }
    c.use_candidate = nominates;
    assert_int_equal(
        ice_agent_receive(agent, browser_write(&c, memory), browser, rtp, now_ms, &reply),
        ICE_ANSWERED);
}

/* An agent that has selected the browser's address and was then restarted, its new peer unknown. */
static struct ice_agent restarted_agent(const struct address *browser)
{
    const struct ice_credentials local = {.ufrag = TEXT("loc2"), .pwd = TEXT(NEW_PWD)};
    struct ice_config config = {
        .local = {.ufrag = TEXT(LOCAL_UFRAG), .pwd = TEXT(LOCAL_PWD)},
        .remote_ufrag = TEXT(REMOTE_UFRAG),
    };
    struct ice_agent agent;
    assert_true(ice_agent_init(&agent, &config));
    check(&agent, browser, false, true, 1000);
    assert_true(ice_agent_restart(&agent, &local, text_of(NULL, 0), false));
    return agent;
}

static void the_answer_leaves_old_pairs_alone(void **state)
{
    struct address browser = address_at("198.51.100.20:40001");
    struct ice_agent agent = restarted_agent(&browser);
    (void)state;
    assert_true(ice_agent_set_remote(&agent, TEXT("rem2"), false));
    assert_true(ice_agent_is_valid_source(&agent, &browser, rtp));
    assert_non_null(ice_agent_selected(&agent, 1));
}

/* Checks with the old credentials are still under way when the address has proven the new ones. */
static void a_straggler_cannot_nominate_for_the_new_generation(void **state)
{
    struct address browser = address_at("198.51.100.20:40001");
    struct ice_agent agent = restarted_agent(&browser);
    (void)state;
    check(&agent, &browser, true, false, 1100);
    check(&agent, &browser, false, true, 1200);
    assert_int_equal(ice_agent_due_ms(&agent), 31200); /* but it is a sign of life */
    assert_true(agent.previous_until_ms == UINT64_MAX);
    assert_false(ice_agent_selected(&agent, 1)->nominated);
    check(&agent, &browser, true, true, 1300);
    assert_true(ice_agent_selected(&agent, 1)->nominated);
    assert_int_equal(agent.previous_until_ms, 31300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_leaves_old_pairs_alone),
        cmocka_unit_test(a_straggler_cannot_nominate_for_the_new_generation),
    };
    return cmocka_run_group_tests_name("ice generations", tests, NULL, NULL);
}
