/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <stdio.h>

#include "base/hash.h"

enum { SSRCS = 3, PHONE = 0, SECURE, BROWSER, OLD, PARTIES };

struct scene scene;
static struct phone phone;             /* plain RTP, on transport 1 */
static struct browser voices[PARTIES]; /* SDES on 2 and 4; all of WebRTC on 3 */
uint64_t script_heard;

struct sender {
    uint16_t seq[SSRCS];
    size_t last_len;
    uint8_t last[DATAGRAM_MAX]; /* as it was on the wire */
};

static struct sender senders[PARTIES];

/* --- what comes out ----------------------------------------------------------------------------
 */

static void note(const void *data, size_t len)
{
    static const uint64_t seed[2] = {1, 2};
    script_heard = script_heard * 31 + hash_bytes(bytes_of(data, len), seed);
}

static void (*voice_receive)(
    struct sim_peer *self, const struct address *from, struct bytes datagram);
static void (*phone_receive)(
    struct sim_peer *self, const struct address *from, struct bytes datagram);

static void note_inbox(
    unsigned party, const struct inbox *inbox, size_t before, const struct address *from)
{
    note(&party, sizeof(party));
    note(from->ip, sizeof(from->ip));
    note(&from->port, sizeof(from->port));
    if (inbox->count == before)
        return;
    struct bytes plain = inbox_back(inbox, 0);
    note(plain.data, plain.len);
}

static void voice_hears(struct sim_peer *self, const struct address *from, struct bytes datagram)
{
    struct browser *b = (struct browser *)self;
    size_t before = b->inbox.count;
    voice_receive(self, from, datagram);
    note_inbox((unsigned)(b - voices), &b->inbox, before, from);
    note(&b->undecipherable, sizeof(b->undecipherable));
    note(&b->answers, sizeof(b->answers));
    /* Of SDES, whose keys are the same each time, even what is on the wire. */
    if (b != &voices[BROWSER])
        note(datagram.data, datagram.len);
}

static void phone_hears(struct sim_peer *self, const struct address *from, struct bytes datagram)
{
    size_t before = phone.inbox.count;
    phone_receive(self, from, datagram);
    note_inbox(PHONE, &phone.inbox, before, from);
}

/* --- the scene ---------------------------------------------------------------------------------
 */

static void join_voice(unsigned party, const char *address, const char *relay)
{
    struct browser *b = &voices[party];
    browser_join(b, address, relay, NULL);
    voice_receive = b->peer.receive;
    b->peer.receive = voice_hears;
}

static void use_sdes(struct plan_transport *t, unsigned party, enum rtpsec_suite_id id)
{
    const struct rtpsec_suite *suite = rtpsec_suite(id);
    uint8_t rx[PLAN_MAX_KEY], tx[PLAN_MAX_KEY];
    struct gen g = {.state = party};
    gen_fill(&g, rx, sizeof(rx));
    gen_fill(&g, tx, sizeof(tx));
    t->security = PLAN_SDES;
    t->rtcp_mux = party == SECURE;
    t->srtp_rx->suite = t->srtp_tx->suite = suite;
    memcpy(t->srtp_rx->key, rx, PLAN_MAX_KEY);
    memcpy(t->srtp_tx->key, tx, PLAN_MAX_KEY);
    browser_use_keys(&voices[party], suite, tx, rx);
}

static struct plan_stream *stream(uint32_t id, uint32_t transport, const char *mid, uint8_t type)
{
    struct plan_stream *s = scene_stream(&scene, id, transport);
    s->mid = mid;
    s->mid_extension = mid != NULL ? 4 : 0;
    s->payloads[0].type = type;
    return s;
}

static void connect_all(void)
{
    static const uint8_t sinks[][2] = {
        {0, 1}, {0, 2}, {1, 0}, {1, 3}, {2, 0}, {2, 4}, {3, 1}, {4, 2}};
    struct plan_stream *streams[] = {stream(11, 1, NULL, 0), stream(21, 2, NULL, 0),
        stream(31, 3, "a", 0), stream(32, 3, "v", 96), stream(41, 4, NULL, 0)};
    for (size_t i = 0; i < COUNT_OF(sinks); i++)
        scene_sink(streams[sinks[i][0]], streams[sinks[i][1]]);
}

void script_open(void)
{
    memset(senders, 0, sizeof(senders));
    scene_open(&scene);
    phone_join(&phone, "192.0.2.1:5000", RELAY_IP ":30002");
    phone_receive = phone.peer.receive;
    phone.peer.receive = phone_hears;
    join_voice(SECURE, "192.0.2.2:5000", RELAY_IP ":30004");
    join_voice(BROWSER, "192.0.2.3:5000", SHARED);
    join_voice(OLD, "192.0.2.4:5000", RELAY_IP ":30008");
    scene_leased(&scene, 1, "10.0.0.1:5000");
    use_sdes(scene_leased(&scene, 2, "192.0.2.2:5000"), SECURE, RTPSEC_AEAD_AES_128_GCM);
    struct plan_transport *web = scene_webrtc(&scene, 3);
    scene_know_browser(web, &voices[BROWSER]);
    scene_point_browser(&voices[BROWSER], web);
    use_sdes(scene_leased(&scene, 4, "192.0.2.4:5000"), OLD, RTPSEC_AES_128_CM_32);
    connect_all();
    scene_apply(&scene);
    browser_connect(&voices[BROWSER]);
    script_heard = 0; /* handshakes have more datagrams or fewer */
}

void script_close(void)
{
    scene_check_sums(&scene);
    sim_leave(&phone.peer);
    for (unsigned party = SECURE; party < PARTIES; party++)
        browser_leave(&voices[party]);
    scene_close(&scene);
}

