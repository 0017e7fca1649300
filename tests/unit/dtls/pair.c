/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/time.h>
#include <cmocka.h>

static uint64_t wall_ms;

/* In place of that of libc, for libssl. */
int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    uint64_t now_ms = 1700000000000 + wall_ms;
    tv->tv_sec = (time_t)(now_ms / 1000);
    tv->tv_usec = (suseconds_t)(now_ms % 1000 * 1000);
    return 0;
}

static void set_now(struct pair *p, uint64_t now_ms)
{
    p->now_ms = now_ms;
    wall_ms = now_ms;
}

static void enqueue(struct pair_end *end, struct bytes datagram, uint64_t delay_ms)
{
    assert_true(end->out_count < PAIR_QUEUE);
    assert_true(datagram.len <= PAIR_DATAGRAM);
    struct pair_datagram *d = &end->out[end->out_count++];
    memcpy(d->data, datagram.data, datagram.len);
    d->len = datagram.len;
    d->due_ms = end->pair->now_ms + delay_ms;
}

void pair_inject(struct pair_end *from, struct bytes datagram)
{
    enqueue(from, datagram, PAIR_LATENCY_MS);
}

static void send_datagram(void *owner, struct bytes datagram)
{
    struct pair_end *end = owner;
    struct pair *p = end->pair;
    size_t number = end->sent++;

    if (number < COUNT_OF(end->sent_ms))
        end->sent_ms[number] = p->now_ms;
    if (datagram.len > end->longest)
        end->longest = datagram.len;
    if (number < 64 && (end->drop_mask >> number & 1) != 0)
        return;
    if (p->chaos == NULL) {
        enqueue(end, datagram, PAIR_LATENCY_MS);
        return;
    }
    size_t copies = 1 + (gen_below(p->chaos, 100) < 20);
    for (size_t i = 0; i < copies; i++)
        if (gen_below(p->chaos, 100) >= p->loss_percent)
            enqueue(end, datagram, 1 + gen_below(p->chaos, 80));
}

static void open_end(struct pair_end *end, const char *profiles, size_t mtu)
{
    end->certificate = dtls_certificate_new(1700000000);
    assert_non_null(end->certificate);
    end->context = dtls_context_new(&(struct dtls_context_config){
        .certificate = end->certificate, .mtu = mtu, .profiles = profiles});
    assert_non_null(end->context);
    end->association = dtls_association_new(&(struct dtls_association_config){
        .context = end->context, .send = send_datagram, .owner = end});
    assert_non_null(end->association);
}

void pair_init(struct pair *p, const struct pair_config *config)
{
    memset(p, 0, sizeof(*p));
    set_now(p, 1000);
    p->a.pair = p->b.pair = p;
    p->a.peer = &p->b;
    p->b.peer = &p->a;
    open_end(&p->a, config->profiles_a, config->mtu);
    open_end(&p->b, config->profiles_b, config->mtu);
    if (!config->keep_fingerprints) {
        pair_tell_fingerprint(&p->a, DTLS_SHA256);
        pair_tell_fingerprint(&p->b, DTLS_SHA256);
    }
}

static void close_end(struct pair_end *end)
{
    dtls_association_free(end->association);
    dtls_context_unref(end->context);
    dtls_certificate_unref(end->certificate);
}

void pair_done(struct pair *p)
{
    close_end(&p->a);
    close_end(&p->b);
}

void pair_tell_fingerprint(struct pair_end *end, enum dtls_hash hash)
{
    dtls_set_fingerprint(
        end->association, dtls_certificate_fingerprint(end->peer->certificate, hash));
}

static uint64_t next_event_ms(const struct pair *p)
{
    uint64_t next = DTLS_NEVER;
    const struct pair_end *ends[] = {&p->a, &p->b};
    for (size_t e = 0; e < 2; e++) {
        uint64_t due = dtls_due_ms(ends[e]->association);
        next = due < next ? due : next;
        for (size_t i = 0; i < ends[e]->out_count; i++)
            next = ends[e]->out[i].due_ms < next ? ends[e]->out[i].due_ms : next;
    }
    return next;
}

/* Hands one datagram that is due to the other end, from a block of its exact size. */
static bool deliver_one(struct pair_end *end)
{
    for (size_t i = 0; i < end->out_count; i++) {
        if (end->out[i].due_ms > end->pair->now_ms)
            continue;
        size_t len = end->out[i].len;
        uint8_t *exact = malloc(len > 0 ? len : 1);
        assert_non_null(exact);
        memcpy(exact, end->out[i].data, len);
        memmove(&end->out[i], &end->out[i + 1], (end->out_count - i - 1) * sizeof(end->out[0]));
        end->out_count--;
        dtls_receive(end->peer->association, bytes_of(exact, len), end->pair->now_ms);
        free(exact);
        return true;
    }
    return false;
}

void pair_run(struct pair *p, uint64_t until_ms)
{
    for (;;) {
        uint64_t next = next_event_ms(p);
        if (next == DTLS_NEVER || next > until_ms)
            break;
        set_now(p, next > p->now_ms ? next : p->now_ms);
        while (deliver_one(&p->a) || deliver_one(&p->b))
            continue;
        dtls_tick(p->a.association, p->now_ms);
        dtls_tick(p->b.association, p->now_ms);
    }
    if (until_ms != DTLS_NEVER && until_ms > p->now_ms)
        set_now(p, until_ms);
}

bool pair_agrees(const struct pair *p)
{
    struct dtls_srtp_keys a, b;
    if (!dtls_keys(p->a.association, &a) || !dtls_keys(p->b.association, &b))
        return false;
    return a.profile == b.profile && a.key_len == b.key_len && a.salt_len == b.salt_len &&
           memcmp(a.tx_key, b.rx_key, a.key_len) == 0 &&
           memcmp(a.rx_key, b.tx_key, a.key_len) == 0 &&
           memcmp(a.tx_salt, b.rx_salt, a.salt_len) == 0 &&
           memcmp(a.rx_salt, b.tx_salt, a.salt_len) == 0 &&
           memcmp(a.tx_key, a.rx_key, a.key_len) != 0;
}
