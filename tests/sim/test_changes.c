/* SPDX-License-Identifier: Apache-2.0 */
/* A browser whose ICE restarts, whose consent ends, whose call ends; and who means no good. */
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

#include <sys/mman.h>

#include "base/log.h"
#include "mediaferry/stun.h"

#define BROWSER "192.0.2.1:5000"
#define ROAMED "203.0.113.5:5555"

static struct scene scene;
static struct browser browser;

static struct plan_transport *web(void)
{
    return &scene.transports[0];
}

static int one_browser(void **state)
{
    (void)state;
    scene_open(&scene);
    browser_join(&browser, BROWSER, SHARED, NULL);
    scene_webrtc(&scene, 1);
    scene_know_browser(web(), &browser);
    scene_point_browser(&browser, web());
    scene_stream(&scene, 11, 1);
    scene_apply(&scene);
    return 0;
}

static int connected_browser(void **state)
{
    one_browser(state);
    browser_connect(&browser);
    return 0;
}

static int close_scene(void **state)
{
    (void)state;
    scene_check_sums(&scene);
    scene_close(&scene);
    browser_leave(&browser);
    return 0;
}

static const struct relay_counters *counters(void)
{
    return relay_counters(scene.relay);
}

static void restart_ice(const char *ufrag)
{
    web()->ice->generation++;
    snprintf(web()->ice->local_ufrag, PLAN_UFRAG_SIZE, "%s", ufrag);
    snprintf(web()->ice->local_pwd, PLAN_PWD_SIZE, "passwordpasswordpass%s", ufrag);
    scene_apply(&scene);
}

static struct address remote_of_media(void)
{
    scene_query(&scene);
    return scene_transport_state(&scene, 1)->remote[0];
}

/* An offer with new credentials is refused, and another one sent: the browser knows of neither. */
static void consent_outlives_restarts_that_came_to_nothing(void **state)
{
    (void)state;
    restart_ice("second");
    restart_ice("third");
    browser.relay_ufrag = "relay1";
    browser.relay_pwd = "relaypasswordrelaypassword1";
    for (int i = 0; i < 10; i++) {
        browser_check(&browser, CHECK_NOMINATE);
        sim_run(5000);
    }
    assert_int_equal(browser.answers, 11);
    assert_int_equal(counter_get(&counters()->ice_consent_lost), 0);
}

/* The call is transferred to a gateway that is lite, too. */
static void the_peer_may_be_lite_after_a_restart(void **state)
{
    (void)state;
    struct address gateway = addr(ROAMED);
    strcpy(web()->ice->remote_ufrag, "LITE");
    web()->ice->remote_lite = true;
    web()->ice->candidate_count = 1;
    web()->ice->candidates[0] =
        (struct plan_candidate){.address = gateway, .priority = 2130706431, .component = 1};
    restart_ice("tolite");
    struct address remote = remote_of_media();
    assert_true(address_equal(&remote, &gateway));
}

/* RFC 7675, section 5.1: not even a close_notify. */
static void nothing_leaves_without_consent(void **state)
{
    (void)state;
    sim_run(31000);
    assert_int_equal(counter_get(&counters()->ice_consent_lost), 1);
    size_t datagrams = browser.dtls_datagrams;
    scene_end_call(&scene);
    assert_int_equal(browser.dtls_datagrams, datagrams);
}

static void a_browser_is_told_of_the_end(void **state)
{
    (void)state;
    scene_end_call(&scene);
    assert_int_equal(dtls_association_state(browser.dtls), DTLS_CLOSED);
}

static void a_browser_is_told_when_the_relay_ends(void **state)
{
    (void)state;
    scene_close(&scene);
    assert_int_equal(dtls_association_state(browser.dtls), DTLS_CLOSED);
    browser_leave(&browser);
}

/* Its socket is closed in the same moment. */
static void a_browser_on_a_port_of_its_own_is_told_of_the_end(void **state)
{
    (void)state;
    struct plan_transport ice = *web();
    struct plan_transport *t = scene_leased(&scene, 3, NULL);
    struct plan_local local = t->locals[0];
    *t = ice;
    t->id = 3;
    strcpy(t->ice->local_ufrag, "leased");
    t->local_count = 1;
    t->locals[0] = local;
    scene.streams[0].transport = 3;
    scene_apply(&scene);
    scene_point_browser(&browser, t);
    browser.relay = local.rtp;
    browser_connect(&browser);

    scene_end_call(&scene);
    assert_int_equal(dtls_association_state(browser.dtls), DTLS_CLOSED);
    assert_int_equal(scene.closed[3], 1);
    assert_int_equal(sim_drops(DROP_SOCKET_CLOSED), 0);
}

/* Two branches ring; what the one that did not answer has proven is forgotten. */
static void a_branch_that_did_not_answer_has_not_lost_consent(void **state)
{
    (void)state;
    web()->id = 3;
    strcpy(web()->ice->local_ufrag, "forked");
    web()->ice->remote_ufrag[0] = '\0';
    scene.streams[0].transport = 3;
    scene_apply(&scene);
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    scene_query(&scene);
    assert_true(scene_transport_state(&scene, 3)->confirmed);

    strcpy(web()->ice->remote_ufrag, "OTHR");
    scene_apply(&scene);
    scene_query(&scene);
    assert_false(scene_transport_state(&scene, 3)->confirmed);
    assert_false(scene_transport_state(&scene, 3)->consent_expired);
    assert_int_equal(counter_get(&counters()->ice_consent_lost), 0);
}

