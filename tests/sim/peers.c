/* SPDX-License-Identifier: Apache-2.0 */
#include "peers.h"

#include <assert.h>
#include <stdlib.h>

#include "mediaferry/classify.h"
#include "mediaferry/stun.h"
#include "stun/integrity.h"

enum { NOW_S = 1700000000 };

/* --- both ---------------------------------------------------------------------------------------
 */

struct address addr(const char *literal)
{
    struct address a;
    if (!address_parse_with_port(text_from(literal), 0, &a))
        abort();
    return a;
}

static void inbox_put(struct inbox *inbox, const struct address *from, struct bytes datagram)
{
    size_t at = inbox->count++ % INBOX_MAX;
    assert(datagram.len <= DATAGRAM_MAX);
    inbox->kept[at].from = *from;
    inbox->kept[at].len = datagram.len;
    memcpy(inbox->kept[at].data, datagram.data, datagram.len);
}

struct bytes inbox_back(const struct inbox *inbox, size_t n)
{
    if (n >= inbox->count || n >= INBOX_MAX)
        return bytes_of(NULL, 0);
    size_t at = (inbox->count - 1 - n) % INBOX_MAX;
    return bytes_of(inbox->kept[at].data, inbox->kept[at].len);
}

/* RFC 8285, one-byte form. */
static struct bytes mid_extension(const char *mid, uint8_t out[20])
{
    size_t len = strlen(mid);
    assert(len > 0 && len <= 16);
    memset(out, 0, 20);
    out[0] = (uint8_t)(4 << 4 | (len - 1));
    memcpy(out + 1, mid, len);
    return bytes_of(out, (len + 1 + 3) / 4 * 4);
}

struct bytes speech_bytes(const struct speech *s)
{
    static uint8_t memory[DATAGRAM_MAX];
    uint8_t extension[20];
    struct writer w = writer_over(memory, sizeof(memory));
    struct rtp_packet packet = {
        .payload_type = s->payload_type,
        .seq = s->seq,
        .timestamp = s->timestamp,
        .ssrc = s->ssrc,
        .payload = text_bytes(text_from(s->payload)),
    };
    if (s->mid != NULL) {
        packet.has_extension = true;
        packet.extension_profile = 0xbede;
        packet.extension = mid_extension(s->mid, extension);
    }
    rtp_write(&w, &packet);
    return writer_bytes(&w);
}

/* --- the phone ----------------------------------------------------------------------------------
 */

static void phone_receive(struct sim_peer *self, const struct address *from, struct bytes datagram)
{
    struct phone *p = (struct phone *)self;
    inbox_put(&p->inbox, from, datagram);
}

void phone_join(struct phone *p, const char *address, const char *relay)
{
    *p = (struct phone){.peer = {.address = addr(address), .receive = phone_receive}};
    p->relay_rtp = p->relay_rtcp = addr(relay);
    p->relay_rtcp.port++;
    sim_join(&p->peer);
}

void phone_send(struct phone *p, const struct address *to, struct bytes datagram)
{
    sim_send(&p->peer.address, to, datagram);
}

void phone_say(struct phone *p, const struct speech *s)
{
    phone_send(p, &p->relay_rtp, speech_bytes(s));
}

/* --- the browser --------------------------------------------------------------------------------
 */

static struct dtls_certificate *certificate(void)
{
    static struct dtls_certificate *own;
    if (own == NULL)
        own = dtls_certificate_new(NOW_S);
    assert(own != NULL);
    return own;
}

const struct dtls_fingerprint *browser_fingerprint(void)
{
    return dtls_certificate_fingerprint(certificate(), DTLS_SHA256);
}

static const struct dtls_fingerprint *expected;

void browsers_expect(const struct dtls_fingerprint *fingerprint)
{
    expected = fingerprint;
}

static void send_dtls(void *owner, struct bytes datagram)
{
    struct browser *b = owner;
    sim_send(&b->peer.address, &b->relay, datagram);
}

static struct rtpsec_session *session(const struct rtpsec_suite *suite,
    enum rtpsec_direction direction, const uint8_t *key, const uint8_t *salt)
{
    struct rtpsec_session_config config = {
        .suite = suite,
        .direction = direction,
        .key = bytes_of(key, suite->key_len),
        .salt = bytes_of(salt, suite->salt_len),
    };
    struct rtpsec_session *s = rtpsec_session_new(&config);
    assert(s != NULL);
    return s;
}

