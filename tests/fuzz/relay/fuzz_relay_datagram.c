/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams of any kind, from anyone, to every port of a relay that carries a call of each kind.
 *
 * The input is a row of steps: one byte of verb and number, two of length, and the data. A step
 * sends the data as it is, or protected with the right keys, or lets a real check, a real handshake
 * or time happen. Whatever comes: no packet gets lost between the counters, and the call can be
 * ended.
 */
#include "../require.h"

#include "base/log.h"
#include "scene.h"

enum {
    VERB_SEND, /* the data to port `number`, from a source chosen by its first byte */
    VERB_SEND_PROTECTED,
    VERB_CHECK,
    VERB_HANDSHAKE,
    VERB_WAIT,
    VERB_PLAN, /* the next offer or answer */
    VERBS
};

struct world {
    struct scene scene;
    struct browser browser; /* on the shared port */
    struct browser secure;  /* with SDES keys */
};

static const char *const ports[] = {SHARED, SHARED_6, RELAY_IP ":30002", RELAY_IP ":30003",
    RELAY_IP ":30004", RELAY_IP ":30006", RELAY_IP ":30008", RELAY_IP ":30009", RELAY_IP ":30010"};
static const char *const sources[] = {
    "192.0.2.1:5000", "192.0.2.2:6000", "192.0.2.3:7000", "192.0.2.4:8000", "[2001:db8::7]:9"};

static void plan_webrtc(struct world *w)
{
    struct scene *s = &w->scene;
    struct plan_transport *shared = scene_webrtc(s, 6);
    scene_know_browser(shared, &w->browser);
    scene_point_browser(&w->browser, shared);
    struct plan_transport *leased = scene_leased(s, 4, NULL);
    leased->ice = shared->ice;
    strcpy(leased->ice->local_ufrag, "leased");
    leased->security = PLAN_DTLS;
    leased->dtls->role = PLAN_DTLS_ACTIVE;
}

static void plan_sdes(struct world *w)
{
    struct plan_transport *t = scene_leased(&w->scene, 3, "192.0.2.3:7000");
    const struct rtpsec_suite *suite = rtpsec_suite(RTPSEC_AES_128_CM_80);
    t->security = PLAN_SDES;
    t->rtcp_mux = true;
    t->srtp_rx->suite = t->srtp_tx->suite = suite;
    memset(t->srtp_rx->key, 1, sizeof(t->srtp_rx->key));
    memset(t->srtp_tx->key, 2, sizeof(t->srtp_tx->key));
    browser_use_keys(&w->secure, suite, t->srtp_tx->key, t->srtp_rx->key);
}

/* Plain, SDES, not RTP, ICE on leased ports, and a bundle of two on the shared port. */
static void plan_all(struct world *w)
{
    struct scene *s = &w->scene;
    scene_leased(s, 1, "192.0.2.1:5000");
    scene_leased(s, 2, "192.0.2.2:6000")->strict_source = true;
    plan_sdes(w);
    plan_webrtc(w);
    scene_leased(s, 5, "192.0.2.2:6000");

    struct plan_stream *plain = scene_stream(s, 11, 1), *other = scene_stream(s, 12, 2);
    struct plan_stream *secure = scene_stream(s, 13, 3), *leased = scene_stream(s, 14, 4);
    struct plan_stream *raw = scene_stream(s, 15, 5);
    struct plan_stream *audio = scene_stream(s, 16, 6), *video = scene_stream(s, 17, 6);
    raw->kind = PLAN_STREAM_RAW;
    audio->mid_extension = video->mid_extension = 4;
    audio->mid = "a";
    video->mid = "v";
    video->payloads[0].type = 96;
    other->strip_extensions = true;
    secure->feedback = true;
    scene_connect(plain, other);
    scene_connect(plain, secure);
    scene_connect(audio, other);
    scene_connect(video, secure);
    scene_connect(leased, raw);
    scene_connect(audio, secure);
}

static void begin(struct world *w)
{
    static bool ready;
    if (!ready)
        require(rtpsec_init());
    ready = true;
    log_set_level(LOG_EMERG);
    scene_open(&w->scene);
    browser_join(&w->browser, sources[0], SHARED, NULL);
    browser_join(&w->secure, sources[2], RELAY_IP ":30006", NULL);
    plan_all(w);
    scene_apply(&w->scene);
}

static void send_data(const char *port, struct bytes data)
{
    uint8_t first = data.len > 0 ? data.data[0] : 0;
    struct address from = addr(sources[first % COUNT_OF(sources)]), to = addr(port);
    sim_send(&from, &to, data.len > 0 ? bytes_of(data.data + 1, data.len - 1) : data);
}

static void next_plan(struct world *w, unsigned number)
{
    struct plan_transport *t = &w->scene.transports[number % w->scene.plan.transport_count];
    t->signalled++;
    t->dtls->generation += number & 1;
    t->learning = (enum plan_learning)(number % 4);
    t->media_handover = (number & 2) != 0;
    scene_apply(&w->scene);
}

static void step(struct world *w, unsigned verb, unsigned number, struct bytes data)
{
    struct bytes sent;
    switch (verb) {
    case VERB_SEND:
        send_data(ports[number % COUNT_OF(ports)], data);
        break;
    case VERB_SEND_PROTECTED:
        (void)!browser_try_send(&w->secure, data, &sent);
        if (w->browser.tx != NULL)
            (void)!browser_try_send(&w->browser, data, &sent);
        break;
    case VERB_CHECK:
        w->browser.peer.address = addr(sources[number % (COUNT_OF(sources) - 1)]);
        browser_check(&w->browser, CHECK_NOMINATE);
        break;
    case VERB_HANDSHAKE:
        browser_start_dtls(&w->browser, DTLS_ROLE_ACTIVE);
        break;
    case VERB_WAIT:
        sim_run(number * 200);
        break;
    case VERB_PLAN:
        next_plan(w, number);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct reader r = reader_over(bytes_of(data, size));

    begin(&w);
    for (unsigned steps = 0; steps < 64 && reader_left(&r) > 0; steps++) {
        uint8_t verb = reader_u8(&r);
        size_t len = reader_u16(&r) & 0x7ff;
        if (len > reader_left(&r))
            len = reader_left(&r);
        step(&w, verb % 8u, verb / 8u, reader_take(&r, len));
        if (verb < 0x80) /* else several steps make one batch */
            sim_settle();
    }
    sim_settle();
    scene_check_sums(&w.scene);
    scene_query(&w.scene);
    require(w.scene.found);
    scene_end_call(&w.scene);
    require(sim_open_sockets() == 2);
    scene_check_sums(&w.scene);
    browser_leave(&w.browser);
    browser_leave(&w.secure);
    scene_close(&w.scene);
    return 0;
}
