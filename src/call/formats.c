/* SPDX-License-Identifier: Apache-2.0 */
#include "call/formats.h"

#include "call/describe.h"

static bool has_codec(const struct codecs *list, struct text name)
{
    for (uint8_t i = 0; i < list->count; i++)
        if (codecs_name_is(list, &list->items[i], name))
            return true;
    return false;
}

static void warn_of_transcoding(struct work *w, const struct codecs *sent)
{
    for (uint8_t i = 0; i < w->flags.transcode.count; i++)
        if (!has_codec(sent, w->flags.transcode.names[i]))
            w->out->warning = "transcoding is not supported, the codec is not offered";
}

static void offer_formats(struct work *w, uint32_t section, struct codecs *out)
{
    struct codecs sent;
    codecs_read(work_source(w, section), &sent);
    codecs_offer(&sent, &w->flags, out);
    if (text_is(work_source(w, section)->type, "audio"))
        warn_of_transcoding(w, &sent);
    describe_payloads(w, work_side(w->sender, section), out);
    describe_payloads(w, work_side(w->receiver, section), out);
}

/* The section of our SDP to the answerer. */
static const struct sdp_media *our_offer(
    const struct work *w, uint32_t section, const struct sdp *offered)
{
    int line = w->sender->sections[section].line;
    return line >= 0 && (size_t)line < offered->media_count ? &offered->media[line] : NULL;
}

void formats_exchange(
    struct work *w, uint32_t section, const struct sdp *offered, struct codecs *out)
{
    if (offered == NULL) {
        offer_formats(w, section, out);
        return;
    }
    const struct sdp_media *ours = our_offer(w, section, offered);
    struct codecs answered, known;
    struct codecs_match match;
    codecs_read(work_source(w, section), &answered);
    codecs_read(ours != NULL ? ours : work_source(w, section), &known);
    codecs_answer(&known, &answered, &w->flags, &match);
    *out = match.accepted;
    describe_payloads(w, work_side(w->receiver, section), &match.accepted);
    describe_payloads(w, work_side(w->sender, section), &match.sent);
}
