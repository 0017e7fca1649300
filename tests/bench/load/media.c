/* SPDX-License-Identifier: Apache-2.0 */
#include "media.h"

#include <stdlib.h>
#include <unistd.h>

#include "histogram.h"
#include "listen.h"
#include "load.h"
#include "script.h"
#include "srtp.h"
#include "stamp.h"
#include "talk.h"
#include "web.h"
#include "web_storm.h"

enum { READY_S_MAX = 30, POLL_US = 500, NS_PER_S = 1000000000 };

const struct flow_kind *const media_kinds[] = {&flow_plain, &flow_sdes, &flow_dtls, NULL};

static void act_flow(void *owner, struct text words)
{
    struct media *m = owner;
    const char *wrong = flow_set_add(&m->flows, words, media_kinds);
    if (wrong != NULL)
        script_fail("flow %.*s: %s", TEXT_ARG(words), wrong);
}

static void open_flow(struct flow *flow)
{
    int status = flow->fd < 0 ? flow_open(flow, udp_now_ns()) : 0;
    if (status < 0)
        script_fail("cannot open the socket of %s: %s", flow->name, strerror(-status));
}

static size_t count_unready(const struct flow_set *flows)
{
    size_t unready = 0;
    for (size_t i = 0; i < flows->count; i++) {
        const struct flow *flow = flows->list[i];
        if (flow->failure != NULL)
            script_fail("%s: %s", flow->name, flow->failure);
        if (!flow->is_ready)
            unready++;
    }
    return unready;
}

void media_make_ready(struct media *m)
{
    struct listener listener = {.flows = &m->flows, .inbox = udp_inbox_new()};
    uint64_t deadline_ns = udp_now_ns() + READY_S_MAX * (uint64_t)NS_PER_S;
    if (listener.inbox == NULL)
        script_fail("out of memory");
    for (size_t i = 0; i < m->flows.count; i++)
        open_flow(m->flows.list[i]);
    while (count_unready(&m->flows) > 0) {
        if (udp_now_ns() > deadline_ns)
            script_fail("%zu flows are not ready after 30 s", count_unready(&m->flows));
        if (listener_look_at_all(&listener, udp_now_ns()) == 0)
            usleep(POLL_US);
    }
    free(listener.inbox);
}

static void act_ready(void *owner, struct text words)
{
    struct media *m = owner;
    struct histogram *handshakes = calloc(1, sizeof(*handshakes));
    (void)words;
    if (handshakes == NULL)
        script_fail("out of memory");
    media_make_ready(m);
    for (size_t i = 0; i < m->flows.count; i++)
        if (m->flows.list[i]->handshake_ns > 0)
            histogram_add(handshakes, m->flows.list[i]->handshake_ns);
    script_reply("{\"ready\": true, \"flows\": %zu, \"handshakes\": %llu, "
                 "\"handshake_us_p50\": %.1f, \"handshake_us_max\": %.1f}",
        m->flows.count, (unsigned long long)handshakes->count,
        (double)histogram_at(handshakes, 500) / 1e3, (double)histogram_at(handshakes, 1000) / 1e3);
    free(handshakes);
}

static void read_option(struct text word, struct run_config *config)
{
    struct text value = word, name = text_cut(&value, '=');
    if (text_is(word, "rtcp"))
        config->has_rtcp = true;
    else if (text_is(name, "from"))
        config->from = value;
    else if (text_is(name, "pt"))
        config->payload_type = (uint8_t)script_number(&value, "pt", 0, 127);
    else
        script_fail("run: %.*s is no option", TEXT_ARG(word));
}

static void act_run(void *owner, struct text words)
{
    struct media *m = owner;
    struct run_config config = {.from = TEXT("")};
    config.per_s = script_number(&words, "packets a second", 1, 10000000);
    config.seconds = (unsigned)script_number(&words, "seconds", 1, 3600);
    config.payload_len = script_number(&words, "payload bytes", STAMP_SIZE, TALK_PAYLOAD_MAX);
    for (struct text word; (word = text_word(&words, ' ')).len > 0;)
        read_option(word, &config);
    media_make_ready(m);
    run_media(&m->flows, &config, &m->job);
}

static void act_storm(void *owner, struct text words)
{
    struct media *m = owner;
    web_storm(&m->job, words);
}

static void act_fingerprint(void *owner, struct text words)
{
    (void)owner;
    (void)words;
    script_reply("{\"fingerprint\": \"%s\"}", web_fingerprint());
}

static const struct command commands[] = {
    {"fingerprint", act_fingerprint},
    {"flow", act_flow},
    {"ready?", act_ready},
    {"run", act_run},
    {"storm", act_storm},
    {NULL, NULL},
};

int media_main(int count, char **words)
{
    struct media m = {.flows = {0}};
    udp_allow_many();
    if (!rtpsec_init())
        script_fail("SRTP cannot be had");
    web_init_from(count, words);
    script_read(stdin, commands, &m);
    flow_set_done(&m.flows);
    web_done();
    rtpsec_done();
    return 0;
}