static void use(struct browser *b, struct rtpsec_session *rx, struct rtpsec_session *tx)
{
    rtpsec_session_free(b->rx);
    rtpsec_session_free(b->tx);
    b->rx = rx;
    b->tx = tx;
}

void browser_use_keys(struct browser *b, const struct rtpsec_suite *suite,
    const uint8_t *rx_material, const uint8_t *tx_material)
{
    use(b, session(suite, RTPSEC_RX, rx_material, rx_material + suite->key_len),
        session(suite, RTPSEC_TX, tx_material, tx_material + suite->key_len));
}

static void take_keys(struct browser *b)
{
    struct dtls_srtp_keys keys;
    bool ok = dtls_keys(b->dtls, &keys);
    assert(ok);
    (void)ok;
    const struct rtpsec_suite *suite = rtpsec_suite_by_dtls_profile(keys.profile);
    assert(suite != NULL);
    use(b, session(suite, RTPSEC_RX, keys.rx_key, keys.rx_salt),
        session(suite, RTPSEC_TX, keys.tx_key, keys.tx_salt));
}

bool browser_is_connected(const struct browser *b)
{
    return b->rx != NULL && dtls_association_state(b->dtls) == DTLS_VERIFIED;
}

static void after_dtls(struct browser *b, enum dtls_state before)
{
    if (before != DTLS_VERIFIED && dtls_association_state(b->dtls) == DTLS_VERIFIED)
        take_keys(b);
}

static void receive_stun(struct browser *b, struct bytes datagram)
{
    struct stun_message m;
    struct bytes value;
    struct text reason;
    if (stun_parse(datagram, &m) != STUN_OK)
        abort();
    if (stun_class_of(m.type) == STUN_ERROR) {
        b->refusals++;
        if (stun_find(&m, STUN_ERROR_CODE, &value))
            (void)!stun_read_error(value, &b->error_code, &reason);
        return;
    }
    b->answers++;
    if (b->relay_pwd != NULL && stun_has(&m, STUN_MESSAGE_INTEGRITY))
        assert(stun_check_integrity(&m, text_bytes(text_from(b->relay_pwd))) == STUN_CHECK_RIGHT);
    if (stun_find(&m, STUN_XOR_MAPPED_ADDRESS, &value))
        (void)!stun_read_xor_address(&m, value, &b->mapped);
}

static void receive_media(struct browser *b, const struct address *from, struct bytes datagram)
{
    static _Alignas(8) uint8_t memory[DATAGRAM_MAX];
    struct rtpsec_packet packet = {
        .session = b->rx,
        .data = memory,
        .len = datagram.len,
        .capacity = sizeof(memory),
        .is_rtcp = rtp_is_rtcp(datagram),
    };
    memcpy(memory, datagram.data, datagram.len);
    rtpsec_unprotect(&packet, 1);
    if (packet.verdict == RTPSEC_OK)
        inbox_put(&b->inbox, from, bytes_of(packet.data, packet.len));
    else
        b->undecipherable++;
}

static void browser_receive(
    struct sim_peer *self, const struct address *from, struct bytes datagram)
{
    struct browser *b = (struct browser *)self;
    enum packet_kind kind = packet_classify(datagram);
    if (kind == PACKET_STUN)
        receive_stun(b, datagram);
    if (kind == PACKET_RTP || kind == PACKET_RTCP)
        receive_media(b, from, datagram);
    if (kind != PACKET_DTLS || b->deaf)
        return;
    enum dtls_state before = dtls_association_state(b->dtls);
    b->dtls_datagrams++;
    dtls_receive(b->dtls, datagram, sim_now_ms());
    after_dtls(b, before);
}

static void browser_tick(struct sim_peer *self, uint64_t now_ms)
{
    struct browser *b = (struct browser *)self;
    enum dtls_state before = dtls_association_state(b->dtls);
    if (now_ms >= dtls_due_ms(b->dtls))
        dtls_tick(b->dtls, now_ms);
    after_dtls(b, before);
}

