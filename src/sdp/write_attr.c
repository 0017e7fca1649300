/* SPDX-License-Identifier: Apache-2.0 */
/* The attributes of sdp_attr.h, written. */
#include "mediaferry/sdp_write.h"

#include "mediaferry/base64.h"
#include "sdp/write.h"

/* ` text`, or nothing for an empty one */
static void put_more(struct writer *w, struct text t)
{
    if (t.len == 0)
        return;
    writer_u8(w, ' ');
    sdp_put(w, t);
}

void sdp_write_rtpmap(struct writer *w, const struct sdp_rtpmap *rtpmap)
{
    sdp_begin_attr(w, "rtpmap");
    sdp_putf(w, "%u ", rtpmap->payload_type);
    sdp_put(w, rtpmap->encoding);
    sdp_putf(w, "/%u", rtpmap->clock);
    if (rtpmap->channels > 1)
        sdp_putf(w, "/%u", rtpmap->channels);
    sdp_end_line(w);
}

void sdp_write_fmtp(struct writer *w, const struct sdp_fmtp *fmtp)
{
    sdp_begin_attr(w, "fmtp");
    sdp_putf(w, "%u", fmtp->payload_type);
    put_more(w, fmtp->params);
    sdp_end_line(w);
}

void sdp_write_rtcp_fb(struct writer *w, const struct sdp_rtcp_fb *fb)
{
    sdp_begin_attr(w, "rtcp-fb");
    if (fb->any_payload_type)
        sdp_put(w, TEXT("*"));
    else
        sdp_putf(w, "%u", fb->payload_type);
    put_more(w, fb->id);
    put_more(w, fb->param);
    sdp_end_line(w);
}

static struct text candidate_transport(const struct sdp_candidate *c)
{
    if (c->transport_name.len > 0)
        return c->transport_name;
    return c->transport == SDP_CANDIDATE_TCP ? TEXT("TCP") : TEXT("UDP");
}

static struct text candidate_type(const struct sdp_candidate *c)
{
    static const char *const names[] = {"host", "srflx", "prflx", "relay"};
    if (c->type_name.len > 0 || c->type == SDP_CANDIDATE_UNKNOWN)
        return c->type_name;
    return text_from(names[c->type]);
}

static void put_tcp_type(struct writer *w, const struct sdp_candidate *c)
{
    static const char *const names[] = {"", "active", "passive", "so"};
    struct text given;
    if (c->tcp_type != SDP_TCP_NONE && !sdp_candidate_extension(c, "tcptype", &given))
        sdp_putf(w, " tcptype %s", names[c->tcp_type]);
}

void sdp_write_candidate(struct writer *w, const struct sdp_candidate *c)
{
    char ip[ADDRESS_TEXT_SIZE];

    sdp_begin_attr(w, "candidate");
    sdp_put(w, c->foundation);
    sdp_putf(w, " %u ", c->component);
    sdp_put(w, candidate_transport(c));
    sdp_putf(w, " %u ", c->priority);
    sdp_put(w, c->host.len > 0 ? c->host : text_from(address_ip_text(&c->address, ip)));
    sdp_putf(w, " %u typ ", c->address.port);
    sdp_put(w, candidate_type(c));
    if (c->related.family != ADDRESS_NONE)
        sdp_putf(w, " raddr %s rport %u", address_ip_text(&c->related, ip), c->related.port);
    put_tcp_type(w, c);
    put_more(w, c->extensions);
    sdp_end_line(w);
}

/* The power of 2 that `value` is, or -1. */
static int power_of_2(uint64_t value)
{
    if (value == 0 || (value & (value - 1)) != 0)
        return -1;
    return __builtin_ctzll(value);
}

static void put_crypto_key(struct writer *w, const struct sdp_crypto_key *key)
{
    sdp_put(w, TEXT("inline:"));
    base64_encode(w, bytes_of(key->bytes, key->len));
    int power = power_of_2(key->lifetime);
    if (power >= 0)
        sdp_putf(w, "|2^%d", power);
    else if (key->lifetime > 0)
        sdp_putf(w, "|%llu", (unsigned long long)key->lifetime);
    if (key->mki_len > 0)
        sdp_putf(w, "|%llu:%u", (unsigned long long)key->mki, key->mki_len);
}

void sdp_write_crypto(struct writer *w, const struct sdp_crypto *crypto)
{
    sdp_begin_attr(w, "crypto");
    sdp_putf(w, "%u ", crypto->tag);
    sdp_put(w, crypto->suite_name);
    for (size_t i = 0; i < crypto->key_count; i++) {
        writer_u8(w, i == 0 ? ' ' : ';');
        put_crypto_key(w, &crypto->keys[i]);
    }
    put_more(w, crypto->params);
    sdp_end_line(w);
}

void sdp_write_fingerprint(struct writer *w, const struct sdp_fingerprint *fingerprint)
{
    sdp_begin_attr(w, "fingerprint");
    if (fingerprint->hash == SDP_HASH_OTHER)
        sdp_put(w, fingerprint->hash_name);
    else
        sdp_put(w, text_from(sdp_hash_name(fingerprint->hash)));
    for (size_t i = 0; i < fingerprint->len; i++)
        sdp_putf(w, "%c%02X", i == 0 ? ' ' : ':', fingerprint->bytes[i]);
    sdp_end_line(w);
}

void sdp_write_extmap(struct writer *w, const struct sdp_extmap *extmap)
{
    sdp_begin_attr(w, "extmap");
    sdp_putf(w, "%u", extmap->id);
    if (extmap->has_direction)
        sdp_putf(w, "/%s", sdp_direction_name(extmap->direction));
    put_more(w, extmap->uri);
    put_more(w, extmap->params);
    sdp_end_line(w);
}
