/* SPDX-License-Identifier: Apache-2.0 */
/* A browser with audio and video on one 5-tuple (RFC 9143), a phone with a port for each. */
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct scene scene;
static struct browser browser;
static struct phone audio, video, video_rtcp;

enum { PT_AUDIO = 0, PT_VIDEO = 96, PT_BOTH = 101 };

static struct plan_stream *stream(uint32_t id, uint32_t transport, const char *mid, uint8_t type)
{
    struct plan_stream *s = scene_stream(&scene, id, transport);
    s->mid = mid;
    s->mid_extension = 4;
    s->payload_count = 2;
    s->payloads[0] = (struct plan_payload){.type = type, .clock_rate = 8000};
    s->payloads[1] = (struct plan_payload){.type = PT_BOTH, .clock_rate = 8000};
    return s;
}

static int bundle(void **state)
{
    (void)state;
    scene_open(&scene);
    browser_join(&browser, "192.0.2.1:5000", SHARED, NULL);
    phone_join(&audio, "192.0.2.2:6000", RELAY_IP ":30004");
    phone_join(&video, "192.0.2.2:6002", RELAY_IP ":30006");
    phone_join(&video_rtcp, "192.0.2.2:6003", RELAY_IP ":30006");
    struct plan_transport *t = scene_webrtc(&scene, 1);
    scene_know_browser(t, &browser);
    scene_point_browser(&browser, t);
    scene_leased(&scene, 2, "192.0.2.2:6000");
    scene_leased(&scene, 3, "192.0.2.2:6002");
    struct plan_stream *web_audio = stream(11, 1, "a0", PT_AUDIO);
    struct plan_stream *web_video = stream(12, 1, "v1", PT_VIDEO);
    web_audio->feedback = web_video->feedback = true;
    struct plan_stream *pbx_audio = stream(21, 2, "", PT_AUDIO);
    struct plan_stream *pbx_video = stream(22, 3, "", PT_VIDEO);
    scene_connect(web_audio, pbx_audio);
    scene_connect(web_video, pbx_video);
    scene_apply(&scene);
    browser_connect(&browser);
    return 0;
}

static int close_scene(void **state)
{
    (void)state;
    scene_check_sums(&scene);
    browser_leave(&browser);
    sim_leave(&audio.peer);
    sim_leave(&video.peer);
    sim_leave(&video_rtcp.peer);
    scene_close(&scene);
    return 0;
}

static void say(uint32_t ssrc, uint8_t type, const char *mid)
{
    static uint16_t seq;
    browser_say(&browser,
        &(struct speech){
            .ssrc = ssrc, .seq = seq++, .payload_type = type, .payload = "x", .mid = mid});
    sim_settle();
}

static void tells_streams_apart(void **state)
{
    (void)state;
    say(1000, PT_AUDIO, NULL);
    assert_int_equal(audio.inbox.count, 1);
    say(2000, PT_VIDEO, NULL);
    assert_int_equal(video.inbox.count, 1);
    say(3000, PT_BOTH, NULL);
    assert_int_equal(sim_drops(DROP_NO_STREAM), 1);
    say(3000, PT_BOTH, "v1");
    assert_int_equal(video.inbox.count, 2);
    say(3000, PT_BOTH, NULL);
    assert_int_equal(video.inbox.count, 3);
    say(4000, PT_AUDIO, "other");
    assert_int_equal(sim_drops(DROP_NO_STREAM), 2);
    assert_int_equal(audio.inbox.count, 1);
}

static void sends_both_on_one_path(void **state)
{
    (void)state;
    phone_say(&audio, &(struct speech){.ssrc = 5, .seq = 1, .payload = "sound"});
    phone_say(&video,
        &(struct speech){.ssrc = 6, .seq = 1, .payload_type = PT_VIDEO, .payload = "pixels"});
    sim_settle();
    assert_int_equal(browser.inbox.count, 2);
    assert_true(address_equal(&browser.inbox.kept[0].from, &browser.relay));
    assert_true(address_equal(&browser.inbox.kept[1].from, &browser.relay));
}

static void remembers_over_an_update(void **state)
{
    (void)state;
    say(3000, PT_BOTH, "v1");
    for (int i = 0; i < 3; i++) {
        scene.transports[0].signalled++;
        scene_apply(&scene);
        say(3000, PT_BOTH, NULL);
    }
    assert_int_equal(video.inbox.count, 4);
}

/* RTCP follows who sent it, else what it is about. */
static void rtcp_finds_its_stream(void **state)
{
    (void)state;
    uint8_t memory[200];
    struct writer w = writer_over(memory, sizeof(memory));
    struct rtcp_sender sender = {.ssrc = 2000};
    say(2000, PT_VIDEO, NULL);
    rtcp_write_sr(&w, &sender, NULL, 0);
    browser_send(&browser, writer_bytes(&w));
    sim_settle();
    assert_int_equal(video_rtcp.inbox.count, 1);

    /* A receiver without media of its own reports on what the video phone sends. */
    phone_say(
        &video, &(struct speech){.ssrc = 6, .seq = 1, .payload_type = PT_VIDEO, .payload = "p"});
    sim_settle();
    w = writer_over(memory, sizeof(memory));
    struct rtcp_report report = {.ssrc = 6, .highest_seq = 1};
    rtcp_write_rr(&w, 1, &report, 1);
    browser_send(&browser, writer_bytes(&w));
    sim_settle();
    assert_int_equal(video_rtcp.inbox.count, 2);
}

static void video_may_end_and_audio_go_on(void **state)
{
    (void)state;
    say(1000, PT_AUDIO, NULL);
    scene.streams[1] = scene.streams[2]; /* streams 12 and 22 go, transport 3 too */
    scene.plan.stream_count = 2;
    scene.plan.transport_count = 2;
    scene_apply(&scene);
    assert_int_equal(scene.closed[3], 1);
    say(1000, PT_AUDIO, NULL);
    assert_int_equal(audio.inbox.count, 2);
    assert_int_equal(sim_open_sockets(), 2 + 2);
}

#define test(f) cmocka_unit_test_setup_teardown(f, bundle, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(tells_streams_apart),
        test(sends_both_on_one_path),
        test(remembers_over_an_update),
        test(rtcp_finds_its_stream),
        test(video_may_end_and_audio_go_on),
    };
    if (!rtpsec_init())
        return 1;
    int failed = cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
    rtpsec_done();
    return failed;
}
