/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call/codecs.h - the payload types of one m= section, and what codec flags do to them.
 *
 * A list is a plain value whose texts borrow the SDP it was read from. Nothing is transcoded: a
 * flag that asks for a codec the sender does not have adds nothing, and a list that would end up
 * empty is restored (ng-protocol 3.14).
 *
 * *Companions* (telephone-event, CN, red, rtx, FEC) are of no use alone: they follow the codecs
 * they serve, and a list of nothing but companions counts as empty.
 */
#ifndef CALL_CODECS_H
#define CALL_CODECS_H

#include "call/flags.h"
#include "mediaferry/sdp_attr.h"
#include "plan/plan.h"

enum { CODECS_MAX = 64, CODECS_MAX_LINES = 192 };

struct codec {
    uint8_t type;
    uint8_t channels;
    uint32_t clock_rate; /* Hz; 0: a dynamic type without a=rtpmap */
    struct text name;    /* as rtpmap spells it; empty when not known */
};

/* One a=fmtp or a=rtcp-fb, in the order of the SDP. */
struct codec_line {
    enum { CODEC_FMTP, CODEC_FEEDBACK } kind;
    bool all_types; /* a=rtcp-fb:* */
    uint8_t type;
    struct text value; /* what follows the payload type */
};

struct codecs {
    uint8_t count;
    struct codec items[CODECS_MAX];
    uint8_t line_count;
    struct codec_line lines[CODECS_MAX_LINES];
};

/*
 * Reads the list of a section in the order of its m= line, with rtpmap, fmtp and rtcp-fb; static
 * types get the names of RFC 3551. What cannot be read, or is more than fits, is skipped.
 */
void codecs_read(const struct sdp_media *media, struct codecs *out);

/* NULL when there is none. */
const struct codec *codecs_find(const struct codecs *list, uint8_t type);

/* The first a=fmtp of a payload type; empty when there is none. */
struct text codecs_fmtp(const struct codecs *list, uint8_t type);

/*
 * Whether a codec is meant by `name[/clock[/channels[/bitrate[/ptime[/fmtp]]]]]`. Case does not
 * matter, and neither does a part that is left out, empty or 0; bitrate and ptime say nothing
 * about an offer. `all` and `full` mean every codec.
 */
bool codecs_name_is(const struct codecs *list, const struct codec *codec, struct text name);

/*
 * What the receiver is offered: without those that strip, mask, consume or ignore name (except and
 * transcode protect, offer protects and puts first in its own order), and without companions whose
 * codec is gone. When no codec is left the list is `sender`'s, unless `allow_no_codec_media`: then
 * it is empty.
 */
void codecs_offer(const struct codecs *sender, const struct call_flags *flags, struct codecs *out);

/* An answer matched with the offer; see codecs_answer(). */
struct codecs_match {
    struct codecs accepted; /* for the offerer, under the numbers of the answer: what it may send */
    struct codecs sent;     /* the same codecs under the numbers of the offer: what the answerer
                               may send (RFC 3264, section 6.1) */
};

/*
 * Reduces an answer to what was offered, in the answer's order. A codec is found by its number
 * with the same name and clock rate, or else by name, clock rate and channels under another number;
 * the latter is dropped when the offer uses that number for something else, for no packet would
 * tell which one is meant. `ignore` names codecs to leave out, `single_codec` keeps the first and
 * its companions. An answer that shares nothing with the offer is passed on as it is.
 */
void codecs_answer(const struct codecs *offered, const struct codecs *answered,
    const struct call_flags *flags, struct codecs_match *out);

/* The payload types of m=, "0 8 126"; nothing for an empty list. */
void codecs_write_formats(struct writer *w, const struct codecs *list);

/* Per payload type in order a=rtpmap, a=fmtp and a=rtcp-fb (without the latter when `feedback` is
 * false), then a=rtcp-fb:*; whole lines. */
void codecs_write_attributes(struct writer *w, const struct codecs *list, bool feedback);

/* Fills the payloads of a plan's stream and returns their number. */
uint8_t codecs_plan(const struct codecs *list, struct plan_payload out[PLAN_MAX_PAYLOADS]);

#endif