static unsigned lines_in(int fd)
{
    char text[4096];
    unsigned lines = 0;
    ssize_t len;
    lseek(fd, 0, SEEK_SET);
    while ((len = read(fd, text, sizeof(text))) > 0)
        for (ssize_t i = 0; i < len; i++)
            lines += text[i] == '\n';
    return lines;
}

/* Each of these checks nominates another pair. */
static void a_browser_cannot_flood_the_log(void **state)
{
    (void)state;
    scene_stays(); /* each relay may write so many */
    int log = memfd_create("log", MFD_CLOEXEC);
    assert_true(log >= 0);
    log_start(log);
    for (int i = 0; i < 1000; i++) {
        browser_check(&browser, CHECK_PLAIN);
        sim_settle();
        browser.peer.address = addr(i % 2 == 0 ? ROAMED : BROWSER);
        browser_check(&browser, CHECK_NOMINATE);
        sim_settle();
    }
    unsigned lines = lines_in(log);
    log_start(STDERR_FILENO);
    close(log);
    assert_int_equal(browser.answers, 2001);
    assert_true(lines > 0 && lines < 30);
    struct address remote = remote_of_media();
    assert_true(address_equal(&remote, &browser.peer.address));
}

/* A reply to somebody unproven, who may have forged the source, is no longer than what it answers.
 */
static void strangers_get_no_more_than_they_sent(void **state)
{
    (void)state;
    struct phone stranger;
    uint8_t memory[100], id[STUN_ID_SIZE] = {1};
    struct writer w = writer_over(memory, sizeof(memory));
    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of(id, sizeof(id)));
    stun_write_attr(&w, STUN_USERNAME, text_bytes(TEXT("relay1:x")));
    stun_write_fingerprint(&w);

    phone_join(&stranger, "203.0.113.66:666", SHARED);
    phone_send(&stranger, &stranger.relay_rtp, writer_bytes(&w));
    sim_settle();
    assert_int_equal(stranger.inbox.count, 1);
    assert_true(inbox_back(&stranger.inbox, 0).len <= w.len);
    sim_leave(&stranger.peer);
}

/* Without ICE: a neighbour behind the same NAT sends something like DTLS after the handshake, and
 * before the answer. */
static void a_neighbour_does_not_take_over_a_held_handshake(void **state)
{
    (void)state;
    struct plan_dtls dtls = *web()->dtls;
    struct address neighbour = addr("192.0.2.1:6666");
    struct plan_transport *t = scene_leased(&scene, 3, BROWSER);
    t->security = PLAN_DTLS;
    t->rtcp_mux = true;
    scene.streams[0].transport = 3;
    scene_apply(&scene);
    browser.relay = t->locals[0].rtp;
    browser_start_dtls(&browser, DTLS_ROLE_ACTIVE);
    sim_settle();
    assert_true(browser_is_connected(&browser));

    static const uint8_t record[] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 7};
    sim_send(&neighbour, &browser.relay, bytes_of(record, sizeof(record)));
    sim_settle();
    *t->dtls = dtls;
    scene_apply(&scene);
    assert_int_equal(counter_get(&counters()->dtls_connected), 1);
    scene_query(&scene);
    assert_true(address_equal(&scene_transport_state(&scene, 3)->remote[0], &browser.peer.address));
}

/* Without ICE: the call moves to another phone at the same address. */
static void a_new_handshake_goes_to_the_new_address(void **state)
{
    (void)state;
    struct plan_dtls dtls = *web()->dtls;
    struct plan_transport *t = scene_leased(&scene, 3, BROWSER);
    t->security = PLAN_DTLS;
    t->rtcp_mux = true;
    *t->dtls = dtls;
    t->dtls->role = PLAN_DTLS_ACTIVE;
    scene.streams[0].transport = 3;
    browser.relay = t->locals[0].rtp;
    browser_start_dtls(&browser, DTLS_ROLE_PASSIVE);
    scene_apply(&scene);
    assert_true(browser_is_connected(&browser));

    browser.peer.address = addr("192.0.2.1:5678");
    browser_renew_dtls(&browser, NULL);
    browser_start_dtls(&browser, DTLS_ROLE_PASSIVE);
    t->remote_rtp = browser.peer.address;
    t->signalled++;
    t->dtls->generation++;
    scene_apply(&scene);
    assert_int_equal(counter_get(&counters()->dtls_connected), 2);
    assert_int_equal(dtls_association_state(browser.dtls), DTLS_VERIFIED);
}

#define one(f) cmocka_unit_test_setup_teardown(f, one_browser, close_scene)
#define connected(f) cmocka_unit_test_setup_teardown(f, connected_browser, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        connected(consent_outlives_restarts_that_came_to_nothing),
        connected(the_peer_may_be_lite_after_a_restart),
        connected(nothing_leaves_without_consent),
        connected(a_browser_is_told_of_the_end),
        cmocka_unit_test_setup(a_browser_is_told_when_the_relay_ends, connected_browser),
        one(a_browser_on_a_port_of_its_own_is_told_of_the_end),
        one(a_branch_that_did_not_answer_has_not_lost_consent),
        connected(a_browser_cannot_flood_the_log),
        one(strangers_get_no_more_than_they_sent),
        one(a_neighbour_does_not_take_over_a_held_handshake),
        one(a_new_handshake_goes_to_the_new_address),
    };
    if (!rtpsec_init())
        return 1;
    int failed = cmocka_run_group_tests_name("changes", tests, NULL, NULL);
    rtpsec_done();
    return failed;
}
