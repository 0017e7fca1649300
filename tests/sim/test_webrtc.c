/* SPDX-License-Identifier: Apache-2.0 */
/* A browser (ICE, DTLS, SRTP, mux, on the shared port) calls a phone (plain RTP, two ports). */
#include "web_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

#include "mediaferry/classify.h"
#include "mediaferry/stun.h"
#include "relay/state.h"

#define ROAMED "203.0.113.5:5555"

/* The offer has come from the browser, and is answered; nothing has been sent yet. */
static int browser_and_phone(void **state)
{
    (void)state;
    web_call_begin();
    scene.streams[1].strip_extensions = true;
    scene_apply(&scene);
    return 0;
}

static int browser_connected(void **state)
{
    browser_and_phone(state);
    browser_connect(&browser);
    return 0;
}

static const struct speech hello = {
    .ssrc = 0xb, .seq = 7, .timestamp = 160, .payload = "from the browser"};
static const struct speech hi = {
    .ssrc = 0xc, .seq = 9, .timestamp = 320, .payload = "from the phone"};

static void carries_audio_both_ways(void **state)
{
    (void)state;
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    assert_int_equal(browser.answers, 1);
    assert_true(address_equal(&browser.mapped, &browser.peer.address));
    browser_start_dtls(&browser, DTLS_ROLE_ACTIVE);
    sim_settle();
    assert_true(browser_is_connected(&browser));
    assert_int_equal(counter_get(&counters()->dtls_connected), 1);

    assert_talk();
    assert_true(address_equal(&browser.inbox.kept[0].from, &browser.relay));
    assert_int_equal(sim_drops_in_all(), 0);
}

static void takes_header_extensions_out_for_the_phone(void **state)
{
    (void)state;
    struct speech s = hello;
    s.mid = "0";
    browser_say(&browser, &s);
    sim_settle();
    s.mid = NULL;
    struct rtp_packet rtp;
    assert_int_equal(rtp_parse(inbox_back(&phone.inbox, 0), &rtp), RTP_OK);
    assert_false(rtp.has_extension);
    assert_true(bytes_equal(rtp.payload, text_bytes(text_from(s.payload))));
}

static void joins_muxed_rtcp_and_two_ports(void **state)
{
    (void)state;
    browser_send(&browser, compound(0xb));
    sim_settle();
    assert_int_equal(phone.inbox.count, 0);
    assert_true(bytes_equal(inbox_back(&phone_rtcp.inbox, 0), compound(0xb)));
    assert_true(address_equal(&phone_rtcp.inbox.kept[0].from, &phone.relay_rtcp));

    phone_send(&phone_rtcp, &phone.relay_rtcp, compound(0xc));
    sim_settle();
    assert_true(bytes_equal(inbox_back(&browser.inbox, 0), compound(0xc)));
    assert_true(address_equal(&browser.inbox.kept[0].from, &browser.relay));
}

static void says_nothing_before_there_are_keys(void **state)
{
    (void)state;
    phone_say(&phone, &hi);
    sim_settle();
    assert_int_equal(sim_drops(DROP_NO_REMOTE), 1);
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    phone_say(&phone, &hi);
    sim_send(&browser.peer.address, &browser.relay, speech_bytes(&hello));
    sim_settle();
    assert_int_equal(sim_drops(DROP_NO_KEYS), 2);
    assert_int_equal(browser.inbox.count + browser.undecipherable + phone.inbox.count, 0);
}

static void serves_every_profile(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum rtpsec_suite_id suite;
    } profiles[] = {
        {"SRTP_AEAD_AES_256_GCM", RTPSEC_AEAD_AES_256_GCM},
        {"SRTP_AEAD_AES_128_GCM", RTPSEC_AEAD_AES_128_GCM},
        {"SRTP_AES128_CM_SHA1_80", RTPSEC_AES_128_CM_80},
        {"SRTP_AES128_CM_SHA1_32", RTPSEC_AES_128_CM_32},
    };
    for (size_t i = 0; i < COUNT_OF(profiles); i++) {
        web()->dtls->generation++;
        scene_apply(&scene);
        browser_renew_dtls(&browser, profiles[i].name);
        browser_connect(&browser);
        assert_talk();
        scene_query(&scene);
        assert_ptr_equal(scene_transport_state(&scene, 1)->suite, rtpsec_suite(profiles[i].suite));
        assert_int_equal(scene_transport_state(&scene, 1)->dtls, RELAY_DTLS_CONNECTED);
    }
}

