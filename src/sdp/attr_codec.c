/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that describe payload types. */
#include "mediaferry/sdp_attr.h"

#include "sdp/lines.h"

enum { MAX_PAYLOAD_TYPE = 127 };

static bool take_payload_type(struct text *it, uint8_t *out)
{
    uint64_t number;
    if (!sdp_take_number(it, MAX_PAYLOAD_TYPE, &number))
        return false;
    *out = (uint8_t)number;
    return true;
}

bool sdp_read_rtpmap(struct text value, struct sdp_rtpmap *out)
{
    struct sdp_rtpmap map = {.channels = 1};
    struct text codec;
    uint64_t clock, channels = 1;

    if (!take_payload_type(&value, &map.payload_type) || !sdp_next_word(&value, &codec))
        return false;
    map.encoding = text_cut(&codec, '/');
    if (map.encoding.len == 0 || !text_to_u64(text_cut(&codec, '/'), UINT32_MAX, &clock))
        return false;
    struct text count = text_cut(&codec, '/');
    if (count.len > 0 && !text_to_u64(count, UINT8_MAX, &channels))
        return false;
    if (clock == 0 || channels == 0)
        return false;
    map.clock = (uint32_t)clock;
    map.channels = (uint8_t)channels;
    *out = map;
    return true;
}

static const struct {
    uint8_t payload_type;
    uint8_t channels;
    uint32_t clock;
    const char *encoding;
} static_types[] = {
    {0, 1, 8000, "PCMU"},
    {3, 1, 8000, "GSM"},
    {4, 1, 8000, "G723"},
    {5, 1, 8000, "DVI4"},
    {6, 1, 16000, "DVI4"},
    {7, 1, 8000, "LPC"},
    {8, 1, 8000, "PCMA"},
    {9, 1, 8000, "G722"}, /* samples at 16 kHz, but its RTP clock is 8 kHz */
    {10, 2, 44100, "L16"},
    {11, 1, 44100, "L16"},
    {12, 1, 8000, "QCELP"},
    {13, 1, 8000, "CN"},
    {14, 1, 90000, "MPA"},
    {15, 1, 8000, "G728"},
    {16, 1, 11025, "DVI4"},
    {17, 1, 22050, "DVI4"},
    {18, 1, 8000, "G729"},
    {25, 1, 90000, "CelB"},
    {26, 1, 90000, "JPEG"},
    {28, 1, 90000, "nv"},
    {31, 1, 90000, "H261"},
    {32, 1, 90000, "MPV"},
    {33, 1, 90000, "MP2T"},
    {34, 1, 90000, "H263"},
};

bool sdp_static_rtpmap(unsigned payload_type, struct sdp_rtpmap *out)
{
    for (size_t i = 0; i < COUNT_OF(static_types); i++) {
        if (static_types[i].payload_type != payload_type)
            continue;
        *out = (struct sdp_rtpmap){.payload_type = static_types[i].payload_type,
            .encoding = text_from(static_types[i].encoding),
            .clock = static_types[i].clock,
            .channels = static_types[i].channels};
        return true;
    }
    return false;
}

bool sdp_read_fmtp(struct text value, struct sdp_fmtp *out)
{
    struct sdp_fmtp fmtp;
    if (!take_payload_type(&value, &fmtp.payload_type))
        return false;
    fmtp.params = text_trim(value);
    *out = fmtp;
    return true;
}

bool sdp_fmtp_param(struct text params, const char *name, struct text *out)
{
    while (params.len > 0) {
        struct text value = text_cut(&params, ';');
        struct text key = text_trim(text_cut(&value, '='));
        if (!text_is_nocase(key, name))
            continue;
        *out = text_trim(value);
        return true;
    }
    return false;
}

bool sdp_read_rtcp_fb(struct text value, struct sdp_rtcp_fb *out)
{
    struct text it = value, first;
    struct sdp_rtcp_fb fb = {.any_payload_type = false};

    if (!sdp_next_word(&it, &first))
        return false;
    if (text_is(first, "*"))
        fb.any_payload_type = true;
    else if (!take_payload_type(&value, &fb.payload_type))
        return false;
    if (!sdp_next_word(&it, &fb.id))
        return false;
    fb.param = text_trim(it);
    *out = fb;
    return true;
}

bool sdp_read_ptime(struct text value, unsigned *out_ms)
{
    uint64_t ms;
    struct text number;
    if (!sdp_next_word(&value, &number) || !text_to_u64(text_cut(&number, '.'), UINT16_MAX, &ms) ||
        ms == 0)
        return false;
    *out_ms = (unsigned)ms;
    return true;
}
