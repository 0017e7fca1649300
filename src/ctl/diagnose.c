/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/diagnose.h"

#include <stdio.h>

#include "ctl/text.h"

enum {
    GRACE_S = 3,  /* what is missing so early is still on its way */
    SILENT_S = 5, /* between two packets */
    MOS_X10_LOW = 36,
    LOSS_PERCENT = 2,
    JITTER_MS = 40,
    FEW_PACKETS = 50, /* too few to judge by */
};

const char *diagnose_party_name(size_t index, char out[PARTY_NAME_SIZE])
{
    if (index < 26)
        snprintf(out, PARTY_NAME_SIZE, "%c", (char)('A' + index));
    else
        snprintf(out, PARTY_NAME_SIZE, "#%zu", index + 1);
    return out;
}

/* A section of a party, as the rules look at it. */
struct view {
    const json_t *call, *media, *rtp;
    const json_t *flags, *rtp_flags; /* of the section, of its RTP */
    char name[PARTY_NAME_SIZE];
    int64_t now, age;
    bool is_answered;
    int64_t packets_in, packets_out, errors, last;
    int64_t peers_in; /* packets of all other parties */
    struct str *out;
    const char *indent;
    size_t found;
};

static void say(struct view *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct view *v, const char *format, ...)
{
    va_list arguments;
    str_addf(v->out, "%s- ", v->indent);
    va_start(arguments, format);
    str_vaddf(v->out, format, arguments);
    va_end(arguments);
    str_add_char(v->out, '\n');
    v->found++;
}

static bool has(const struct view *v, const char *flag)
{
    return json_has_word(v->flags, flag);
}

static bool rtp_has(const struct view *v, const char *flag)
{
    return json_has_word(v->rtp_flags, flag);
}

/* --- rules: each says what it finds --- */

/* Nothing passes before a check has come, so the rest is not looked at. */
static bool look_at_ice(struct view *v)
{
    if (!has(v, "ICE"))
        return true;
    if (rtp_has(v, "consent expired")) {
        say(v,
            "%s answers no ICE checks any more, so nothing is sent to it: it is gone, or has "
            "another network and no ICE restart came",
            v->name);
        return false;
    }
    if (!rtp_has(v, "confirmed") && v->age >= GRACE_S) {
        say(v,
            "no valid ICE check has come from %s: a firewall, an address in the candidates that "
            "it cannot reach, or another SDP than ours was sent to it (see 'ICE checks' of status)",
            v->name);
        return false;
    }
    return true;
}

static bool look_at_dtls(struct view *v)
{
    if (!has(v, "DTLS-SRTP") || rtp_has(v, "DTLS fingerprint verified"))
        return true;
    if (rtp_has(v, "DTLS failed"))
        say(v, "the DTLS handshake with %s has failed: the log says why (dtls-failed)", v->name);
    else if (rtp_has(v, "DTLS unverified"))
        say(v, "DTLS with %s is done, but the fingerprint of its SDP has not come: no answer yet",
            v->name);
    else if (v->age >= GRACE_S)
        say(v, "the DTLS handshake with %s is not done: are its packets lost?", v->name);
    else
        return true;
    return false;
}

static void look_at_arrival(struct view *v)
{
    if (!has(v, "recv") || v->age < GRACE_S || !v->is_answered)
        return;
    if (v->packets_in == 0 && v->errors == 0)
        say(v, "no RTP has come from %s: its address for us, its firewall, or it sends elsewhere",
            v->name);
    else if (v->last > 0 && v->now - v->last >= SILENT_S)
        say(v, "%s has been silent for %lld seconds", v->name, (long long)(v->now - v->last));
}

static void look_at_drops(struct view *v)
{
    int64_t all = v->packets_in;
    if (v->errors > 0 && v->errors * 100 >= all * LOSS_PERCENT && v->errors > 10)
        say(v,
            "%lld of %lld packets from %s were dropped here: the log says why (packet-dropped), "
            "and 'dropped' of status",
            (long long)v->errors, (long long)all, v->name);
}

static void look_at_departure(struct view *v)
{
    if (!has(v, "send") || v->age < GRACE_S)
        return;
    if (json_object_size(json_object_get(v->rtp, "endpoint")) == 0)
        say(v, "the address of %s is not known, so nothing is sent to it", v->name);
    else if (v->packets_out == 0 && v->peers_in > 0)
        say(v, "nothing has been sent to %s, though there is media for it", v->name);
}

