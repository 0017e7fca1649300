/* SPDX-License-Identifier: Apache-2.0 */
#include "clients.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "mediaferry/stun.h"
#include "stun/integrity.h"

enum { REPEAT_NS = 500000000, WAIT_NS = 100000000, UDP_PROTOCOL = 17 };

static const char user[] = "bench", realm[] = "bench", password[] = "bench";

void make_key(uint8_t out[16])
{
    char text[64];
    int len = snprintf(text, sizeof(text), "%s:%s:%s", user, realm, password);
    if (EVP_Digest(text, (size_t)len, out, NULL, EVP_md5(), NULL) != 1)
        fail("MD5");
}

uint32_t client_ip(uint32_t n)
{
    uint32_t network = n % 50000, host = n / 50000;
    return 127u << 24 | (20 + network / 250) << 16 | (1 + network % 250) << 8 | (1 + host);
}

/* --- requests ----------------------------------------------------------------------------------
 */

static void write_text(struct writer *w, uint16_t type, const char *text)
{
    stun_write_attr(w, type, bytes_of(text, strlen(text)));
}

static void sign(struct writer *w, struct bytes nonce, struct bytes key)
{
    write_text(w, STUN_USERNAME, user);
    write_text(w, STUN_REALM, realm);
    stun_write_attr(w, STUN_NONCE, nonce);
    stun_write_integrity(w, key);
}

static struct writer begin(uint8_t *out, enum stun_method method, const uint8_t id[12])
{
    struct writer w = writer_over(out, UDP_DATA_MAX);
    stun_begin(&w, stun_type(method, STUN_REQUEST), bytes_of(id, STUN_ID_SIZE));
    return w;
}

size_t write_allocate(uint8_t *out, const uint8_t id[12], struct bytes nonce, struct bytes key)
{
    struct writer w = begin(out, STUN_ALLOCATE, id);
    stun_write_u32(&w, STUN_REQUESTED_TRANSPORT, (uint32_t)UDP_PROTOCOL << 24);
    if (nonce.len > 0)
        sign(&w, nonce, key);
    return w.len;
}

static size_t write_bind(uint8_t *out, const uint8_t id[12])
{
    const uint8_t loopback[4] = {127, 0, 0, 1};
    struct address peer = address_from_ip(ADDRESS_IP4, loopback, PEER_PORT);
    struct writer w = begin(out, STUN_CHANNEL_BIND, id);
    stun_write_u32(&w, STUN_CHANNEL_NUMBER, (uint32_t)CHANNEL << 16);
    stun_write_xor_address(&w, STUN_XOR_PEER_ADDRESS, &peer);
    return w.len;
}

static size_t write_refresh(uint8_t *out, const uint8_t id[12])
{
    struct writer w = begin(out, STUN_REFRESH, id);
    stun_write_u32(&w, STUN_LIFETIME, 0);
    return w.len;
}

/* --- one client --------------------------------------------------------------------------------
 */

/* Ids name the client and its request, so that late answers are known. */
static void write_id(const struct clients *all, const struct client *c, uint8_t id[12])
{
    uint32_t words[3] = {(uint32_t)(c - all->list), c->serial, c->ip};
    memcpy(id, words, sizeof(words));
}

/* Sends the request of the client's state. */
static void ask(struct clients *all, struct client *c)
{
    uint8_t id[12], *out = udp_room(all->udp);
    struct bytes nonce = bytes_of(c->nonce, c->nonce_len);
    struct bytes key = bytes_of(all->key, sizeof(all->key));
    size_t len = 0;

    write_id(all, c, id);
    if (c->state == CLIENT_CHALLENGED)
        len = write_allocate(out, id, bytes_of(NULL, 0), key);
    else if (c->state == CLIENT_ALLOCATING)
        len = write_allocate(out, id, nonce, key);
    else
        len = c->state == CLIENT_BINDING ? write_bind(out, id) : write_refresh(out, id);
    if (c->state == CLIENT_BINDING || c->state == CLIENT_RELEASING) {
        struct writer w = writer_over(out, UDP_DATA_MAX);
        w.len = len;
        sign(&w, nonce, key);
        len = w.len;
    }
    c->asked_ns = now_ns();
    udp_put(all->udp, len, c->ip, &all->server);
}

static void go_to(struct clients *all, struct client *c, enum client_state state)
{
    bool waits = state != CLIENT_READY && state != CLIENT_GONE;
    bool waited = c->state != CLIENT_NEW && c->state != CLIENT_READY && c->state != CLIENT_GONE;
    all->waiting += waits;
    all->waiting -= waited;
    c->state = state;
    c->serial++;
    if (waits)
        ask(all, c);
}