static struct dtls_context *make_context(const char *profiles)
{
    struct dtls_context_config config = {.certificate = certificate(), .profiles = profiles};
    struct dtls_context *context = dtls_context_new(&config);
    assert(context != NULL);
    return context;
}

/* The usual one is made once: that takes milliseconds. */
static struct dtls_context *context_for(const char *profiles)
{
    static struct dtls_context *usual;
    if (profiles != NULL)
        return make_context(profiles);
    if (usual == NULL)
        usual = make_context(NULL);
    return dtls_context_ref(usual);
}

void browser_renew_dtls(struct browser *b, const char *profiles)
{
    struct dtls_context *context = context_for(profiles);
    struct dtls_association_config association = {
        .context = context, .send = send_dtls, .owner = b};
    dtls_association_free(b->dtls);
    b->dtls = dtls_association_new(&association);
    dtls_context_unref(context);
    assert(b->dtls != NULL);
    dtls_set_fingerprint(b->dtls, expected);
}

void browser_join(struct browser *b, const char *address, const char *relay, const char *profiles)
{
    *b = (struct browser){
        .peer = {.address = addr(address), .receive = browser_receive, .tick = browser_tick},
        .relay = addr(relay),
        .ufrag = "BRWS",
        .pwd = "browserpasswordbrowserpw",
    };
    browser_renew_dtls(b, profiles);
    sim_join(&b->peer);
}

void browser_leave(struct browser *b)
{
    sim_leave(&b->peer);
    use(b, NULL, NULL);
    dtls_association_free(b->dtls);
    b->dtls = NULL;
}

void browser_check(struct browser *b, enum check_kind kind)
{
    static uint8_t serial;
    uint8_t memory[DATAGRAM_MAX], id[STUN_ID_SIZE] = {++serial};
    char username[600];
    struct writer w = writer_over(memory, sizeof(memory));

    snprintf(username, sizeof(username), "%s:%s", b->relay_ufrag, b->ufrag);
    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of(id, sizeof(id)));
    stun_write_attr(&w, STUN_USERNAME, text_bytes(text_from(username)));
    stun_write_u32(&w, STUN_PRIORITY, 0x6effffff);
    stun_write_u64(&w, b->controlled ? STUN_ICE_CONTROLLED : STUN_ICE_CONTROLLING, 77);
    if (kind == CHECK_NOMINATE)
        stun_write_attr(&w, STUN_USE_CANDIDATE, bytes_of(NULL, 0));
    stun_write_integrity(&w, text_bytes(text_from(b->relay_pwd)));
    stun_write_fingerprint(&w);
    assert(writer_ok(&w));
    sim_send(&b->peer.address, &b->relay, writer_bytes(&w));
}

void browser_start_dtls(struct browser *b, enum dtls_role role)
{
    dtls_start(b->dtls, role, sim_now_ms());
}

bool browser_try_send(struct browser *b, struct bytes plain, struct bytes *sent)
{
    static _Alignas(8) uint8_t memory[DATAGRAM_MAX + RTPSEC_MAX_TRAILER];
    struct rtpsec_packet packet = {
        .session = b->tx,
        .data = memory,
        .len = plain.len,
        .capacity = sizeof(memory),
        .is_rtcp = rtp_is_rtcp(plain),
    };
    if (plain.len > DATAGRAM_MAX)
        return false;
    if (plain.len > 0)
        memcpy(memory, plain.data, plain.len);
    rtpsec_protect(&packet, 1);
    if (packet.verdict != RTPSEC_OK)
        return false;
    *sent = bytes_of(memory, packet.len);
    sim_send(&b->peer.address, &b->relay, *sent);
    return true;
}

struct bytes browser_send(struct browser *b, struct bytes plain)
{
    struct bytes sent;
    if (!browser_try_send(b, plain, &sent))
        abort();
    return sent;
}

void browser_say(struct browser *b, const struct speech *s)
{
    browser_send(b, speech_bytes(s));
}

void browser_connect(struct browser *b)
{
    browser_check(b, CHECK_NOMINATE);
    sim_settle();
    browser_start_dtls(b, DTLS_ROLE_ACTIVE);
    sim_settle();
    assert(browser_is_connected(b));
}
