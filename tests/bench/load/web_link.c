/* SPDX-License-Identifier: Apache-2.0 */
#include "web_link.h"

#include <stdlib.h>

#include "base/random.h"
#include "mediaferry/classify.h"

struct web_link {
    enum web_link_state state;
    const char *failure;
    struct web_link_config config; /* the names are in `ice` */
    struct web_ice ice;
    struct dtls_association *dtls;
    uint64_t deadline_ms; /* of the set-up */
};

struct web_link *web_link_new(const struct web_link_config *config)
{
    struct dtls_association_config dtls = {
        .context = config->context, .send = config->send, .owner = config->owner};
    struct web_link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        return NULL;
    link->config = *config;
    link->dtls = dtls_association_new(&dtls);
    if (link->dtls == NULL || !web_ice_init(&link->ice, &config->credentials)) {
        web_link_free(link);
        return NULL;
    }
    dtls_set_fingerprint(link->dtls, &config->fingerprint);
    link->deadline_ms = UINT64_MAX;
    return link;
}

void web_link_start(struct web_link *link, uint64_t now_ms)
{
    web_ice_start(&link->ice, now_ms);
    link->deadline_ms = now_ms + WEB_LINK_SET_UP_MS;
}

void web_link_free(struct web_link *link)
{
    if (link == NULL)
        return;
    if (link->dtls != NULL)
        dtls_close(link->dtls);
    dtls_association_free(link->dtls);
    free(link);
}

static void fail(struct web_link *link, const char *failure)
{
    link->state = WEB_LINK_FAILED;
    link->failure = failure;
}

/* Moves on as far as ICE and DTLS have come. */
static enum web_link_state follow(struct web_link *link, uint64_t now_ms)
{
    if (link->state == WEB_LINK_CHECKING && link->ice.state == WEB_ICE_SELECTED) {
        link->state = WEB_LINK_SHAKING;
        dtls_start(link->dtls, link->config.role, now_ms);
    }
    enum dtls_state dtls = dtls_association_state(link->dtls);
    if (link->state == WEB_LINK_SHAKING && dtls == DTLS_VERIFIED)
        link->state = WEB_LINK_READY;
    if (link->state == WEB_LINK_FAILED)
        return link->state;

    if (dtls == DTLS_FAILED)
        fail(link, dtls_failure_name(dtls_association_failure(link->dtls)));
    else if (dtls == DTLS_CLOSED)
        fail(link, "closed by the peer");
    else if (link->ice.state == WEB_ICE_LOST)
        fail(link, "no consent");
    else if (link->state != WEB_LINK_READY && now_ms >= link->deadline_ms)
        fail(link, link->state == WEB_LINK_CHECKING ? "no answer to checks" : "no handshake");
    return link->state;
}

static void receive_stun(struct web_link *link, struct bytes datagram, uint64_t now_ms)
{
    uint8_t room[WEB_ICE_MESSAGE_MAX];
    struct writer reply = writer_over(room, sizeof(room));
    web_ice_receive(&link->ice, datagram, &link->config.remote, now_ms, &reply);
    if (writer_bytes(&reply).len > 0)
        link->config.send(link->config.owner, writer_bytes(&reply));
}

enum web_link_state web_link_receive(struct web_link *link, struct bytes datagram, uint64_t now_ms)
{
    enum packet_kind kind = packet_classify(datagram);
    if (link->state == WEB_LINK_FAILED)
        return link->state;
    if (kind == PACKET_STUN)
        receive_stun(link, datagram, now_ms);
    else if (kind == PACKET_DTLS)
        dtls_receive(link->dtls, datagram, now_ms);
    return follow(link, now_ms);
}

enum web_link_state web_link_tick(struct web_link *link, uint64_t now_ms)
{
    uint8_t random[STUN_ID_SIZE], room[WEB_ICE_MESSAGE_MAX];
    struct writer out = writer_over(room, sizeof(room));
    if (now_ms < web_link_due_ms(link))
        return link->state;
    random_bytes(random, sizeof(random));
    if (web_ice_tick(&link->ice, random, now_ms, &out))
        link->config.send(link->config.owner, writer_bytes(&out));
    if (now_ms >= dtls_due_ms(link->dtls))
        dtls_tick(link->dtls, now_ms);
    return follow(link, now_ms);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t web_link_due_ms(const struct web_link *link)
{
    if (link->state == WEB_LINK_FAILED)
        return UINT64_MAX;
    uint64_t due = sooner(web_ice_due_ms(&link->ice), dtls_due_ms(link->dtls));
    return link->state == WEB_LINK_READY ? due : sooner(due, link->deadline_ms);
}

enum web_link_state web_link_state(const struct web_link *link)
{
    return link->state;
}

const char *web_link_failure(const struct web_link *link)
{
    return link->failure == NULL ? "none" : link->failure;
}

bool web_link_keys(const struct web_link *link, struct dtls_srtp_keys *out)
{
    return link->state == WEB_LINK_READY && dtls_keys(link->dtls, out);
}
