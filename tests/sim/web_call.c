/* SPDX-License-Identifier: Apache-2.0 */
#include "web_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct scene scene;
struct browser browser;
struct phone phone, phone_rtcp;
struct speech there, back;

struct plan_transport *web(void)
{
    return &scene.transports[0];
}

struct plan_transport *pbx(void)
{
    return &scene.transports[1];
}

void web_call_begin(void)
{
    there = (struct speech){.ssrc = 0xb, .timestamp = 160, .payload = "from the browser"};
    back = (struct speech){.ssrc = 0xc, .timestamp = 320, .payload = "from the phone"};
    scene_open(&scene);
    browser_join(&browser, BROWSER, SHARED, NULL);
    phone_join(&phone, "192.0.2.2:6000", RELAY_IP ":30004");
    phone_join(&phone_rtcp, "192.0.2.2:6001", RELAY_IP ":30004");
    scene_webrtc(&scene, 1);
    scene_leased(&scene, 2, "192.0.2.2:6000");
    scene_know_browser(web(), &browser);
    scene_point_browser(&browser, web());
    struct plan_stream *a = scene_stream(&scene, 11, 1);
    a->feedback = true;
    scene_connect(a, scene_stream(&scene, 12, 2));
}

int web_call_end(void **state)
{
    (void)state;
    scene_check_sums(&scene);
    browser_leave(&browser);
    sim_leave(&phone.peer);
    sim_leave(&phone_rtcp.peer);
    scene_close(&scene);
    return 0;
}

const struct relay_counters *counters(void)
{
    return relay_counters(scene.relay);
}

void assert_talk(void)
{
    size_t heard = phone.inbox.count, seen = browser.inbox.count;
    there.seq++;
    back.seq++;
    browser_say(&browser, &there);
    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(phone.inbox.count, heard + 1);
    assert_true(bytes_equal(inbox_back(&phone.inbox, 0), speech_bytes(&there)));
    assert_int_equal(browser.inbox.count, seen + 1);
    assert_true(bytes_equal(inbox_back(&browser.inbox, 0), speech_bytes(&back)));
    assert_int_equal(browser.undecipherable, 0);
}

struct bytes compound(uint32_t ssrc)
{
    static uint8_t memory[200];
    struct writer w = writer_over(memory, sizeof(memory));
    struct rtcp_sender sender = {.ssrc = ssrc, .ntp = 1u << 20, .packets = 3};
    rtcp_write_sr(&w, &sender, NULL, 0);
    rtcp_write_cname(&w, ssrc, TEXT("x@y"));
    return writer_bytes(&w);
}
