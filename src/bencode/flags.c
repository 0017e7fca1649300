/* SPDX-License-Identifier: Apache-2.0 */
/* The raw flag string, split as the proxy would have done it. */
#include "bencode/flags_text.h"
#include "bencode/tree.h"
#include "mediaferry/sdp.h"

struct splitter {
    struct ng_arena *arena;
    struct ng_value *dict;
    bool has_transport; /* one of the words RTP, AVP, SRTP, AVPF, DTLS was seen */
    unsigned transport; /* their bits */
};

/* `replace-origin`, `replace=origin` and `replace=[origin username]` fill the list `replace`. */
static const struct {
    const char *name;
    const char *key;
    bool is_prefix; /* of words too */
} sublists[] = {
    {"replace", "replace", true},
    {"SDES", "SDES", true},
    {"T.38", "T.38", true},
    {"T38", "T.38", true},
    {"rtcp-mux", "rtcp-mux", true},
    {"direction", "direction", false},
    {"flags", "flags", false},
};

static const struct {
    const char *word;
    unsigned bits;
} transports[] = {
    {"RTP", 0},
    {"AVP", 0},
    {"SRTP", SDP_SECURE},
    {"AVPF", SDP_FEEDBACK},
    {"DTLS", SDP_DTLS},
};

/* `codec-strip-X` and `codec-strip=X` fill the list `strip` of the dictionary `codec`. */
static const struct {
    const char *name;
    const char *operation;
    bool is_prefix;
} codec_operations[] = {
    {"codec-transcode", "transcode", true},
    {"transcode", "transcode", true},
    {"codec-strip", "strip", true},
    {"codec-offer", "offer", true},
    {"codec-mask", "mask", true},
    {"codec-set", "set", true},
    {"codec-except", "except", true},
    {"codec-accept", "accept", false},
    {"codec-consume", "consume", false},
    {"codec-ignore", "ignore", false},
};

const char *ng_flags_status_text(enum ng_flags_status status)
{
    static const char *const texts[] = {
        [NG_FLAGS_OK] = "ok",
        [NG_FLAGS_UNBALANCED] = "brackets do not match",
        [NG_FLAGS_TOO_DEEP] = "nested too deeply",
        [NG_FLAGS_NO_MEMORY] = "out of memory",
    };
    return texts[status];
}

/* The list or dictionary under `key`, made when there is none. */
static struct ng_value *child(
    struct splitter *s, struct ng_value *dict, struct text key, enum ng_kind kind)
{
    struct ng_value *entry = dict != NULL ? ng_entry(dict, key) : NULL;
    if (entry != NULL && entry->kind == kind)
        return entry;
    return kind == NG_DICT ? ng_put_dict(s->arena, dict, key) : ng_put_list(s->arena, dict, key);
}

static void add_to_list(struct splitter *s, const char *key, struct text word)
{
    ng_add_string(s->arena, child(s, s->dict, text_from(key), NG_LIST), word);
}

static void add_flag(struct splitter *s, struct text word)
{
    add_to_list(s, "flags", word);
}

static void add_codec(struct splitter *s, const char *operation, struct text codec)
{
    struct ng_value *codecs = child(s, s->dict, TEXT("codec"), NG_DICT);
    ng_add_string(s->arena, child(s, codecs, text_from(operation), NG_LIST), codec);
}

/* `name-rest` */
static bool has_prefix(struct text word, const char *name, struct text *rest)
{
    struct text after;
    if (!ng_name_starts(word, name, &after) || !ng_name_starts(after, "-", &after) ||
        after.len == 0)
        return false;
    *rest = after;
    return true;
}

/* The last value of a key counts. */
static void set(struct splitter *s, struct text key, struct ng_value *value)
{
    struct ng_value *entry = ng_entry(s->dict, key);
    if (entry == NULL || value == NULL) {
        ng_put(s->arena, s->dict, key, value);
        return;
    }
    struct ng_value replaced = *value;
    replaced.key = entry->key;
    replaced.next = entry->next;
    *entry = replaced;
}

static bool split_transport(struct splitter *s, struct text word)
{
    enum sdp_protocol protocol = sdp_protocol_of(word);
    if (protocol != SDP_PROTOCOL_OTHER) {
        set(s, TEXT("transport-protocol"),
            ng_string(s->arena, text_from(sdp_protocol_name(protocol))));
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(transports); i++) {
        if (!text_is(word, transports[i].word))
            continue;
        s->has_transport = true;
        s->transport |= transports[i].bits;
        return true;
    }
    return false;
}

static bool split_sublist_word(struct splitter *s, struct text word)
{
    struct text rest;
    for (size_t i = 0; i < COUNT_OF(sublists); i++) {
        if (!sublists[i].is_prefix || !has_prefix(word, sublists[i].name, &rest))
            continue;
        add_to_list(s, sublists[i].key, rest);
        return true;
    }
    return false;
}