static void can_be_the_active_side(void **state)
{
    (void)state;
    web()->dtls->role = PLAN_DTLS_ACTIVE;
    scene_apply(&scene);
    sim_run(1000);
    assert_int_equal(browser.dtls_datagrams, 0); /* not before a pair is selected */
    browser_start_dtls(&browser, DTLS_ROLE_PASSIVE);
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    assert_true(browser_is_connected(&browser));
    assert_talk();
}

static void the_active_side_tries_again(void **state)
{
    (void)state;
    scene_stays(); /* a handshake that is not complete begins anew elsewhere */
    web()->dtls->role = PLAN_DTLS_ACTIVE;
    scene_apply(&scene);
    browser.deaf = true; /* checks are answered by another process than DTLS is */
    for (int i = 0; i < 29; i++) {
        browser_check(&browser, CHECK_NOMINATE);
        sim_run(1000);
    }
    assert_int_equal(counter_get(&counters()->dtls_failed), 0);
    browser.deaf = false;
    sim_run(1100);
    assert_int_equal(counter_get(&counters()->dtls_failed), 1);
    assert_true(browser_is_connected(&browser));
    assert_talk();
}

/* A handshake in the clear can be ended by whoever can forge the browser's address. */
static void a_forged_alert_only_delays(void **state)
{
    (void)state;
    static const uint8_t fatal[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
    web()->dtls->role = PLAN_DTLS_ACTIVE;
    scene_apply(&scene);
    browser.deaf = true;
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    sim_send(&browser.peer.address, &browser.relay, bytes_of(fatal, sizeof(fatal)));
    sim_settle();
    assert_int_equal(counter_get(&counters()->dtls_failed), 1);
    browser.deaf = false;
    browser_start_dtls(&browser, DTLS_ROLE_PASSIVE);
    sim_run(2100);
    assert_true(browser_is_connected(&browser));
    assert_talk();
}

static void stun_is_answered_by_who_it_is_for(void **state)
{
    (void)state;
    browser.relay_pwd = "not the password of the relay";
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    assert_int_equal(browser.answers, 0);
    assert_int_equal(browser.refusals, 1);
    assert_int_equal(browser.error_code, 401);

    browser.relay_pwd = web()->ice->local_pwd;
    browser.relay_ufrag = "nobody";
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    assert_int_equal(sim_drops(DROP_STUN_UNKNOWN_USER), 1);

    browser.relay_ufrag = web()->ice->local_ufrag;
    browser.controlled = true;
    browser_check(&browser, CHECK_PLAIN);
    sim_settle();
    assert_int_equal(browser.error_code, 487);

    /* None of these has proven the address. */
    browser_start_dtls(&browser, DTLS_ROLE_ACTIVE);
    sim_settle();
    assert_int_equal(sim_drops(DROP_UNKNOWN_SOURCE), 1);
    assert_int_equal(browser.dtls_datagrams, 0);
}

static void plain_stun_is_answered_on_every_port(void **state)
{
    (void)state;
    const char *const ports[] = {SHARED, RELAY_IP ":30004", RELAY_IP ":30005"};
    uint8_t memory[64], id[STUN_ID_SIZE] = {9};
    browser.relay_pwd = NULL;
    for (size_t i = 0; i < COUNT_OF(ports); i++) {
        struct writer w = writer_over(memory, sizeof(memory));
        struct address to = addr(ports[i]);
        stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of(id, sizeof(id)));
        browser.mapped = (struct address){.family = ADDRESS_NONE};
        sim_send(&browser.peer.address, &to, writer_bytes(&w));
        sim_settle();
        assert_int_equal(browser.answers, i + 1);
        assert_true(address_equal(&browser.mapped, &browser.peer.address));
    }
    assert_int_equal(counter_get(&counters()->stun_answered), COUNT_OF(ports));
}

