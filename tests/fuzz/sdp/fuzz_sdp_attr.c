/* SPDX-License-Identifier: Apache-2.0 */
/* The input is `name:value`, as behind `a=`. What is read and can be written is read again alike.
 */
#include "mediaferry/sdp_write.h"

#include "../require.h"

/* The value of the one line in `w`; its name is of the kind that was asked for. */
static struct text value_of(const struct writer *w, enum sdp_attr_kind kind)
{
    struct text lines = text_from_bytes(writer_bytes(w));
    struct sdp_attr attr;
    require(writer_ok(w));
    require(sdp_next_attr(&lines, &attr));
    require(lines.len == 0 && attr.kind == kind);
    return attr.value;
}

static bool same_candidate(const struct sdp_candidate *a, const struct sdp_candidate *b)
{
    return text_equal(a->foundation, b->foundation) && a->component == b->component &&
           a->transport == b->transport && a->priority == b->priority && a->type == b->type &&
           text_equal(a->host, b->host) && address_equal(&a->address, &b->address) &&
           (a->related.family == ADDRESS_NONE || address_equal(&a->related, &b->related)) &&
           a->is_mdns == b->is_mdns && a->tcp_type == b->tcp_type &&
           text_equal(a->extensions, b->extensions);
}

static bool same_crypto(const struct sdp_crypto *a, const struct sdp_crypto *b)
{
    return a->tag == b->tag && a->suite == b->suite && a->key_count == b->key_count &&
           memcmp(a->keys, b->keys, sizeof(a->keys)) == 0 && text_equal(a->params, b->params) &&
           a->kdr == b->kdr && a->wsh == b->wsh && a->has_unknown_params == b->has_unknown_params;
}

static bool same_fingerprint(const struct sdp_fingerprint *a, const struct sdp_fingerprint *b)
{
    return a->hash == b->hash && a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool same_rtpmap(const struct sdp_rtpmap *a, const struct sdp_rtpmap *b)
{
    return a->payload_type == b->payload_type && text_equal(a->encoding, b->encoding) &&
           a->clock == b->clock && a->channels == b->channels;
}

static bool same_fmtp(const struct sdp_fmtp *a, const struct sdp_fmtp *b)
{
    return a->payload_type == b->payload_type && text_equal(a->params, b->params);
}

static bool same_rtcp_fb(const struct sdp_rtcp_fb *a, const struct sdp_rtcp_fb *b)
{
    return a->any_payload_type == b->any_payload_type && a->payload_type == b->payload_type &&
           text_equal(a->id, b->id) && text_equal(a->param, b->param);
}

static bool same_extmap(const struct sdp_extmap *a, const struct sdp_extmap *b)
{
    return a->id == b->id && a->has_direction == b->has_direction && a->direction == b->direction &&
           text_equal(a->uri, b->uri) && text_equal(a->params, b->params);
}

#define CHECK(noun, kind)                                                                          \
    static void check_##noun(struct text value)                                                    \
    {                                                                                              \
        static char buffer[1 << 18];                                                               \
        struct writer w = writer_over(buffer, sizeof(buffer));                                     \
        struct sdp_##noun first, second;                                                           \
        if (!sdp_read_##noun(value, &first))                                                       \
            return;                                                                                \
        sdp_write_##noun(&w, &first);                                                              \
        require(sdp_read_##noun(value_of(&w, kind), &second));                                     \
        require(same_##noun(&first, &second));                                                     \
    }

CHECK(candidate, SDP_ATTR_CANDIDATE)
CHECK(crypto, SDP_ATTR_CRYPTO)
CHECK(fingerprint, SDP_ATTR_FINGERPRINT)
CHECK(rtpmap, SDP_ATTR_RTPMAP)
CHECK(fmtp, SDP_ATTR_FMTP)
CHECK(rtcp_fb, SDP_ATTR_RTCP_FB)
CHECK(extmap, SDP_ATTR_EXTMAP)

/* The readers without a writer of their own: what they give lies within the value. */
static void check_others(struct text value)
{
    struct bytes whole = text_bytes(value);
    struct sdp_connection connection;
    struct sdp_rtcp rtcp;
    struct sdp_group group;
    struct sdp_ssrc ssrc;
    struct text word;
    enum sdp_setup setup;
    unsigned ms;

    if (sdp_read_connection(value, &connection))
        require(connection.host.len > 0 && lies_within(text_bytes(connection.host), whole));
    if (sdp_read_rtcp(value, &rtcp) && rtcp.has_connection)
        require(lies_within(text_bytes(rtcp.connection.host), whole));
    if (sdp_read_group(value, &group))
        require(group.semantics.len > 0 && lies_within(text_bytes(group.mids), whole));
    if (sdp_read_ssrc(value, &ssrc))
        require(ssrc.name.len > 0 && lies_within(text_bytes(ssrc.value), whole));
    if (sdp_read_word(value, &word))
        require(word.len > 0 && lies_within(text_bytes(word), whole));
    if (sdp_read_setup(value, &setup))
        require(text_is_nocase(text_trim(value), sdp_setup_name(setup)));
    if (sdp_read_ptime(value, &ms))
        require(ms > 0 && ms <= UINT16_MAX);
    if (sdp_fmtp_param(value, "x", &word))
        require(lies_within(text_bytes(word), whole));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text value = text_from_bytes(bytes_of(data, size));
    if (size > 1 << 16)
        return 0;
    for (size_t i = 0; i < size; i++)
        if (data[i] == '\0' || data[i] == '\r' || data[i] == '\n')
            return 0; /* sdp_parse() lets no such byte through */
    text_cut(&value, ':');

    check_candidate(value);
    check_crypto(value);
    check_fingerprint(value);
    check_rtpmap(value);
    check_fmtp(value);
    check_rtcp_fb(value);
    check_extmap(value);
    check_others(value);
    return 0;
}