/* --- the script --------------------------------------------------------------------------------
 */

static void send_plain(unsigned party, struct bytes plain)
{
    struct sender *s = &senders[party];
    struct bytes sent = plain;
    if (party == PHONE)
        phone_send(&phone, &phone.relay_rtp, plain);
    else if (!browser_try_send(&voices[party], plain, &sent))
        return;
    s->last_len = sent.len;
    memcpy(s->last, sent.data, sent.len);
}

static void speak(struct gen *g, unsigned party, unsigned which)
{
    static const char *const mids[] = {NULL, "a", "v"};
    const char *mid = mids[gen_below(g, COUNT_OF(mids))];
    uint8_t type = gen_below(g, 4) == 0 ? 96 : 0;
    struct speech s = {.ssrc = 100 * party + which,
        .seq = senders[party].seq[which],
        .timestamp = (uint32_t)gen_below(g, 100000),
        .payload_type = party == BROWSER ? type : 0,
        .payload = "sixteen or more bytes",
        .mid = party == BROWSER ? mid : NULL};
    send_plain(party, speech_bytes(&s));
}

static void next_number(struct gen *g, unsigned party, unsigned which)
{
    uint16_t *seq = &senders[party].seq[which];
    size_t kind = gen_below(g, 40);
    unsigned step = kind == 0 ? 2500 : kind < 4 ? 2 + (unsigned)gen_below(g, 50) : 1;
    *seq = (uint16_t)(*seq + step);
    if (party == PHONE && kind == 5)
        *seq = (uint16_t)gen_below(g, 65536); /* begins anew */
}

static void say(struct gen *g, unsigned party)
{
    unsigned which = (unsigned)gen_below(g, SSRCS);
    next_number(g, party, which);
    if (gen_below(g, 10) == 0) { /* the next one overtakes it */
        uint16_t seq = senders[party].seq[which]++;
        speak(g, party, which);
        uint16_t next = senders[party].seq[which];
        senders[party].seq[which] = seq;
        speak(g, party, which);
        senders[party].seq[which] = next;
        return;
    }
    speak(g, party, which);
}

static void report(struct gen *g, unsigned party)
{
    uint8_t memory[200];
    struct writer w = writer_over(memory, sizeof(memory));
    uint32_t ssrc = 100 * party + (uint32_t)gen_below(g, SSRCS);
    struct rtcp_sender sender = {.ssrc = ssrc, .ntp = gen_u64(g)};
    struct rtcp_report block = {
        .ssrc = 100 * (uint32_t)gen_below(g, PARTIES), .lost = (int32_t)gen_below(g, 9)};
    if (gen_below(g, 2) == 0)
        rtcp_write_sr(&w, &sender, &block, 1);
    else
        rtcp_write_rr(&w, ssrc, &block, 1);
    send_plain(party, writer_bytes(&w));
}

/* What was script_heard once, of SRTP, is script_heard no more. */
static void repeat(unsigned party)
{
    const struct sender *s = &senders[party];
    if (party == PHONE || s->last_len == 0)
        return;
    sim_send(&voices[party].peer.address, &voices[party].relay, bytes_of(s->last, s->last_len));
}

static void change_address(struct gen *g, unsigned party)
{
    struct address *own = party == PHONE ? &phone.peer.address : &voices[party].peer.address;
    own->port = (uint16_t)(5000 + gen_below(g, 4));
    if (gen_below(g, 4) == 0)
        own->ip[3] = (uint8_t)(10 * (party + 1) + gen_below(g, 3));
}

static void change_plan(struct gen *g)
{
    struct plan_stream *s = &scene.streams[gen_below(g, scene.plan.stream_count)];
    struct plan_transport *t = &scene.transports[gen_below(g, scene.plan.transport_count)];
    switch (gen_below(g, 6)) {
    case 0:
        s->party_sends = !s->party_sends;
        break;
    case 1:
        s->party_receives = !s->party_receives;
        break;
    case 2:
        t->strict_source = !t->strict_source;
        break;
    case 3:
        s->strip_extensions = !s->strip_extensions;
        break;
    case 4:
        t->media_handover = !t->media_handover;
        break;
    default:
        t->signalled++;
        break;
    }
    scene_apply(&scene);
}

static void check(struct gen *g)
{
    if (gen_below(g, 4) == 0)
        change_address(g, BROWSER);
    browser_check(&voices[BROWSER], gen_below(g, 2) ? CHECK_NOMINATE : CHECK_PLAIN);
}

static void restart_ice(struct gen *g)
{
    struct plan_ice *ice = scene.transports[2].ice;
    ice->generation++;
    snprintf(ice->local_ufrag, PLAN_UFRAG_SIZE, "fresh%u", ice->generation);
    snprintf(ice->local_pwd, PLAN_PWD_SIZE, "freshpasswordfreshpassword%u", ice->generation);
    scene_apply(&scene);
    if (gen_below(g, 3) > 0)
        check(g);
}

void script_step(struct gen *g)
{
    unsigned party = (unsigned)gen_below(g, PARTIES);
    size_t kind = gen_below(g, 40);
    if (kind < 25)
        say(g, party);
    else if (kind < 28)
        report(g, party);
    else if (kind < 30)
        repeat(party);
    else if (kind < 32)
        change_address(g, party);
    else if (kind < 34)
        change_plan(g);
    else if (kind < 38)
        check(g);
    else if (kind == 38)
        restart_ice(g);
    else
        sim_run(10 * gen_below(g, 800));
    sim_settle();
}