static void follows_a_browser_that_roams(void **state)
{
    (void)state;
    assert_talk();
    browser.peer.address = addr(ROAMED);
    browser_say(&browser, &hello); /* media alone proves nothing on a new 5-tuple */
    sim_settle();
    assert_int_equal(sim_drops(DROP_UNKNOWN_SOURCE), 1);

    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    assert_talk();

    /* And on to IPv6, another local socket. */
    browser.peer.address = addr("[2001:db8::9]:777");
    browser.relay = addr(SHARED_6);
    browser_check(&browser, CHECK_NOMINATE);
    sim_run(600); /* a pair of lower priority: followed when the old one has fallen silent */
    assert_talk();
    assert_true(address_equal(&browser.inbox.kept[browser.inbox.count - 1].from, &browser.relay));
    assert_int_equal(counter_get(&counters()->dtls_connected), 1);
}

static void stops_when_consent_expires(void **state)
{
    (void)state;
    assert_talk();
    sim_run(29000);
    assert_talk();
    sim_run(2000);
    size_t heard = browser.inbox.count;
    phone_say(&phone, &hi);
    sim_settle();
    assert_int_equal(sim_drops(DROP_NO_CONSENT), 1);
    assert_int_equal(browser.inbox.count, heard);
    assert_int_equal(counter_get(&counters()->ice_consent_lost), 1);
    scene_query(&scene);
    assert_true(scene_transport_state(&scene, 1)->consent_expired);

    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    assert_talk();
    scene_query(&scene);
    assert_false(scene_transport_state(&scene, 1)->consent_expired);
}

static void consent_lasts_while_checks_come(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        sim_run(5000);
        browser_check(&browser, CHECK_PLAIN);
    }
    assert_talk();
    assert_int_equal(counter_get(&counters()->ice_consent_lost), 0);
}

static void media_goes_on_over_an_ice_restart(void **state)
{
    (void)state;
    assert_talk();
    web()->ice->generation++;
    strcpy(web()->ice->local_ufrag, "fresh");
    strcpy(web()->ice->local_pwd, "freshpasswordfreshpassword");
    strcpy(web()->ice->remote_ufrag, "BRW2");
    scene_apply(&scene);
    assert_talk();

    browser.relay_ufrag = "relay1"; /* consent for the old pair, until the new one is there */
    browser.relay_pwd = "relaypasswordrelaypassword1";
    browser_check(&browser, CHECK_PLAIN);
    sim_settle();
    assert_int_equal(browser.answers, 2);
    scene_point_browser(&browser, web());

    browser.ufrag = "BRW2";
    browser.peer.address = addr(ROAMED);
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    assert_talk();
    assert_int_equal(counter_get(&counters()->dtls_connected), 1);
}

/* The answer is not there yet: no fingerprint, no remote ufrag, and the handshake is done already.
 */
static void holds_a_handshake_that_comes_before_the_answer(void **state)
{
    (void)state;
    web()->ice->remote_ufrag[0] = '\0';
    memset(web()->dtls, 0, sizeof(*web()->dtls));
    web()->id = 3; /* a transport that never knew the browser */
    strcpy(web()->ice->local_ufrag, "early");
    scene.streams[0].transport = 3;
    scene_apply(&scene);

    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    browser_start_dtls(&browser, DTLS_ROLE_ACTIVE);
    sim_settle();
    browser_say(&browser, &hello);
    phone_say(&phone, &hi);
    sim_settle();
    assert_int_equal(sim_drops(DROP_NO_KEYS), 2);
    scene_query(&scene);
    assert_int_equal(scene_transport_state(&scene, 3)->dtls, RELAY_DTLS_UNVERIFIED);

    scene_know_browser(web(), &browser);
    web()->dtls->role = PLAN_DTLS_PASSIVE;
    scene_apply(&scene);
    assert_talk();
}

