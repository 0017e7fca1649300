/* SPDX-License-Identifier: Apache-2.0 */
/* One call: who sends where, how it is secured, how well it is heard. */
#include <stdio.h>

#include "ctl/diagnose.h"
#include "ctl/text.h"
#include "ctl/views.h"

/* "192.0.2.1:5000", "[2001:db8::1]:5000"; "-" when it is not known. */
static void add_address(struct str *out, const char *ip, int64_t port)
{
    if (ip[0] == '\0') {
        str_add_char(out, '-');
        return;
    }
    bool is_ip6 = strchr(ip, ':') != NULL;
    str_add_string(out, is_ip6 ? "[" : "");
    text_add_safe(out, ip);
    str_addf(out, "%s:%lld", is_ip6 ? "]" : "", (long long)port);
}

static void add_endpoint(struct str *out, const json_t *endpoint)
{
    add_address(out, json_word(endpoint, "address"), json_number(endpoint, "port"));
}

/* --- a section --- */

static void add_direction(const json_t *flags, struct str *out)
{
    bool sends = json_has_word(flags, "recv"), receives = json_has_word(flags, "send");
    str_add_string(out, sends && receives ? "sends and receives"
                        : sends           ? "only sends"
                        : receives        ? "only receives"
                                          : "on hold");
}

static void add_security(const json_t *flags, const json_t *rtp, struct str *out)
{
    const json_t *rtp_flags = json_object_get(rtp, "flags");
    const char *suite = json_word(rtp, "crypto suite");
    if (json_has_word(flags, "DTLS-SRTP"))
        str_addf(out, "DTLS-SRTP%s, %s",
            json_has_word(flags, "DTLS role active")    ? " (active here)"
            : json_has_word(flags, "DTLS role passive") ? " (passive here)"
                                                        : "",
            json_has_word(rtp_flags, "DTLS fingerprint verified") ? "fingerprint verified"
            : json_has_word(rtp_flags, "DTLS failed")             ? "FAILED"
            : json_has_word(rtp_flags, "DTLS unverified")         ? "fingerprint not known yet"
            : json_has_word(rtp_flags, "DTLS handshaking")        ? "handshaking"
                                                                  : "not begun");
    else
        str_add_string(out, json_has_word(flags, "SDES") ? "SRTP with SDES" : "plain RTP");
    if (suite[0] != '\0') {
        str_add_string(out, ", ");
        text_add_safe(out, suite);
    }
}

static void add_ice(const json_t *flags, const json_t *rtp, struct str *out)
{
    const json_t *rtp_flags = json_object_get(rtp, "flags");
    if (!json_has_word(flags, "ICE"))
        return;
    str_addf(out, "; ICE%s%s, %s", json_has_word(flags, "ICE-lite peer") ? " lite peer" : "",
        json_has_word(flags, "trickle ICE") ? " trickling" : "",
        json_has_word(rtp_flags, "consent expired") ? "CONSENT EXPIRED"
        : json_has_word(rtp_flags, "confirmed")     ? "a pair is selected"
                                                    : "no valid pair yet");
}

static void add_path(const json_t *rtp, const json_t *flags, struct str *out)
{
    const json_t *endpoint = json_object_get(rtp, "endpoint");
    const json_t *signalled = json_object_get(rtp, "advertised endpoint");
    str_add_string(out, "ours ");
    add_address(out, json_word(rtp, "local address"), json_number(rtp, "local port"));
    str_add_string(out, ", its ");
    add_endpoint(out, endpoint);
    if (json_object_size(signalled) > 0 && !json_equal(endpoint, signalled)) {
        str_add_string(out, json_has_word(flags, "ICE") ? " (SDP: " : " (learned; SDP: ");
        add_endpoint(out, signalled);
        str_add_char(out, ')');
    }
}

/* --- packets --- */

static void add_counts(const json_t *stream, const char *key, struct str *out)
{
    const json_t *counts = json_object_get(stream, key);
    text_add_count(out, json_number(counts, "packets"));
    str_add_string(out, " packets, ");
    text_add_bytes(out, json_number(counts, "bytes"));
    if (json_number(counts, "errors") > 0) {
        str_add_string(out, ", ");
        text_add_count(out, json_number(counts, "errors"));
        str_add_string(out, " dropped");
    }
}

static void add_last(const json_t *stream, int64_t now, struct str *out)
{
    int64_t last = json_number(stream, "last packet");
    if (last == 0)
        str_add_string(out, "none ever");
    else if (now - last <= 1)
        str_add_string(out, "the last now");
    else
        str_addf(out, "the last %lld seconds ago", (long long)(now - last));
}

