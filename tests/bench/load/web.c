/* SPDX-License-Identifier: Apache-2.0 */
#include "web.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/list.h"
#include "script.h"
#include "srtp.h"
#include "udp.h"
#include "web_link.h"

enum { NS_PER_MS = 1000000 };

struct web_flow {
    struct web_link *link;
    struct flow *flow;
    struct list queued; /* while it waits for its turn */
    bool is_setting_up;
    uint64_t started_ns;
};

static struct {
    struct dtls_certificate *certificate;
    struct dtls_context *context;
    char fingerprint[DTLS_FINGERPRINT_TEXT_SIZE];
    struct list queue;
    unsigned setting_up, at_once;
} web;

/* --- the certificate ---------------------------------------------------------------------------
 */

static struct dtls_certificate *read_certificate(const char *path)
{
    char pem[2 * DTLS_PEM_SIZE];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    size_t len = fread(pem, 1, sizeof(pem), file);
    fclose(file);
    return dtls_certificate_import(text_of(pem, len));
}

const char *web_init(const char *pem_path)
{
    list_init(&web.queue);
    web.at_once = WEB_AT_ONCE;
    web.certificate =
        pem_path != NULL ? read_certificate(pem_path) : dtls_certificate_new(time(NULL));
    if (web.certificate == NULL)
        return "no usable certificate and key";
    struct dtls_context_config config = {.certificate = web.certificate};
    web.context = dtls_context_new(&config);
    if (web.context == NULL)
        return "DTLS cannot be set up";
    dtls_fingerprint_text(
        dtls_certificate_fingerprint(web.certificate, DTLS_SHA256), web.fingerprint);
    return NULL;
}

void web_done(void)
{
    dtls_context_unref(web.context);
    dtls_certificate_unref(web.certificate);
}

const char *web_fingerprint(void)
{
    return web.fingerprint;
}

/* --- the flow ----------------------------------------------------------------------------------
 */

static void send_datagram(void *owner, struct bytes datagram)
{
    const struct flow *flow = owner;
    (void)!udp_send(flow->fd, datagram); /* lost ones are sent again */
}

static bool parse_role(struct text word, enum dtls_role *out)
{
    *out = text_is(word, "active") ? DTLS_ROLE_ACTIVE : DTLS_ROLE_PASSIVE;
    return *out == DTLS_ROLE_ACTIVE || text_is(word, "passive");
}

static const char *parse(struct flow *flow, struct text rest)
{
    struct web_link_config config = {
        .context = web.context, .remote = flow->remote, .send = send_datagram, .owner = flow};
    if (!parse_role(text_word(&rest, ' '), &config.role))
        return "dtls: neither active nor passive";
    config.credentials.local_ufrag = text_word(&rest, ' ');
    config.credentials.local_pwd = text_word(&rest, ' ');
    config.credentials.remote_ufrag = text_word(&rest, ' ');
    config.credentials.remote_pwd = text_word(&rest, ' ');
    if (!dtls_fingerprint_parse(TEXT("sha-256"), text_word(&rest, ' '), &config.fingerprint))
        return "dtls: no SHA-256 fingerprint of the relay";

    struct web_flow *own = calloc(1, sizeof(*own));
    if (own == NULL)
        return "out of memory";
    flow->own = own;
    flow->is_muxed = true;
    own->flow = flow;
    own->link = web_link_new(&config);
    return own->link == NULL ? "dtls: ufrag or password missing or too long" : NULL;
}

static void start_next(uint64_t now_ns)
{
    while (web.setting_up < web.at_once && !list_is_empty(&web.queue)) {
        struct web_flow *own = CONTAINER_OF(list_pop_front(&web.queue), struct web_flow, queued);
        web.setting_up++;
        own->is_setting_up = true;
        own->started_ns = now_ns;
        web_link_start(own->link, now_ns / NS_PER_MS);
        web_link_tick(own->link, now_ns / NS_PER_MS);
    }
}

static void start(struct flow *flow, uint64_t now_ns)
{
    struct web_flow *own = flow->own;
    list_push_back(&web.queue, &own->queued);
    start_next(now_ns);
}

static void leave_set_up(struct web_flow *own)
{
    list_remove(&own->queued);
    web.setting_up -= own->is_setting_up;
    own->is_setting_up = false;
}

static bool take_keys(struct flow *flow, const struct web_link *link)
{
    struct dtls_srtp_keys keys;
    if (!web_link_keys(link, &keys))
        return false;
    const struct rtpsec_suite *suite = rtpsec_suite_by_dtls_profile(keys.profile);
    return suite != NULL &&
           srtp_set_keys(flow, suite, bytes_of(keys.tx_key, keys.key_len),
               bytes_of(keys.tx_salt, keys.salt_len), bytes_of(keys.rx_key, keys.key_len),
               bytes_of(keys.rx_salt, keys.salt_len));
}

/* After anything that may have changed the link. The time is read anew: a handshake takes some. */
static void follow(struct flow *flow)
{
    struct web_flow *own = flow->own;
    enum web_link_state state = web_link_state(own->link);
    if (state == WEB_LINK_FAILED && flow->failure == NULL)
        flow->failure = web_link_failure(own->link);
    if (!own->is_setting_up || (state != WEB_LINK_READY && state != WEB_LINK_FAILED))
        return;
    uint64_t now_ns = udp_now_ns();
    leave_set_up(own);
    flow->handshake_ns = now_ns - own->started_ns;
    if (state == WEB_LINK_READY) {
        flow->is_ready = take_keys(flow, own->link);
        flow->failure = flow->is_ready ? NULL : "no keys of use";
    }
    start_next(now_ns);
}

static void take(struct flow *flow, struct bytes datagram, uint64_t now_ns)
{
    struct web_flow *own = flow->own;
    web_link_receive(own->link, datagram, now_ns / NS_PER_MS);
    follow(flow);
}

static void tick(struct flow *flow, uint64_t now_ns)
{
    struct web_flow *own = flow->own;
    web_link_tick(own->link, now_ns / NS_PER_MS);
    follow(flow);
}

static void close_flow(struct flow *flow)
{
    struct web_flow *own = flow->own;
    if (own == NULL)
        return;
    leave_set_up(own);
    web_link_free(own->link);
    free(own);
}

const struct flow_kind flow_dtls = {.name = "dtls",
    .parse = parse,
    .start = start,
    .take = take,
    .tick = tick,
    .close = close_flow};

void web_set_at_once(unsigned count)
{
    web.at_once = count;
    start_next(udp_now_ns());
}

/* --- the mode ----------------------------------------------------------------------------------
 */

void web_init_from(int count, char **words)
{
    static const char option[] = "--certificate=";
    const char *path = NULL;
    if (count > 0 && strncmp(words[0], option, strlen(option)) == 0)
        path = words[0] + strlen(option);
    if (count > (path != NULL ? 1 : 0))
        script_fail("no such argument: %s", words[count - 1]);
    const char *wrong = web_init(path);
    if (wrong != NULL)
        script_fail("%s: %s", path != NULL ? path : "certificate", wrong);
}

int fingerprint_main(int count, char **words)
{
    web_init_from(count, words);
    script_reply("{\"fingerprint\": \"%s\"}", web_fingerprint());
    web_done();
    return 0;
}