static void a_wrong_fingerprint_means_no_media(void **state)
{
    (void)state;
    web()->dtls->digest[5] ^= 1;
    web()->dtls->generation++;
    scene_apply(&scene);
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    browser_start_dtls(&browser, DTLS_ROLE_ACTIVE);
    sim_settle();
    assert_int_equal(counter_get(&counters()->dtls_failed), 1);
    phone_say(&phone, &hi);
    if (browser.tx != NULL)
        browser_say(&browser, &hello);
    sim_settle();
    assert_int_equal(phone.inbox.count + browser.inbox.count + browser.undecipherable, 0);
    assert_true(sim_drops(DROP_NO_KEYS) >= 1);
}

/* Held first, and found wrong when the answer comes. */
static void a_held_handshake_may_turn_out_wrong(void **state)
{
    (void)state;
    memset(web()->dtls, 0, sizeof(*web()->dtls));
    web()->dtls->generation = 1;
    scene_apply(&scene);
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    browser_start_dtls(&browser, DTLS_ROLE_ACTIVE);
    sim_settle();
    assert_int_equal(counter_get(&counters()->dtls_connected), 0);
    scene_know_browser(web(), &browser);
    web()->dtls->digest[0] ^= 0x80;
    scene_apply(&scene);
    assert_int_equal(counter_get(&counters()->dtls_failed), 1);
    browser_say(&browser, &hello);
    phone_say(&phone, &hi);
    sim_settle();
    assert_int_equal(sim_drops(DROP_NO_KEYS), 2);
}

static void drops_replayed_and_forged_srtp(void **state)
{
    (void)state;
    struct bytes sent = browser_send(&browser, speech_bytes(&hello));
    sim_send(&browser.peer.address, &browser.relay, sent);
    sim_settle();
    assert_int_equal(phone.inbox.count, 1);
    assert_int_equal(sim_drops(DROP_SRTP_REPLAY), 1);

    uint8_t forged[200];
    memcpy(forged, sent.data, sent.len);
    forged[3]++; /* another sequence number */
    sim_send(&browser.peer.address, &browser.relay, bytes_of(forged, sent.len));
    sim_settle();
    assert_int_equal(sim_drops(DROP_SRTP_AUTH), 1);

    struct address stranger = addr("203.0.113.66:666");
    sim_send(&stranger, &browser.relay, sent);
    sim_settle();
    assert_int_equal(sim_drops(DROP_UNKNOWN_SOURCE), 1);
    assert_int_equal(phone.inbox.count, 1);
}

static void counts_over_the_sequence_wrap(void **state)
{
    (void)state;
    /* Three wraps with gaps; each side's ROC must follow. */
    for (uint32_t i = 0; i < 3 * 65536; i += 997) {
        there.seq = (uint16_t)i;
        back.seq = (uint16_t)(i + 30000);
        size_t heard = phone.inbox.count, seen = browser.inbox.count;
        browser_say(&browser, &there);
        phone_say(&phone, &back);
        sim_settle();
        assert_int_equal(phone.inbox.count, heard + 1);
        assert_int_equal(browser.inbox.count, seen + 1);
    }
    assert_int_equal(browser.undecipherable, 0);
}

static void keeps_the_association_over_updates(void **state)
{
    (void)state;
    size_t before = browser.dtls_datagrams;
    for (int i = 0; i < 5; i++) {
        scene.transports[1].signalled++;
        web()->signalled++;
        scene_apply(&scene);
        sim_run(1000);
        assert_talk();
    }
    assert_int_equal(browser.dtls_datagrams, before);
    assert_int_equal(counter_get(&counters()->dtls_associations), 1);
}

static void media_goes_on_while_dtls_begins_anew(void **state)
{
    (void)state;
    web()->dtls->generation++;
    scene_apply(&scene);
    assert_talk(); /* with the old keys */
    browser_renew_dtls(&browser, NULL);
    browser_start_dtls(&browser, DTLS_ROLE_ACTIVE);
    sim_settle();
    assert_int_equal(counter_get(&counters()->dtls_connected), 2);
    assert_talk();
    assert_int_equal(sim_drops_in_all(), 0);
}

static void gives_openssl_back_and_still_works(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        sim_run(3000);
        browser_check(&browser, CHECK_PLAIN);
        assert_talk();
    }
}