static bool split_codec_word(struct splitter *s, struct text word)
{
    struct text codec;
    for (size_t i = 0; i < COUNT_OF(codec_operations); i++) {
        if (!codec_operations[i].is_prefix || !has_prefix(word, codec_operations[i].name, &codec))
            continue;
        add_codec(s, codec_operations[i].operation, codec);
        return true;
    }
    return false;
}

static void split_word(struct splitter *s, struct text word)
{
    if (split_transport(s, word) || split_sublist_word(s, word) || split_codec_word(s, word))
        return;
    if (text_is(word, "internal") || text_is(word, "external"))
        add_to_list(s, "direction", word);
    else
        add_flag(s, word);
}

static bool split_sublist_pair(struct splitter *s, struct text key, const struct ng_value *value)
{
    struct text item;
    for (size_t i = 0; i < COUNT_OF(sublists); i++) {
        if (value->kind == NG_DICT || !ng_name_is(key, sublists[i].name))
            continue;
        struct ng_items it = ng_items_of(value);
        while (ng_next_item(&it, &item))
            add_to_list(s, sublists[i].key, item);
        return true;
    }
    return false;
}

static bool split_codec_pair(struct splitter *s, struct text key, const struct ng_value *value)
{
    struct text codec;
    for (size_t i = 0; i < COUNT_OF(codec_operations); i++) {
        if (value->kind == NG_DICT || !ng_name_is(key, codec_operations[i].name))
            continue;
        struct ng_items it = ng_items_of(value);
        while (ng_next_item(&it, &codec))
            add_codec(s, codec_operations[i].operation, codec);
        return true;
    }
    return false;
}

/* Keys that the proxy sends as numbers. */
static bool split_number(struct splitter *s, struct text key, struct ng_value *value)
{
    int64_t number;
    if (!ng_value_int(value, &number))
        return false;
    if (ng_name_is(key, "TOS") || ng_name_is(key, "repacketize")) {
        set(s, key, ng_int(s->arena, number));
        return true;
    }
    if (!ng_name_is(key, "delete-delay"))
        return false;
    set(s, TEXT("delete delay"), ng_int(s->arena, number));
    set(s, TEXT("delete-delay"), value);
    return true;
}

/* What only the proxy can make a branch of, from the SIP message. */
static bool is_proxys_branch(const struct ng_value *value)
{
    static const char *const words[] = {
        "none", "1", "2", "auto", "next", "extra", "auto-next", "auto-extra"};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (value->kind == NG_STRING && text_is(value->string, words[i]))
            return true;
    return false;
}

static bool split_identity(struct splitter *s, struct text key, struct ng_value *value)
{
    if (ng_name_is(key, "via-branch") && is_proxys_branch(value))
        return true;
    if (ng_name_is(key, "from-tag"))
        add_flag(s, TEXT("directional"));
    if (ng_name_is(key, "to-tag"))
        add_flag(s, TEXT("to-tag"));
    return false;
}

/* Repeated, these add up: `ICE=force ICE=trickle` is `ICE=force,trickle`. */
static bool split_repeated(struct splitter *s, struct text key, const struct ng_value *value)
{
    struct ng_value *before = ng_entry(s->dict, key);
    if (!ng_name_is(key, "ICE") && !ng_name_is(key, "OSRTP") && !ng_name_is(key, "bundle"))
        return false;
    if (before == NULL || value->kind == NG_DICT || before->kind == NG_DICT)
        return false;

    struct ng_value *both = ng_list(s->arena);
    struct ng_items items[] = {ng_items_of(before), ng_items_of(value)};
    struct text item;
    for (size_t i = 0; i < COUNT_OF(items); i++)
        while (ng_next_item(&items[i], &item))
            ng_add_string(s->arena, both, item);
    set(s, key, both);
    return true;
}

static void split_pair(struct splitter *s, struct text key, struct ng_value *value)
{
    if (split_sublist_pair(s, key, value) || split_codec_pair(s, key, value) ||
        split_number(s, key, value) || split_identity(s, key, value) ||
        split_repeated(s, key, value))
        return;
    set(s, key, value);
}

enum ng_flags_status ng_parse_flags(
    struct text flags, struct ng_arena *arena, struct ng_value *dict)
{
    struct splitter s = {.arena = arena, .dict = dict};
    struct flag_item item;

    if (dict == NULL)
        return NG_FLAGS_NO_MEMORY;
    for (;;) {
        enum ng_flags_status status = flags_next(&flags, arena, &item);
        if (status != NG_FLAGS_OK)
            return status;
        if (item.word.len == 0)
            break;
        if (item.value != NULL)
            split_pair(&s, item.key, item.value);
        else
            split_word(&s, item.word);
    }
    if (s.has_transport && ng_entry(dict, TEXT("transport-protocol")) == NULL)
        ng_put_string(arena, dict, TEXT("transport-protocol"),
            text_from(sdp_protocol_name(sdp_protocol_from_bits(s.transport))));
    return ng_arena_ok(arena) ? NG_FLAGS_OK : NG_FLAGS_NO_MEMORY;
}
