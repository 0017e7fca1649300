/* SPDX-License-Identifier: Apache-2.0 */
/* A phone's link to the relay's ICE agent and DTLS association: keys on both sides, and failures.
 */
#include "web_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "mediaferry/classify.h"

enum { QUEUE_MAX = 64, DATAGRAM_MAX = 1500 };

static const struct ice_local rtp = {.component = 1, .index = 0};

/* Datagrams under way in one direction. */
struct queue {
    size_t head, tail;
    struct {
        size_t len;
        uint8_t data[DATAGRAM_MAX];
    } list[QUEUE_MAX];
};

struct world {
    struct dtls_certificate *phone_certificate, *relay_certificate;
    struct dtls_context *phone_context, *relay_context;
    struct web_link *link;
    struct ice_agent agent;
    struct dtls_association *relay;
    struct queue to_relay, to_phone;
    uint64_t now_ms;
    bool is_cut;          /* everything is lost */
    unsigned lose_number; /* this one is lost, counted from 1 */
    unsigned sent;
};

static void put(struct world *w, struct queue *q, struct bytes datagram)
{
    if (++w->sent == w->lose_number || w->is_cut)
        return;
    size_t at = q->tail++ % QUEUE_MAX;
    assert_true(q->tail - q->head <= QUEUE_MAX && datagram.len <= DATAGRAM_MAX);
    memcpy(q->list[at].data, datagram.data, datagram.len);
    q->list[at].len = datagram.len;
}

static void to_relay(void *owner, struct bytes datagram)
{
    struct world *w = owner;
    put(w, &w->to_relay, datagram);
}

static void to_phone(void *owner, struct bytes datagram)
{
    struct world *w = owner;
    put(w, &w->to_phone, datagram);
}

static struct dtls_context *context_with(struct dtls_certificate *certificate)
{
    struct dtls_context_config config = {.certificate = certificate};
    struct dtls_context *context = dtls_context_new(&config);
    assert_non_null(context);
    return context;
}

static void build(struct world *w, enum dtls_role phone_role, bool is_right_fingerprint)
{
    struct ice_config ice = {.local = {.ufrag = TEXT("RELA"), .pwd = TEXT("relay password")},
        .remote_ufrag = TEXT("PHON")};
    *w = (struct world){.now_ms = 1000};
    w->phone_certificate = dtls_certificate_new(1700000000);
    w->relay_certificate = dtls_certificate_new(1700000000);
    w->phone_context = context_with(w->phone_certificate);
    w->relay_context = context_with(w->relay_certificate);
    assert_true(ice_agent_init(&w->agent, &ice));
    struct dtls_association_config relay = {
        .context = w->relay_context, .send = to_phone, .owner = w};
    w->relay = dtls_association_new(&relay);
    dtls_set_fingerprint(w->relay, dtls_certificate_fingerprint(w->phone_certificate, DTLS_SHA256));
    struct web_link_config phone = {
        .context = w->phone_context,
        .role = phone_role,
        .credentials = {.local_ufrag = TEXT("PHON"),
            .local_pwd = TEXT("phone password"),
            .remote_ufrag = TEXT("RELA"),
            .remote_pwd = TEXT("relay password")},
        .fingerprint = *dtls_certificate_fingerprint(
            is_right_fingerprint ? w->relay_certificate : w->phone_certificate, DTLS_SHA256),
        .remote = address_from_ip(ADDRESS_IP4, (const uint8_t[]){192, 0, 2, 1}, 40000),
        .send = to_relay,
        .owner = w,
    };
    w->link = web_link_new(&phone);
    assert_non_null(w->link);
    assert_int_equal(web_link_due_ms(w->link), UINT64_MAX);
    web_link_start(w->link, w->now_ms);
}

static void tear_down(struct world *w)
{
    web_link_free(w->link);
    dtls_association_free(w->relay);
    dtls_context_unref(w->phone_context);
    dtls_context_unref(w->relay_context);
    dtls_certificate_unref(w->phone_certificate);
    dtls_certificate_unref(w->relay_certificate);
}

static void relay_takes(struct world *w, struct bytes datagram)
{
    struct address from = address_from_ip(ADDRESS_IP4, (const uint8_t[]){192, 0, 2, 7}, 4000);
    uint8_t room[ICE_REPLY_MAX];
    struct writer reply = writer_over(room, sizeof(room));
    if (packet_classify(datagram) == PACKET_DTLS) {
        dtls_receive(w->relay, datagram, w->now_ms);
        return;
    }
    ice_agent_receive(&w->agent, datagram, &from, rtp, w->now_ms, &reply);
    if (reply.len > 0)
        put(w, &w->to_phone, writer_bytes(&reply));
}

static bool deliver(struct world *w)
{
    size_t head = w->to_relay.head % QUEUE_MAX;
    if (w->to_relay.head < w->to_relay.tail) {
        w->to_relay.head++;
        relay_takes(w, bytes_of(w->to_relay.list[head].data, w->to_relay.list[head].len));
        return true;
    }
    head = w->to_phone.head % QUEUE_MAX;
    if (w->to_phone.head == w->to_phone.tail)
        return false;
    w->to_phone.head++;
    web_link_receive(
        w->link, bytes_of(w->to_phone.list[head].data, w->to_phone.list[head].len), w->now_ms);
    return true;
}