static void bounds_the_handshakes_of_a_turn(void **state)
{
    (void)state;
    static const uint8_t record[] = {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0};
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    for (int i = 0; i < 200; i++)
        sim_send(&browser.peer.address, &browser.relay, bytes_of(record, sizeof(record)));
    phone_say(&phone, &hi);
    sim_settle();
    assert_int_equal(sim_drops(DROP_DTLS_BUSY), 200 - SLOW_LANE_PER_SOURCE);
    assert_int_equal(sim_drops(DROP_NO_KEYS), 1);
}

static unsigned received[8], received_count;
static void (*pass_on)(struct sim_peer *self, const struct address *from, struct bytes datagram);

static void note(struct sim_peer *self, const struct address *from, struct bytes datagram)
{
    received[received_count++ % COUNT_OF(received)] = packet_classify(datagram);
    pass_on(self, from, datagram);
}

static void media_leaves_before_stun_is_answered(void **state)
{
    (void)state;
    pass_on = browser.peer.receive;
    browser.peer.receive = note;
    received_count = 0;
    browser_check(&browser, CHECK_PLAIN);
    phone_say(&phone, &hi);
    sim_settle();
    browser.peer.receive = pass_on;
    assert_int_equal(received_count, 2);
    assert_int_equal(received[0], PACKET_RTP);
    assert_int_equal(received[1], PACKET_STUN);
}

/* By which each step takes a turn's time. */
static uint64_t hasty_clock(void)
{
    static uint64_t now_ns;
    return now_ns += 1000000;
}

/* Anybody may ask for his address, under as many addresses as he can forge: what waits then is
 * apart from the checks of those who have a call. */
static void a_flood_of_plain_stun_keeps_no_check_from_its_answer(void **state)
{
    (void)state;
    static const uint8_t id[STUN_ID_SIZE] = "transaction";
    uint8_t request[100];
    struct writer w = writer_over(request, sizeof(request));
    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of(id, sizeof(id)));
    scene.relay->slow_lane.clock_ns = hasty_clock;
    struct address from = addr("198.51.100.1:1");
    unsigned answers = browser.answers;
    for (unsigned i = 0; i < 4 * SLOW_LANE_MAX; i++) {
        from.port = (uint16_t)(1000 + i);
        sim_send(&from, &browser.relay, writer_bytes(&w));
        if (i == 3 * SLOW_LANE_MAX)
            browser_check(&browser, CHECK_PLAIN);
    }
    sim_settle();
    assert_int_equal(browser.answers, answers + 1);
    assert_true(sim_drops(DROP_STUN_BUSY) > SLOW_LANE_MAX);
}

/* The call ends between the packets of a turn and what they left for later. */
static void what_waits_goes_with_its_socket(void **state)
{
    (void)state;
    static const uint8_t id[STUN_ID_SIZE] = "transaction";
    uint8_t request[100];
    struct writer w = writer_over(request, sizeof(request));
    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of(id, sizeof(id)));
    for (int i = 0; i < 3; i++)
        phone_send(&phone, &phone.relay_rtp, writer_bytes(&w));
    browser_check(&browser, CHECK_PLAIN);
    unsigned answers = browser.answers;
    scene_end_call(&scene);
    assert_int_equal(sim_drops(DROP_NO_TRANSPORT), 3);
    assert_int_equal(sim_drops(DROP_STUN_UNKNOWN_USER), 1);
    assert_int_equal(browser.answers, answers);
}

static void bounds_the_tuples_of_a_transport(void **state)
{
    (void)state;
    struct address home = browser.peer.address;
    for (uint16_t i = 0; i < 200; i++) {
        browser.peer.address = addr("203.0.113.7:1");
        browser.peer.address.port = (uint16_t)(1000 + i);
        browser_check(&browser, CHECK_PLAIN);
        sim_settle();
    }
    assert_int_equal(browser.answers, 201);
    browser.peer.address.port = 1000;
    browser_say(&browser, &hello); /* the first 5-tuples are forgotten, not just invalid */
    sim_settle();
    assert_int_equal(sim_drops(DROP_UNKNOWN_SOURCE), 1);
    browser.peer.address = home;
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    assert_talk();
}

