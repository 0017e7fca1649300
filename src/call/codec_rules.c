/* SPDX-License-Identifier: Apache-2.0 */
/* What codec flags do to an offer, and what an answer leaves of it. */
#include "call/codecs.h"

/* --- names --- */

static bool number_matches(struct text part, uint32_t value)
{
    uint64_t number;
    if (part.len == 0 || text_is(part, "0"))
        return true;
    return text_to_u64(part, UINT32_MAX, &number) && number == value;
}

bool codecs_name_is(const struct codecs *list, const struct codec *codec, struct text name)
{
    if (text_is_nocase(name, "all") || text_is_nocase(name, "full"))
        return true;
    if (!text_equal_nocase(text_cut(&name, '/'), codec->name) || codec->name.len == 0)
        return false;
    if (!number_matches(text_cut(&name, '/'), codec->clock_rate))
        return false;
    if (!number_matches(text_cut(&name, '/'), codec->channels))
        return false;
    text_cut(&name, '/');
    text_cut(&name, '/');
    struct text fmtp = name;
    return fmtp.len == 0 || text_equal_nocase(fmtp, codecs_fmtp(list, codec->type));
}

static bool is_named(
    const struct codecs *list, const struct codec *codec, const struct call_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (codecs_name_is(list, codec, names->names[i]))
            return true;
    return false;
}

/* --- companions --- */

static bool is_companion(const struct codec *codec)
{
    static const char *const names[] = {
        "telephone-event", "CN", "red", "rtx", "ulpfec", "flexfec", "flexfec-03", "parityfec"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_is_nocase(codec->name, names[i]))
            return true;
    return false;
}

static bool serves_clock(const struct codecs *list, uint32_t clock_rate)
{
    for (size_t i = 0; i < list->count; i++)
        if (!is_companion(&list->items[i]) && list->items[i].clock_rate == clock_rate)
            return true;
    return false;
}

static bool has_type(const struct codecs *list, struct text number)
{
    uint64_t type;
    return text_to_u64(number, UINT8_MAX, &type) && codecs_find(list, (uint8_t)type) != NULL;
}

/* RFC 4588, section 8.1: apt names the type that is sent again. */
static bool rtx_has_base(const struct codecs *list, struct text fmtp)
{
    struct text base;
    return !sdp_fmtp_param(fmtp, "apt", &base) || has_type(list, base);
}

/* RFC 2198, section 5: `111/111`, the types that are packed together. */
static bool red_has_bases(const struct codecs *list, struct text fmtp)
{
    while (fmtp.len > 0) {
        struct text number = text_trim(text_cut(&fmtp, '/'));
        uint64_t type;
        if (text_to_u64(number, UINT8_MAX, &type) && !has_type(list, number))
            return false;
    }
    return true;
}

/* Whether what the codec serves is in `list`, or was not even in `before`. */
static bool still_serves(
    const struct codecs *list, const struct codecs *before, const struct codec *codec)
{
    if (!is_companion(codec))
        return true;
    struct text fmtp = codecs_fmtp(before, codec->type);
    if (text_is_nocase(codec->name, "rtx"))
        return rtx_has_base(list, fmtp) || !rtx_has_base(before, fmtp);
    if (text_is_nocase(codec->name, "red") && fmtp.len > 0)
        return red_has_bases(list, fmtp) || !red_has_bases(before, fmtp);
    return serves_clock(list, codec->clock_rate) || !serves_clock(before, codec->clock_rate);
}

/* Until nothing changes: rtx may serve red, which served a codec that is gone. */
static void drop_idle_companions(struct codecs *list, const struct codecs *before)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (uint8_t i = 0; i < list->count; i++) {
            if (still_serves(list, before, &list->items[i]))
                continue;
            list->count--;
            memmove(&list->items[i], &list->items[i + 1],
                (size_t)(list->count - i) * sizeof(list->items[0]));
            changed = true;
            break;
        }
    }
}

/* --- building a list out of another --- */