void client_start(struct clients *all, struct client *c, uint32_t n)
{
    c->ip = client_ip(n);
    go_to(all, c, CLIENT_CHALLENGED);
}

void client_release(struct clients *all, struct client *c)
{
    go_to(all, c, CLIENT_RELEASING);
}

static bool take_nonce(struct client *c, const struct stun_message *m)
{
    struct bytes nonce;
    if (!stun_find(m, STUN_NONCE, &nonce) || nonce.len > NONCE_MAX)
        return false;
    memcpy(c->nonce, nonce.data, nonce.len);
    c->nonce_len = nonce.len;
    return true;
}

/* After a success. */
static enum client_state next_state(const struct clients *all, const struct client *c)
{
    if (c->state == CLIENT_RELEASING)
        return CLIENT_GONE;
    return c->state == CLIENT_ALLOCATING && all->binds ? CLIENT_BINDING : CLIENT_READY;
}

static void take_error(struct clients *all, struct client *c, const struct stun_message *m)
{
    struct bytes value;
    struct text reason;
    unsigned code = 0;
    if (!stun_find(m, STUN_ERROR_CODE, &value) || !stun_read_error(value, &code, &reason))
        return;
    if ((code == 401 || code == 438) && take_nonce(c, m)) {
        go_to(all, c, c->state == CLIENT_CHALLENGED ? CLIENT_ALLOCATING : c->state);
        return;
    }
    if (c->state == CLIENT_RELEASING) { /* a repetition that came after the end */
        go_to(all, c, CLIENT_GONE);
        return;
    }
    fprintf(stderr, "turn_load: refused with %u in state %u\n", code, c->state);
    exit(1);
}

struct client *clients_take(struct clients *all, struct bytes datagram)
{
    struct stun_message m;
    uint32_t id[3];
    if (stun_parse(datagram, &m) != STUN_OK)
        return NULL;
    memcpy(id, m.id.data, sizeof(id));
    struct client *c = id[0] < all->count ? &all->list[id[0]] : NULL;
    if (c == NULL || id[1] != c->serial || id[2] != c->ip)
        return NULL;
    if (stun_class_of(m.type) == STUN_SUCCESS)
        go_to(all, c, next_state(all, c));
    else if (stun_class_of(m.type) == STUN_ERROR)
        take_error(all, c, &m);
    return c;
}

/* --- all of them -------------------------------------------------------------------------------
 */

struct clients *clients_new(const struct target *target, size_t count, bool binds)
{
    struct clients *all = calloc(1, sizeof(*all));
    if (all == NULL || (all->list = calloc(count, sizeof(*all->list))) == NULL)
        fail("memory");
    all->udp = udp_open(CLIENT_PORT);
    all->server = udp_address(INADDR_LOOPBACK, target->port);
    all->count = count;
    all->binds = binds;
    for (size_t i = 0; i < count; i++)
        all->list[i].ip = client_ip(target->first + (uint32_t)i);
    make_key(all->key);
    return all;
}

void clients_repeat(struct clients *all)
{
    uint64_t now = now_ns();
    for (size_t i = 0; i < all->count && all->waiting > 0; i++) {
        struct client *c = &all->list[i];
        if (c->state == CLIENT_NEW || c->state == CLIENT_READY || c->state == CLIENT_GONE ||
            now - c->asked_ns < REPEAT_NS)
            continue;
        all->repeated++;
        ask(all, c);
    }
}

static void take_all(struct clients *all)
{
    unsigned got;
    udp_flush(all->udp);
    udp_wait(all->udp, all->udp, WAIT_NS);
    while ((got = udp_receive(all->udp)) > 0)
        for (unsigned i = 0; i < got; i++)
            clients_take(all, udp_received(all->udp, i));
    clients_repeat(all);
}

void clients_set_up(struct clients *all, size_t window)
{
    for (size_t started = 0; started < all->count || all->waiting > 0; take_all(all))
        for (; started < all->count && all->waiting < window; started++)
            go_to(all, &all->list[started], CLIENT_CHALLENGED);
}

void clients_release(struct clients *all, size_t window)
{
    for (size_t started = 0; started < all->count || all->waiting > 0; take_all(all))
        for (; started < all->count && all->waiting < window; started++)
            client_release(all, &all->list[started]);
}
