/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of a call that somebody else has written.
 *
 * Claims: what is refused has a reason; what is taken is written the same way again and again, asks
 * for ports that can be leased, and goes on under commands as a call that commands have made: what
 * world_apply() checks holds.
 */
#include "../require.h"

#include "mediaferry/bencode.h"
#include "scenario_flags.h"
#include "world.h"

enum { ARENA_BYTES = 16 << 20 };

#define OFFER                                                                                      \
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"                    \
    "a=group:BUNDLE 0 1\r\n"                                                                       \
    "m=audio 5000 RTP/AVP 0\r\na=mid:0\r\na=rtcp-mux\r\n"                                          \
    "m=video 5002 RTP/AVP 96\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\na=rtcp-mux\r\n"
#define BROWSER                                                                                    \
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"                    \
    "a=group:BUNDLE 0\r\n"                                                                         \
    "m=audio 5000 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=rtcp-mux\r\n"                                \
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvw\r\na=setup:active\r\n"                  \
    "a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13\r\n"

static struct call *read_call(struct bytes bytes)
{
    struct ng_arena arena;
    struct ng_value *record;
    struct call *call = NULL;
    ng_arena_init(&arena, ARENA_BYTES);
    if (bencode_parse_up_to(bytes, bytes.len, &arena, &record, NULL) == BENCODE_OK) {
        struct call_record_why why;
        call = call_record_read(record, &why);
        require((call == NULL) == (why.text[0] != '\0'));
    }
    ng_arena_wipe(&arena);
    return call;
}

static void is_written_the_same(const struct call *call)
{
    size_t len, again_len;
    uint8_t *bytes = world_write_record(call, &len);
    require(bytes != NULL);
    struct call *copy = read_call(bytes_of(bytes, len));
    require(copy != NULL);
    uint8_t *again = world_write_record(copy, &again_len);
    require(again != NULL);
    require(bytes_equal(bytes_of(bytes, len), bytes_of(again, again_len)));
    free(again);
    free(bytes);
    call_free(copy);
}

static bool lease(void *owner, const struct call_record_port *port, uint32_t *out)
{
    struct world *w = owner;
    require(port->rtp.family != ADDRESS_NONE && port->rtp.port != 0);
    require(port->rtcp.family == ADDRESS_NONE ||
            (port->rtcp.port != 0 && address_same_ip(&port->rtp, &port->rtcp)));
    if (port->shared)
        return true;
    *out = ++w->last_lease;
    w->is_out[*out % WORLD_MAX_LEASES] = true;
    return true;
}

/* The tags of the call that a command replaces. */
struct tags {
    char room[2][1 << 16];
    struct text of[2];
};

static void note_tags(const struct call *call, struct tags *out)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct text tag = i < call_party_count(call) ? call_party(call, i).tag : TEXT("b");
        if (tag.len > 0)
            memcpy(out->room[i], tag.data, tag.len);
        out->of[i] = text_of(out->room[i], tag.len);
    }
}

static void apply(
    struct world *w, enum call_verb verb, bool back, const char *words, struct text sdp)
{
    static struct tags tags;
    struct call_result result;
    note_tags(w->call, &tags);
    struct call_command command = {.verb = verb,
        .call_id = TEXT("call"),
        .from_tag = tags.of[back],
        .to_tag = tags.of[!back],
        .sdp = sdp};
    scenario_default_flags(&command.flags);
    struct text rest = text_from(words);
    while (rest.len > 0)
        require(scenario_flag(&command, text_word(&rest, ' ')));
    (void)world_apply(w, &command, &result);
    if (w->broken != NULL)
        fprintf(stderr, "this must hold: %s\n", w->broken);
    require(w->broken == NULL);
}

/* Names that no record has: those of the world come up in the corpus. */
static void other_random(void *data, size_t len)
{
    static uint64_t state = 0x9e3779b97f4a7c15;
    uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        bytes[i] = (uint8_t)(state >> 56);
    }
}

/* Either of the first two parties may be the first to say something. */
static void goes_on(const struct call *call, bool back)
{
    static struct world w;
    world_init(&w);
    require(world_add_address(&w, "external", "203.0.113.10"));
    require(world_add_address(&w, "internal", "10.20.0.10"));
    w.env.random = other_random;
    w.call = call_clone(call);
    require(w.call != NULL && call_record_lease(w.call, lease, &w));
    apply(&w, CALL_ANSWER, back, "", TEXT(BROWSER));
    apply(&w, CALL_OFFER, back, "ice=force protocol=UDP/TLS/RTP/SAVPF mux-offer", TEXT(OFFER));
    apply(&w, CALL_ANSWER, back, "ice=remove", TEXT(BROWSER));
    apply(&w, CALL_OFFER, !back, "protocol=RTP/SAVP sdes-nonew", TEXT(OFFER));
    apply(&w, CALL_DELETE, back, "", text_of(NULL, 0));
    world_done(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct call *call = read_call(bytes_of(data, size));
    if (call == NULL)
        return 0;
    is_written_the_same(call);
    goes_on(call, false);
    goes_on(call, true);
    call_free(call);
    return 0;
}