static void add_item(struct codecs *out, const struct codec *codec)
{
    if (codecs_find(out, codec->type) == NULL)
        out->items[out->count++] = *codec;
}

/* The lines of `from` that belong to a type of the list. */
static void take_lines(struct codecs *list, const struct codecs *from)
{
    list->line_count = 0;
    for (size_t i = 0; i < from->line_count; i++) {
        const struct codec_line *line = &from->lines[i];
        if (line->all_types || codecs_find(list, line->type) != NULL)
            list->lines[list->line_count++] = *line;
    }
}

static bool has_codec(const struct codecs *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!is_companion(&list->items[i]))
            return true;
    return false;
}

static bool is_kept(
    const struct codecs *list, const struct codec *codec, const struct call_flags *flags)
{
    if (is_named(list, codec, &flags->ignore))
        return false;
    if (is_named(list, codec, &flags->offer) || is_named(list, codec, &flags->except) ||
        is_named(list, codec, &flags->transcode))
        return true;
    return !is_named(list, codec, &flags->strip) && !is_named(list, codec, &flags->mask) &&
           !is_named(list, codec, &flags->consume);
}

void codecs_offer(const struct codecs *sender, const struct call_flags *flags, struct codecs *out)
{
    out->count = 0;
    for (size_t n = 0; n < flags->offer.count; n++)
        for (size_t i = 0; i < sender->count; i++) {
            const struct codec *codec = &sender->items[i];
            if (codecs_name_is(sender, codec, flags->offer.names[n]) &&
                is_kept(sender, codec, flags))
                add_item(out, codec);
        }
    for (size_t i = 0; i < sender->count; i++)
        if (is_kept(sender, &sender->items[i], flags))
            add_item(out, &sender->items[i]);
    drop_idle_companions(out, sender);

    if (!has_codec(out) && out->count < sender->count) {
        *out = *sender;
        if (flags->allow_no_codec_media)
            out->count = 0;
    }
    take_lines(out, sender);
}

/* --- the answer --- */

static bool same_name(const struct codec *a, const struct codec *b)
{
    return text_equal_nocase(a->name, b->name) && a->clock_rate == b->clock_rate;
}

/* The offered codec that an answered one means, or NULL. */
static const struct codec *offered_as(const struct codecs *offered, const struct codec *answer)
{
    const struct codec *same_type = codecs_find(offered, answer->type);
    if (same_type != NULL)
        return answer->name.len == 0 || same_name(same_type, answer) ? same_type : NULL;
    for (size_t i = 0; answer->name.len > 0 && i < offered->count; i++) {
        const struct codec *codec = &offered->items[i];
        if (same_name(codec, answer) && codec->channels == answer->channels)
            return codec;
    }
    return NULL;
}

static void keep_first_codec(struct codecs *list)
{
    uint8_t kept = 0;
    bool found = false;
    for (uint8_t i = 0; i < list->count; i++) {
        bool companion = is_companion(&list->items[i]);
        if (!companion && found)
            continue;
        found = found || !companion;
        list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

void codecs_answer(const struct codecs *offered, const struct codecs *answered,
    const struct call_flags *flags, struct codecs_match *out)
{
    struct codecs *accepted = &out->accepted;
    accepted->count = 0;
    for (size_t i = 0; i < answered->count; i++) {
        const struct codec *codec = &answered->items[i];
        if (offered_as(offered, codec) != NULL && !is_named(answered, codec, &flags->ignore))
            add_item(accepted, codec);
    }
    if (flags->single_codec)
        keep_first_codec(accepted);
    drop_idle_companions(accepted, answered);
    if (!has_codec(accepted)) {
        out->accepted = *answered;
        out->sent = *answered;
        return;
    }
    take_lines(accepted, answered);

    out->sent.count = 0;
    for (size_t i = 0; i < accepted->count; i++)
        add_item(&out->sent, offered_as(offered, &accepted->items[i]));
    take_lines(&out->sent, offered);
}