/* Lets `ms` go by, one after the other. */
static void pass(struct world *w, unsigned ms)
{
    for (unsigned i = 0; i < ms; i++, w->now_ms++) {
        web_link_tick(w->link, w->now_ms);
        if (w->now_ms >= dtls_due_ms(w->relay))
            dtls_tick(w->relay, w->now_ms);
        while (deliver(w))
            continue;
    }
}

static void expect_same_keys(const struct world *w)
{
    struct dtls_srtp_keys phone, relay;
    assert_true(web_link_keys(w->link, &phone));
    assert_true(dtls_keys(w->relay, &relay));
    assert_int_equal(phone.profile, relay.profile);
    assert_memory_equal(phone.tx_key, relay.rx_key, phone.key_len);
    assert_memory_equal(phone.rx_key, relay.tx_key, phone.key_len);
    assert_memory_equal(phone.tx_salt, relay.rx_salt, phone.salt_len);
}

static void test_active(void **state)
{
    struct world w;
    struct dtls_srtp_keys keys;
    (void)state;
    build(&w, DTLS_ROLE_ACTIVE, true);
    assert_false(web_link_keys(w.link, &keys));
    pass(&w, 1);
    assert_int_equal(web_link_state(w.link), WEB_LINK_READY);
    expect_same_keys(&w);
    tear_down(&w);
}

static void test_passive(void **state)
{
    struct world w;
    (void)state;
    build(&w, DTLS_ROLE_PASSIVE, true);
    pass(&w, 1);
    assert_int_equal(web_link_state(w.link), WEB_LINK_SHAKING);
    dtls_start(w.relay, DTLS_ROLE_ACTIVE, w.now_ms);
    pass(&w, 1);
    assert_int_equal(web_link_state(w.link), WEB_LINK_READY);
    expect_same_keys(&w);
    tear_down(&w);
}

/* The peer's handshake may come before the answer to our check. */
static void test_passive_first(void **state)
{
    struct world w;
    (void)state;
    build(&w, DTLS_ROLE_PASSIVE, true);
    dtls_start(w.relay, DTLS_ROLE_ACTIVE, w.now_ms);
    while (deliver(&w))
        continue;
    assert_int_equal(web_link_state(w.link), WEB_LINK_CHECKING);
    pass(&w, 1);
    assert_int_equal(web_link_state(w.link), WEB_LINK_READY);
    tear_down(&w);
}

/* Whichever datagram of the set-up is lost, it goes on. */
static void test_losses(void **state)
{
    (void)state;
    for (unsigned number = 1; number <= 12; number++) {
        struct world w;
        build(&w, DTLS_ROLE_ACTIVE, true);
        w.lose_number = number;
        for (int i = 0; i < 1000 && web_link_state(w.link) != WEB_LINK_READY; i++) {
            struct timespec wall = {.tv_nsec = 1000000}; /* OpenSSL's own timer is wall clock */
            nanosleep(&wall, NULL);
            pass(&w, 1);
        }
        assert_int_equal(web_link_state(w.link), WEB_LINK_READY);
        tear_down(&w);
    }
}

static void test_wrong_fingerprint(void **state)
{
    struct world w;
    (void)state;
    build(&w, DTLS_ROLE_ACTIVE, false);
    pass(&w, 1);
    assert_int_equal(web_link_state(w.link), WEB_LINK_FAILED);
    assert_string_equal(web_link_failure(w.link), "wrong-fingerprint");
    assert_int_equal(web_link_due_ms(w.link), UINT64_MAX);
    tear_down(&w);
}

static void test_deaf_peer(void **state)
{
    struct world w;
    (void)state;
    build(&w, DTLS_ROLE_ACTIVE, true);
    w.is_cut = true;
    pass(&w, WEB_LINK_SET_UP_MS);
    assert_int_equal(web_link_state(w.link), WEB_LINK_CHECKING);
    pass(&w, 1);
    assert_int_equal(web_link_state(w.link), WEB_LINK_FAILED);
    assert_string_equal(web_link_failure(w.link), "no answer to checks");
    tear_down(&w);
}

static void test_consent(void **state)
{
    struct world w;
    (void)state;
    build(&w, DTLS_ROLE_ACTIVE, true);
    pass(&w, 60000);
    assert_int_equal(web_link_state(w.link), WEB_LINK_READY);
    assert_non_null(ice_agent_selected(&w.agent, 1));
    w.is_cut = true;
    pass(&w, ICE_CONSENT_MS + 10000);
    assert_int_equal(web_link_state(w.link), WEB_LINK_FAILED);
    assert_string_equal(web_link_failure(w.link), "no consent");
    tear_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_active),
        cmocka_unit_test(test_passive),
        cmocka_unit_test(test_passive_first),
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_wrong_fingerprint),
        cmocka_unit_test(test_deaf_peer),
        cmocka_unit_test(test_consent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
