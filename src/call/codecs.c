/* SPDX-License-Identifier: Apache-2.0 */
#include "call/codecs.h"

#include <stdio.h>

#include "mediaferry/sdp_write.h"

enum { MAX_PAYLOAD_TYPE = 127 };

const struct codec *codecs_find(const struct codecs *list, uint8_t type)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].type == type)
            return &list->items[i];
    return NULL;
}

static struct codec *find(struct codecs *list, uint8_t type)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].type == type)
            return &list->items[i];
    return NULL;
}

struct text codecs_fmtp(const struct codecs *list, uint8_t type)
{
    for (size_t i = 0; i < list->line_count; i++) {
        const struct codec_line *line = &list->lines[i];
        if (line->kind == CODEC_FMTP && line->type == type)
            return line->value;
    }
    return TEXT("");
}

/* --- reading --- */

static void read_formats(struct text formats, struct codecs *out)
{
    struct text word;
    uint64_t type;
    while (out->count < CODECS_MAX && sdp_next_word(&formats, &word)) {
        if (!text_to_u64(word, MAX_PAYLOAD_TYPE, &type) || find(out, (uint8_t)type) != NULL)
            continue;
        out->items[out->count++] = (struct codec){.type = (uint8_t)type, .channels = 1};
    }
}

static void describe(struct codec *codec, const struct sdp_rtpmap *map)
{
    codec->name = map->encoding;
    codec->clock_rate = map->clock;
    codec->channels = map->channels;
}

static void read_rtpmap(struct codecs *list, struct text value)
{
    struct sdp_rtpmap map;
    if (!sdp_read_rtpmap(value, &map))
        return;
    struct codec *codec = find(list, map.payload_type);
    if (codec != NULL && codec->name.len == 0)
        describe(codec, &map);
}

static void add_line(struct codecs *list, struct codec_line line)
{
    if (list->line_count == CODECS_MAX_LINES)
        return;
    if (line.all_types || find(list, line.type) != NULL)
        list->lines[list->line_count++] = line;
}

static void read_fmtp(struct codecs *list, struct text value)
{
    struct sdp_fmtp fmtp;
    if (!sdp_read_fmtp(value, &fmtp))
        return;
    add_line(list,
        (struct codec_line){.kind = CODEC_FMTP, .type = fmtp.payload_type, .value = fmtp.params});
}

static void read_feedback(struct codecs *list, struct text value)
{
    struct sdp_rtcp_fb fb;
    if (!sdp_read_rtcp_fb(value, &fb))
        return;
    text_word(&value, ' ');
    add_line(list, (struct codec_line){.kind = CODEC_FEEDBACK,
                       .all_types = fb.any_payload_type,
                       .type = fb.payload_type,
                       .value = text_trim(value)});
}

static void fill_static_types(struct codecs *list)
{
    struct sdp_rtpmap map;
    for (size_t i = 0; i < list->count; i++) {
        struct codec *codec = &list->items[i];
        if (codec->name.len == 0 && sdp_static_rtpmap(codec->type, &map))
            describe(codec, &map);
    }
}

void codecs_read(const struct sdp_media *media, struct codecs *out)
{
    out->count = 0;
    out->line_count = 0;
    read_formats(media->formats, out);

    struct text it = media->lines;
    struct sdp_attr attr;
    while (sdp_next_attr(&it, &attr)) {
        if (attr.kind == SDP_ATTR_RTPMAP)
            read_rtpmap(out, attr.value);
        else if (attr.kind == SDP_ATTR_FMTP)
            read_fmtp(out, attr.value);
        else if (attr.kind == SDP_ATTR_RTCP_FB)
            read_feedback(out, attr.value);
    }
    fill_static_types(out);
}

/* --- writing --- */

void codecs_write_formats(struct writer *w, const struct codecs *list)
{
    for (size_t i = 0; i < list->count; i++) {
        char number[8];
        int len = snprintf(number, sizeof(number), "%s%u", i > 0 ? " " : "", list->items[i].type);
        writer_put(w, bytes_of(number, (size_t)len));
    }
}

static void write_lines(
    struct writer *w, const struct codecs *list, const struct codec *codec, bool feedback)
{
    for (size_t i = 0; i < list->line_count; i++) {
        const struct codec_line *line = &list->lines[i];
        if (line->all_types || line->type != codec->type)
            continue;
        if (line->kind == CODEC_FMTP)
            sdp_write_attrf(w, "fmtp", "%u %.*s", line->type, TEXT_ARG(line->value));
        else if (feedback)
            sdp_write_attrf(w, "rtcp-fb", "%u %.*s", line->type, TEXT_ARG(line->value));
    }
}

void codecs_write_attributes(struct writer *w, const struct codecs *list, bool feedback)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct codec *codec = &list->items[i];
        struct sdp_rtpmap map = {.payload_type = codec->type,
            .encoding = codec->name,
            .clock = codec->clock_rate,
            .channels = codec->channels};
        if (codec->name.len > 0)
            sdp_write_rtpmap(w, &map);
        write_lines(w, list, codec, feedback);
    }
    for (size_t i = 0; feedback && i < list->line_count; i++)
        if (list->lines[i].all_types)
            sdp_write_attrf(w, "rtcp-fb", "* %.*s", TEXT_ARG(list->lines[i].value));
}

uint8_t codecs_plan(const struct codecs *list, struct plan_payload out[PLAN_MAX_PAYLOADS])
{
    uint8_t count = 0;
    for (size_t i = 0; i < list->count && count < PLAN_MAX_PAYLOADS; i++) {
        const struct codec *codec = &list->items[i];
        struct plan_payload *payload = &out[count++];
        *payload = (struct plan_payload){.type = codec->type, .clock_rate = codec->clock_rate};
        snprintf(payload->codec, sizeof(payload->codec), "%.*s", TEXT_ARG(codec->name));
    }
    return count;
}