/* A port per stream (webrtc-port = 0), RTP and RTCP apart, ICE with two components. */
static void works_on_leased_ports_without_mux(void **state)
{
    (void)state;
    struct browser rtcp;
    struct plan_transport ice = *web();
    struct plan_transport *t = scene_leased(&scene, 3, NULL);
    struct plan_local local = t->locals[0];
    *t = ice;
    t->id = 3;
    strcpy(t->ice->local_ufrag, "leased");
    t->local_count = 1;
    t->locals[0] = local;
    t->rtcp_mux = false;
    scene.streams[0].transport = 3;
    scene_apply(&scene);

    scene_point_browser(&browser, t);
    browser.relay = local.rtp;
    browser_join(&rtcp, "192.0.2.1:5001", RELAY_IP ":30007", NULL);
    scene_point_browser(&rtcp, t);
    browser_start_dtls(&browser, DTLS_ROLE_ACTIVE); /* before any check */
    sim_settle();
    assert_int_equal(sim_drops(DROP_DTLS_SOURCE), 1);
    browser_renew_dtls(&browser, NULL);
    browser_connect(&browser);
    assert_talk();

    browser_check(&rtcp, CHECK_NOMINATE);
    sim_settle();
    browser_start_dtls(&rtcp, DTLS_ROLE_ACTIVE);
    sim_settle();
    assert_true(browser_is_connected(&rtcp));
    browser_send(&rtcp, compound(0xb));
    phone_send(&phone_rtcp, &phone.relay_rtcp, compound(0xc));
    sim_settle();
    assert_int_equal(phone_rtcp.inbox.count, 1);
    assert_int_equal(rtcp.inbox.count, 1);

    /* Media from an address that no check has come from. */
    browser.peer.address = addr(ROAMED);
    browser_say(&browser, &hello);
    sim_settle();
    assert_int_equal(sim_drops(DROP_ICE_SOURCE), 1);
    browser_leave(&rtcp);
}

static void a_lite_peer_is_believed_its_candidates(void **state)
{
    (void)state;
    struct plan_transport *t = web();
    t->id = 3;
    strcpy(t->ice->local_ufrag, "tolite");
    t->ice->remote_lite = true;
    t->ice->candidate_count = 1;
    t->ice->candidates[0] = (struct plan_candidate){
        .address = browser.peer.address, .priority = 2130706431, .component = 1};
    t->dtls->role = PLAN_DTLS_ACTIVE;
    scene.streams[0].transport = 3;
    browser_start_dtls(&browser, DTLS_ROLE_PASSIVE);
    scene_apply(&scene);
    sim_settle();
    /* Its packets come from an address that was signalled, so the shared port knows them. */
    assert_true(browser_is_connected(&browser));
    assert_talk();
}

/* DTLS without ICE, on leased ports. */
static void without_ice_dtls_is_taken_from_the_signalled_address(void **state)
{
    (void)state;
    struct plan_transport dtls = *web();
    struct plan_transport *t = scene_leased(&scene, 3, BROWSER);
    t->security = PLAN_DTLS;
    *t->dtls = *dtls.dtls;
    t->rtcp_mux = true;
    scene.streams[0].transport = 3;
    scene_apply(&scene);
    browser.relay = t->locals[0].rtp;

    browser.peer.address = addr(ROAMED);
    browser_start_dtls(&browser, DTLS_ROLE_ACTIVE);
    sim_settle();
    assert_int_equal(sim_drops(DROP_DTLS_SOURCE), 1);
    browser.peer.address = addr(BROWSER);
    usleep(60000); /* OpenSSL's own clock, until the ClientHello is sent again */
    sim_run(100);
    assert_true(browser_is_connected(&browser));
    assert_talk();

    /* Authentic media from elsewhere is followed. */
    browser.peer.address = addr(ROAMED);
    there.seq++;
    browser_say(&browser, &there);
    sim_settle();
    assert_talk();
}

