/* SPDX-License-Identifier: Apache-2.0 */
/* SDES, codecs and SDP attributes: words that carry names. */
#include "ng/option_reader.h"

/* --- SDES --- */

static const struct option_switch sdes_switches[] = {
    OPTION_SWITCH("off", sdes.off),
    OPTION_SWITCH("no", sdes.off),
    OPTION_SWITCH("disable", sdes.off),
    OPTION_SWITCH("disabled", sdes.off),
    OPTION_SWITCH("nonew", sdes.nonew),
    OPTION_SWITCH("pad", sdes.pad),
    OPTION_SWITCH("lifetime", sdes.lifetime),
    OPTION_SWITCH("static", sdes.is_static),
    OPTION_SWITCH("prefer", sdes.prefer),
    OPTION_SWITCH("priority", sdes.prefer),
    OPTION_SWITCH("unencrypted-srtp", sdes.unencrypted_srtp),
    OPTION_SWITCH("encrypted-srtp", sdes.encrypted_srtp),
    OPTION_SWITCH("unencrypted-srtcp", sdes.unencrypted_srtcp),
    OPTION_SWITCH("encrypted-srtcp", sdes.encrypted_srtcp),
    OPTION_SWITCH("unauthenticated-srtp", sdes.unauthenticated_srtp),
    OPTION_SWITCH("authenticated-srtp", sdes.authenticated_srtp),
};

static void add_suites(struct option_reader *r, struct call_names *names, struct text suites)
{
    while (suites.len > 0) {
        struct text suite = text_trim(text_cut(&suites, ';'));
        if (suite.len > 0)
            option_add_name(r, names, suite);
    }
}

bool option_sdes(struct option_reader *r, struct text word)
{
    const struct {
        const char *prefix;
        struct call_names *names;
    } lists[] = {
        {"no-", &r->flags->sdes.no},
        {"only-", &r->flags->sdes.only},
        {"order:", &r->flags->sdes.order},
        {"offerer-pref:", &r->flags->sdes.offerer_pref},
    };
    struct text suites;
    if (option_switch_on(r->flags, sdes_switches, COUNT_OF(sdes_switches), word))
        return true;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        if (!ng_name_starts(word, lists[i].prefix, &suites))
            continue;
        add_suites(r, lists[i].names, suites);
        return true;
    }
    return false;
}

/* --- codecs --- */

static const struct {
    const char *name;
    size_t offset; /* of a struct call_names in struct call_flags */
} codec_lists[] = {
    {"strip", offsetof(struct call_flags, strip)},
    {"offer", offsetof(struct call_flags, offer)},
    {"except", offsetof(struct call_flags, except)},
    {"mask", offsetof(struct call_flags, mask)},
    {"ignore", offsetof(struct call_flags, ignore)},
    {"consume", offsetof(struct call_flags, consume)},
    {"transcode", offsetof(struct call_flags, transcode)},
};

static struct call_names *codec_list(struct option_reader *r, size_t i)
{
    return (struct call_names *)(void *)((char *)r->flags + codec_lists[i].offset);
}

/* `strip-PCMU`, `strip=PCMU` */
bool option_codec(struct option_reader *r, struct text word)
{
    for (size_t i = 0; i < COUNT_OF(codec_lists); i++) {
        struct text codec;
        if (!ng_name_starts(word, codec_lists[i].name, &codec) || codec.len < 2 ||
            (codec.data[0] != '-' && codec.data[0] != '='))
            continue;
        option_add_name(r, codec_list(r, i), option_unescape(r, text_skip(codec, 1)));
        return true;
    }
    return false;
}

bool option_transcode(struct option_reader *r, struct text word)
{
    option_add_name(r, &r->flags->transcode, option_unescape(r, word));
    return true;
}

static bool codec_entry(struct option_reader *r, const struct ng_value *entry)
{
    for (size_t i = 0; i < COUNT_OF(codec_lists); i++) {
        if (!ng_name_is(entry->key, codec_lists[i].name))
            continue;
        struct ng_items it = ng_items_of(entry);
        struct text codec;
        while (ng_next_item(&it, &codec))
            option_add_name(r, codec_list(r, i), option_unescape(r, codec));
        return true;
    }
    return false;
}