static void add_stream(const json_t *stream, const char *name, int64_t now, struct str *out)
{
    str_addf(out, "      %-4s  from it: ", name);
    add_counts(stream, "stats", out);
    str_add_string(out, ", ");
    add_last(stream, now, out);
    str_add_string(out, "\n            to it:   ");
    add_counts(stream, "stats_out", out);
    str_add_char(out, '\n');
}

static void add_mos(int64_t mos_x10, struct str *out)
{
    str_addf(out, "%lld.%lld", (long long)(mos_x10 / 10), (long long)(mos_x10 % 10));
}

/* What is said of its sender: measured here, and told by who hears it. */
static void add_ssrc(const json_t *ssrc, struct str *out)
{
    const json_t *average = json_object_get(ssrc, "average MOS");
    str_addf(out, "      SSRC %08llx: ", (unsigned long long)json_number(ssrc, "SSRC"));
    text_add_count(out, json_number(ssrc, "packets"));
    str_addf(out, " packets, lost %lld, doubled %lld", (long long)json_number(ssrc, "lost"),
        (long long)json_number(ssrc, "duplicates"));
    if (json_object_get(ssrc, "jitter") != NULL)
        str_addf(out, ", jitter %lld ms", (long long)json_number(ssrc, "jitter"));
    if (json_is_object(average)) {
        str_add_string(out, "\n            heard with MOS ");
        add_mos(json_number(average, "MOS"), out);
        str_add_string(out, " (lowest ");
        add_mos(json_number(json_object_get(ssrc, "lowest MOS"), "MOS"), out);
        str_addf(out, "), loss %lld %%, jitter %lld ms, round trip %lld ms",
            (long long)json_number(average, "packet loss"),
            (long long)json_number(average, "jitter"),
            (long long)json_number(average, "round-trip time") / 1000);
    }
    str_add_char(out, '\n');
}

static void add_section(const json_t *media, int64_t now, struct str *out)
{
    const json_t *flags = json_object_get(media, "flags");
    const json_t *streams = json_object_get(media, "streams");
    const json_t *rtp = json_array_get(streams, 0), *rtcp = json_array_get(streams, 1);
    const json_t *ssrcs = json_object_get(media, "ingress SSRCs");
    const char *codec = json_word(media, "codec");
    str_add_string(out, "    ");
    text_add_safe(out, json_word(media, "type"));
    str_add_char(out, ' ');
    text_add_safe(out, codec[0] != '\0' ? codec : "(no codec)");
    str_add_string(out, ", ");
    if (!json_has_word(flags, "initialized")) {
        str_add_string(out, "off\n");
        return;
    }
    add_direction(flags, out);
    str_add_string(out, "\n      ");
    add_security(flags, rtp, out);
    add_ice(flags, rtp, out);
    str_add_string(out, "\n      ");
    add_path(rtp, flags, out);
    str_add_char(out, '\n');
    add_stream(rtp, "RTP", now, out);
    add_stream(rtcp, "RTCP", now, out);
    for (size_t i = 0; i < json_array_size(ssrcs); i++)
        add_ssrc(json_array_get(ssrcs, i), out);
}

/* --- the call --- */

static void add_party(const json_t *party, size_t index, int64_t now, struct str *out)
{
    const json_t *medias = json_object_get(party, "medias");
    const char *tag = json_word(party, "tag");
    char name[PARTY_NAME_SIZE];
    str_addf(out, "\n%s   tag ", diagnose_party_name(index, name));
    text_add_safe(out, tag[0] != '\0' ? tag : "(none yet)");
    if (json_word(party, "label")[0] != '\0') {
        str_add_string(out, ", label ");
        text_add_safe(out, json_word(party, "label"));
    }
    str_add_char(out, '\n');
    for (size_t i = 0; i < json_array_size(medias); i++)
        add_section(json_array_get(medias, i), now, out);
}

void view_call(const json_t *call, struct str *out)
{
    const json_t *parties = json_object_get(call, "tags");
    int64_t now = json_number(call, "now");
    const char *key;
    json_t *party;
    size_t index = 0;
    str_add_string(out, "call-id ");
    text_add_safe(out, json_word(call, "call-id"));
    str_add_char(out, '\n');
    text_add_safe(out, json_word(call, "state"));
    str_add_string(out, ", age ");
    text_add_duration(out, json_number(call, "age"));
    str_addf(out, ", worker %lld, last command ", (long long)json_number(call, "worker"));
    text_add_duration(out, now - json_number(call, "last signal"));
    str_add_string(out, " ago\n");
    json_object_foreach ((json_t *)parties, key, party)
        add_party(party, index++, now, out);

    str_add_string(out, "\nwhat may be wrong\n");
    if (diagnose(call, "  ", out) == 0)
        str_add_string(out, "  nothing that can be seen here\n");
}
