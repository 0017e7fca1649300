/* SPDX-License-Identifier: Apache-2.0 */
#include "call/formats.h"

#include "call/describe.h"

static void offer_formats(struct work *w, uint32_t section, struct codecs *out)
{
    struct codecs sent;
    codecs_read(work_source(w, section), &sent);
    codecs_offer(&sent, &w->flags, out);
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
