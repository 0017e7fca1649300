/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any datagrams, to an association in any state. The first byte chooses the state; each datagram
 * follows with its length in two bytes.
 *
 * Nobody without the keys gets an association to VERIFIED, or out of it.
 */
#include "dtls/association.h"

#include "../require.h"

enum scene { IDLE, ACTIVE, PASSIVE, UNVERIFIED, VERIFIED, RELEASED, SCENES };
enum { INBOX = 32, DATAGRAM = 2048 };

struct inbox {
    uint8_t data[INBOX][DATAGRAM];
    size_t len[INBOX];
    size_t count;
    size_t sent; /* bytes in all */
};

struct end {
    struct inbox inbox; /* what the other one has to read */
    struct dtls_association *association;
};

static struct dtls_certificate *certificate;
static struct dtls_context *context;

static void keep(void *owner, struct bytes datagram)
{
    struct inbox *inbox = owner;
    inbox->sent += datagram.len;
    if (inbox->count == INBOX)
        return;
    require(datagram.len <= DTLS_MTU_DEFAULT);
    memcpy(inbox->data[inbox->count], datagram.data, datagram.len);
    inbox->len[inbox->count++] = datagram.len;
}

static void set_up(void)
{
    certificate = dtls_certificate_new(1750000000);
    require(certificate != NULL);
    context = dtls_context_new(&(struct dtls_context_config){.certificate = certificate});
    require(context != NULL);
}

static void open_end(struct end *end)
{
    end->inbox.count = 0;
    end->inbox.sent = 0;
    end->association = dtls_association_new(
        &(struct dtls_association_config){.context = context, .send = keep, .owner = &end->inbox});
    require(end->association != NULL);
}

static void pass_on(struct end *from, struct end *to)
{
    for (size_t i = 0; i < from->inbox.count; i++)
        dtls_receive(to->association, bytes_of(from->inbox.data[i], from->inbox.len[i]), 0);
    from->inbox.count = 0;
}

/* Made once: what is fuzzed must not change it anyway. */
static struct end *connected(enum scene scene)
{
    static struct end ends[SCENES], peers[SCENES];
    struct end *end = &ends[scene], *peer = &peers[scene];
    if (end->association != NULL)
        return end;

    open_end(end);
    open_end(peer);
    dtls_start(peer->association, DTLS_ROLE_ACTIVE, 0);
    for (int turn = 0; turn < 6; turn++) {
        pass_on(peer, end);
        pass_on(end, peer);
    }
    if (scene != UNVERIFIED)
        dtls_set_fingerprint(
            end->association, dtls_certificate_fingerprint(certificate, DTLS_SHA256));
    if (scene == RELEASED)
        dtls_release(end->association);
    return end;
}

static struct end *begin(enum scene scene)
{
    static struct end end;
    open_end(&end);
    dtls_set_fingerprint(end.association, dtls_certificate_fingerprint(certificate, DTLS_SHA256));
    if (scene == ACTIVE)
        dtls_start(end.association, DTLS_ROLE_ACTIVE, 0);
    if (scene == PASSIVE) {
        static struct end peer;
        open_end(&peer);
        dtls_start(peer.association, DTLS_ROLE_ACTIVE, 0);
        pass_on(&peer, &end);
        dtls_association_free(peer.association);
        require(dtls_association_state(end.association) == DTLS_HANDSHAKING);
    }
    return &end;
}

static void feed(struct end *end, struct reader *r)
{
    uint64_t now_ms = 0;
    while (reader_left(r) > 2) {
        size_t len = reader_u16(r);
        struct bytes datagram = reader_take(r, len < reader_left(r) ? len : reader_left(r));
        size_t sent = end->inbox.sent;
        enum dtls_state before = dtls_association_state(end->association);
        dtls_receive(end->association, datagram, now_ms);
        if (before >= DTLS_CONNECTED_UNVERIFIED && end->inbox.sent > sent)
            require(end->inbox.sent - sent <= 256); /* the last flight, no more */
        now_ms += 20;
        dtls_tick(end->association, now_ms);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_over(bytes_of(data, size));
    enum scene scene = (enum scene)(reader_u8(&r) % SCENES);
    struct dtls_srtp_keys before, after;

    if (context == NULL)
        set_up();
    if (scene >= UNVERIFIED) {
        struct end *end = connected(scene);
        enum dtls_state expected = scene == UNVERIFIED ? DTLS_CONNECTED_UNVERIFIED : DTLS_VERIFIED;
        bool had_keys = dtls_keys(end->association, &before);
        require(had_keys == (scene != UNVERIFIED));
        feed(end, &r);
        require(dtls_association_state(end->association) == expected);
        require(dtls_keys(end->association, &after) == had_keys);
        if (had_keys)
            require(memcmp(before.rx_key, after.rx_key, sizeof(before.rx_key)) == 0);
        return 0;
    }
    struct end *end = begin(scene);
    feed(end, &r);
    require(dtls_association_state(end->association) != DTLS_VERIFIED);
    require(!dtls_keys(end->association, &after));
    dtls_association_free(end->association);
    return 0;
}