void option_codecs(struct option_reader *r, const struct ng_value *value)
{
    if (value->kind != NG_DICT) {
        option_each_word(r, "codec", value, option_codec);
        return;
    }
    for (const struct ng_value *entry = value->first; entry != NULL; entry = entry->next)
        if (!codec_entry(r, entry))
            ng_ignore(r->ignored, entry->key);
}

/* --- sdp-attr --- */

static bool sdp_action(struct text word, struct call_sdp_edit *edit)
{
    if (ng_name_is(word, "add"))
        edit->action = CALL_SDP_ADD;
    else if (ng_name_is(word, "remove"))
        edit->action = CALL_SDP_REMOVE;
    else if (ng_name_is(word, "substitute"))
        edit->action = CALL_SDP_SUBSTITUTE;
    else
        return false;
    return true;
}

static bool add_edit(struct option_reader *r, struct call_sdp_edit edit)
{
    if (r->flags->edit_count == CALL_MAX_NAMES || edit.from.len == 0)
        return false;
    edit.from = option_unescape(r, edit.from);
    edit.to = option_unescape(r, edit.to);
    r->flags->edits[r->flags->edit_count++] = edit;
    return true;
}

/* One text: `ssrc`, or `A>B` for a substitution. */
static bool add_text_edit(struct option_reader *r, struct call_sdp_edit edit, struct text what)
{
    edit.from = what;
    if (edit.action == CALL_SDP_SUBSTITUTE) {
        edit.from = text_cut(&what, '>');
        edit.to = what;
    }
    return add_edit(r, edit);
}

/* `add-audio-X`; `audio-add-X` is met in scripts as well. */
bool option_sdp_attr(struct option_reader *r, struct text word)
{
    struct call_sdp_edit edit = {.action = CALL_SDP_ADD};
    struct text first = text_cut(&word, '-');
    struct text second = text_cut(&word, '-');
    if (sdp_action(first, &edit))
        edit.media = second;
    else if (sdp_action(second, &edit))
        edit.media = first;
    else
        return false;
    return add_text_edit(r, edit, word);
}

/* [[from, to], ...] */
static void add_substitutions(
    struct option_reader *r, struct call_sdp_edit edit, const struct ng_value *pairs)
{
    for (const struct ng_value *pair = pairs->first; pair != NULL; pair = pair->next) {
        struct ng_items it = ng_items_of(pair);
        if (pair->kind != NG_LIST)
            continue;
        if (!ng_next_item(&it, &edit.from) || !ng_next_item(&it, &edit.to) || !add_edit(r, edit))
            ng_ignore(r->ignored, TEXT("sdp-attr=substitute"));
    }
}

static void add_edits(struct option_reader *r, struct text media, const struct ng_value *actions)
{
    for (const struct ng_value *entry = actions->first; entry != NULL; entry = entry->next) {
        struct call_sdp_edit edit = {.media = media, .action = CALL_SDP_ADD};
        if (!sdp_action(entry->key, &edit)) {
            ng_ignore(r->ignored, entry->key);
            continue;
        }
        struct ng_items it = ng_items_of(entry);
        struct text what;
        while (ng_next_item(&it, &what))
            if (!add_text_edit(r, edit, what))
                ng_ignore(r->ignored, what);
        if (edit.action == CALL_SDP_SUBSTITUTE && entry->kind == NG_LIST)
            add_substitutions(r, edit, entry);
    }
}

void option_sdp_attrs(struct option_reader *r, const struct ng_value *value)
{
    if (value->kind != NG_DICT) {
        option_each_word(r, "sdp-attr", value, option_sdp_attr);
        return;
    }
    for (const struct ng_value *entry = value->first; entry != NULL; entry = entry->next) {
        if (entry->kind == NG_DICT)
            add_edits(r, entry->key, entry);
        else
            ng_ignore(r->ignored, entry->key);
    }
}