/* The offer had ICE, the answer has none: the shared port goes by the signalled address. */
static void a_peer_without_ice_may_use_the_shared_port(void **state)
{
    (void)state;
    web()->ice = NULL;
    web()->remote_rtp = addr(BROWSER);
    scene_apply(&scene);
    browser_start_dtls(&browser, DTLS_ROLE_ACTIVE);
    sim_settle();
    assert_true(browser_is_connected(&browser));
    assert_talk();
    sim_send(&phone.peer.address, &browser.relay, speech_bytes(&hello));
    sim_settle();
    assert_int_equal(sim_drops(DROP_UNKNOWN_SOURCE), 1);

    /* Another call that claims the same address does not get it. */
    struct plan_transport *thief = scene_webrtc(&scene, 3);
    thief->ice = NULL;
    thief->remote_rtp = addr(BROWSER);
    scene_stream(&scene, 13, 3);
    scene_apply(&scene);
    assert_talk();
}

static void two_browsers_talk_srtp_to_srtp(void **state)
{
    (void)state;
    struct browser other;
    browser_join(&other, "192.0.2.77:7777", SHARED, "SRTP_AES128_CM_SHA1_80");
    other.ufrag = "OTHR";
    struct plan_transport *t = scene_webrtc(&scene, 3);
    scene_know_browser(t, &other);
    scene_point_browser(&other, t);
    scene.streams[1].transport = 3;
    scene.streams[1].strip_extensions = false;
    scene.streams[1].feedback = true;
    scene_apply(&scene);
    browser_check(&other, CHECK_NOMINATE);
    sim_settle();
    browser_start_dtls(&other, DTLS_ROLE_ACTIVE);
    sim_settle();

    struct speech s = hello;
    s.mid = "0";
    browser_say(&browser, &s);
    browser_say(&other, &hi);
    sim_settle();
    assert_true(bytes_equal(inbox_back(&other.inbox, 0), speech_bytes(&s)));
    assert_true(bytes_equal(inbox_back(&browser.inbox, 0), speech_bytes(&hi)));
    browser_leave(&other);
}

#define before_ice(f) cmocka_unit_test_setup_teardown(f, browser_and_phone, web_call_end)
#define connected(f) cmocka_unit_test_setup_teardown(f, browser_connected, web_call_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        before_ice(carries_audio_both_ways),
        connected(takes_header_extensions_out_for_the_phone),
        connected(joins_muxed_rtcp_and_two_ports),
        before_ice(says_nothing_before_there_are_keys),
        before_ice(serves_every_profile),
        before_ice(can_be_the_active_side),
        before_ice(the_active_side_tries_again),
        before_ice(a_forged_alert_only_delays),
        before_ice(stun_is_answered_by_who_it_is_for),
        before_ice(plain_stun_is_answered_on_every_port),
        connected(follows_a_browser_that_roams),
        connected(stops_when_consent_expires),
        connected(consent_lasts_while_checks_come),
        connected(media_goes_on_over_an_ice_restart),
        before_ice(holds_a_handshake_that_comes_before_the_answer),
        before_ice(a_wrong_fingerprint_means_no_media),
        before_ice(a_held_handshake_may_turn_out_wrong),
        connected(drops_replayed_and_forged_srtp),
        connected(counts_over_the_sequence_wrap),
        connected(keeps_the_association_over_updates),
        connected(media_goes_on_while_dtls_begins_anew),
        connected(gives_openssl_back_and_still_works),
        before_ice(bounds_the_handshakes_of_a_turn),
        connected(media_leaves_before_stun_is_answered),
        connected(a_flood_of_plain_stun_keeps_no_check_from_its_answer),
        connected(what_waits_goes_with_its_socket),
        connected(bounds_the_tuples_of_a_transport),
        before_ice(works_on_leased_ports_without_mux),
        before_ice(a_lite_peer_is_believed_its_candidates),
        before_ice(without_ice_dtls_is_taken_from_the_signalled_address),
        before_ice(a_peer_without_ice_may_use_the_shared_port),
        connected(two_browsers_talk_srtp_to_srtp),
    };
    if (!rtpsec_init())
        return 1;
    int failed = cmocka_run_group_tests_name("webrtc", tests, NULL, NULL);
    rtpsec_done();
    return failed;
}