static void look_at_ssrc(struct view *v, const json_t *ssrc)
{
    const json_t *average = json_object_get(ssrc, "average MOS");
    int64_t packets = json_number(ssrc, "packets"), lost = json_number(ssrc, "lost");
    int64_t mos = json_number(average, "MOS"), loss = json_number(average, "packet loss");
    if (packets < FEW_PACKETS)
        return;
    if (lost > 0 && lost * 100 >= (packets + lost) * LOSS_PERCENT)
        say(v, "%lld %% of the packets from %s are lost on their way to us",
            (long long)(lost * 100 / (packets + lost)), v->name);
    if (json_number(ssrc, "jitter") >= JITTER_MS)
        say(v, "packets from %s come unevenly: jitter of %lld ms", v->name,
            (long long)json_number(ssrc, "jitter"));
    if (loss >= LOSS_PERCENT)
        say(v, "%lld %% of what %s sends is lost before it is heard", (long long)loss, v->name);
    if (mos > 0 && mos < MOS_X10_LOW)
        say(v, "what %s sends is heard badly: MOS %lld.%lld", v->name, (long long)(mos / 10),
            (long long)(mos % 10));
}

static void look_at_quality(struct view *v)
{
    const json_t *ssrcs = json_object_get(v->media, "ingress SSRCs");
    for (size_t i = 0; i < json_array_size(ssrcs); i++)
        look_at_ssrc(v, json_array_get(ssrcs, i));
}

static void look_at_section(struct view *v)
{
    if (!has(v, "initialized") || !look_at_ice(v) || !look_at_dtls(v))
        return;
    look_at_arrival(v);
    look_at_drops(v);
    look_at_departure(v);
    look_at_quality(v);
}

/* --- the call --- */

static const json_t *rtp_of(const json_t *media)
{
    return json_array_get(json_object_get(media, "streams"), 0);
}

static int64_t packets_in(const json_t *party)
{
    const json_t *medias = json_object_get(party, "medias");
    int64_t packets = 0;
    for (size_t i = 0; i < json_array_size(medias); i++)
        packets +=
            json_number(json_object_get(rtp_of(json_array_get(medias, i)), "stats"), "packets");
    return packets;
}

/* A party without a tag has only been invited. */
static void look_at_party(struct view *v, const json_t *party)
{
    const json_t *medias = json_object_get(party, "medias");
    if (json_word(party, "tag")[0] == '\0')
        return;
    for (size_t i = 0; i < json_array_size(medias); i++) {
        v->media = json_array_get(medias, i);
        v->rtp = rtp_of(v->media);
        v->flags = json_object_get(v->media, "flags");
        v->rtp_flags = json_object_get(v->rtp, "flags");
        v->packets_in = json_number(json_object_get(v->rtp, "stats"), "packets");
        v->errors = json_number(json_object_get(v->rtp, "stats"), "errors");
        v->packets_out = json_number(json_object_get(v->rtp, "stats_out"), "packets");
        v->last = json_number(v->rtp, "last packet");
        look_at_section(v);
    }
}

static void look_at_call(struct view *v, const json_t *parties)
{
    const char *key;
    json_t *party;
    v->is_answered = json_object_size(parties) > 1;
    if (strcmp(json_word(v->call, "state"), "deleted") == 0)
        say(v, "the proxy has deleted it; it is kept for the delete-delay only");
    json_object_foreach ((json_t *)parties, key, party)
        v->is_answered = v->is_answered && json_word(party, "tag")[0] != '\0';
    if (!v->is_answered)
        say(v, "no answer has come yet");
}

size_t diagnose(const json_t *call, const char *indent, struct str *out)
{
    const json_t *parties = json_object_get(call, "tags");
    struct view v = {
        .call = call,
        .now = json_number(call, "now"),
        .age = json_number(call, "age"),
        .out = out,
        .indent = indent,
    };
    int64_t all = 0;
    const char *key;
    json_t *party;
    size_t index = 0;
    look_at_call(&v, parties);
    json_object_foreach ((json_t *)parties, key, party)
        all += packets_in(party);
    json_object_foreach ((json_t *)parties, key, party) {
        diagnose_party_name(index++, v.name);
        v.peers_in = all - packets_in(party);
        look_at_party(&v, party);
    }
    return v.found;
}
