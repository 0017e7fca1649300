/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a dictionary. */
#include "ng/elsewhere.h"
#include "ng/option_reader.h"

enum { FINAL_RESPONSE = 200 };

/* Keys whose value is a text, kept as it is. */
static const struct {
    const char *name;
    size_t offset; /* of a struct text in struct call_command */
} texts[] = {
    {"call-id", offsetof(struct call_command, call_id)},
    {"from-tag", offsetof(struct call_command, from_tag)},
    {"to-tag", offsetof(struct call_command, to_tag)},
    {"via-branch", offsetof(struct call_command, via_branch)},
    {"sdp", offsetof(struct call_command, sdp)},
    {"from-interface", offsetof(struct call_command, flags.from_interface)},
    {"to-interface", offsetof(struct call_command, flags.to_interface)},
    {"media-address", offsetof(struct call_command, flags.media_address)},
    {"DTLS-fingerprint", offsetof(struct call_command, flags.dtls_fingerprint)},
    {"label", offsetof(struct call_command, flags.label)},
    {"set-label", offsetof(struct call_command, flags.label)},
    {"from-label", offsetof(struct call_command, flags.label)},
    {"metadata", offsetof(struct call_command, flags.metadata)},
};

/* Keys that say nothing about the media, are read elsewhere, or ask for what is done anyway. */
static const char *const without_effect[] = {
    "command",
    "supports",
    "sip-message-type",
    "template",
    "repacketize",
    "packetize",
    "limit",
    NG_FORWARDED_KEY,
};

static bool ice_word(struct option_reader *r, struct text word)
{
    static const struct {
        const char *name;
        enum call_ice ice;
    } table[] = {
        {"default", CALL_ICE_DEFAULT},
        {"remove", CALL_ICE_REMOVE},
        {"force", CALL_ICE_FORCE},
        {"optional", CALL_ICE_OPTIONAL},
        {"force-relay", CALL_ICE_FORCE_RELAY},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (!ng_name_is(word, table[i].name))
            continue;
        r->flags->ice = table[i].ice;
        return true;
    }
    /* Our candidates are all known at once: every party may trickle its own. */
    return ng_name_is(word, "trickle") || ng_name_is(word, "ice2");
}

/* We are ICE-lite toward everybody, so only a wish to be otherwise is of no effect. */
static bool ice_lite_word(struct option_reader *r, struct text word)
{
    static const char *const off[] = {"off", "no", "none"};
    (void)r;
    for (size_t i = 0; i < COUNT_OF(off); i++)
        if (ng_name_is(word, off[i]))
            return false;
    return true;
}

static bool ice_or_lite_word(struct option_reader *r, struct text word)
{
    struct text rest;
    if (ng_name_is(word, "lite"))
        return true;
    if (ng_name_starts(word, "lite-", &rest))
        return ice_lite_word(r, rest);
    return ice_word(r, word);
}

static void read_ice(struct option_reader *r, const struct ng_value *value)
{
    option_each_word(r, "ICE", value, ice_or_lite_word);
}

static void read_ice_lite(struct option_reader *r, const struct ng_value *value)
{
    option_each_word(r, "ICE-lite", value, ice_lite_word);
}

static bool dtls_mode(struct text word, enum call_dtls *out)
{
    static const struct {
        const char *name;
        enum call_dtls dtls;
    } table[] = {
        {"passive", CALL_DTLS_PASSIVE},
        {"active", CALL_DTLS_ACTIVE},
        {"off", CALL_DTLS_OFF},
        {"no", CALL_DTLS_OFF},
        {"disable", CALL_DTLS_OFF},
        {"disabled", CALL_DTLS_OFF},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (!ng_name_is(word, table[i].name))
            continue;
        *out = table[i].dtls;
        return true;
    }
    return false;
}

static bool dtls_word(struct option_reader *r, struct text word)
{
    return dtls_mode(word, &r->flags->dtls);
}

static bool dtls_reverse_word(struct option_reader *r, struct text word)
{
    return dtls_mode(word, &r->flags->dtls_reverse);
}

static void read_dtls(struct option_reader *r, const struct ng_value *value)
{
    option_each_word(r, "DTLS", value, dtls_word);
}

static void read_dtls_reverse(struct option_reader *r, const struct ng_value *value)
{
    option_each_word(r, "DTLS-reverse", value, dtls_reverse_word);
}

static bool family_word(struct option_reader *r, struct text word)
{
    if (ng_name_is(word, "IP4"))
        r->flags->address_family = ADDRESS_IP4;
    else if (ng_name_is(word, "IP6"))
        r->flags->address_family = ADDRESS_IP6;
    else
        return false;
    return true;
}

static void read_family(struct option_reader *r, const struct ng_value *value)
{
    option_each_word(r, "address-family", value, family_word);
}

/* [IP4, address], or the address alone. */
static bool received_word(struct option_reader *r, struct text word)
{
    return ng_name_is(word, "IP4") || ng_name_is(word, "IP6") ||
           address_parse(word, &r->flags->received_from);
}

static void read_received_from(struct option_reader *r, const struct ng_value *value)
{
    option_each_word(r, "received-from", value, received_word);
}

/* The first is toward the sender, the second toward the receiver. */
static bool direction_word(struct option_reader *r, struct text word)
{
    if (r->flags->from_interface.len == 0)
        r->flags->from_interface = word;
    else if (r->flags->to_interface.len == 0)
        r->flags->to_interface = word;
    else
        return false;
    return true;
}

static void read_direction(struct option_reader *r, const struct ng_value *value)
{
    r->flags->from_interface = r->flags->to_interface = TEXT("");
    option_each_word(r, "direction", value, direction_word);
}

static void read_flags(struct option_reader *r, const struct ng_value *value)
{
    option_each_word(r, "", value, option_flag);
}

static void read_sdes(struct option_reader *r, const struct ng_value *value)
{
    option_each_word(r, "SDES", value, option_sdes);
}

static void read_learning(struct option_reader *r, const struct ng_value *value)
{
    option_each_word(r, "endpoint-learning", value, option_learning);
}

static void read_protocol(struct option_reader *r, const struct ng_value *value)
{
    option_each_word(r, "transport-protocol", value, option_protocol);
}

static void read_mux(struct option_reader *r, const struct ng_value *value)
{
    option_each_word(r, "rtcp-mux", value, option_mux);
}

static void read_replace(struct option_reader *r, const struct ng_value *value)
{
    option_each_word(r, "replace", value, option_replace);
}

static void read_bundle(struct option_reader *r, const struct ng_value *value)
{
    option_each_word(r, "bundle", value, option_bundle);
}

static void read_osrtp(struct option_reader *r, const struct ng_value *value)
{
    option_each_word(r, "OSRTP", value, option_osrtp);
}

static void read_names(
    struct option_reader *r, struct call_names *names, const struct ng_value *value)
{
    struct ng_items it = ng_items_of(value);
    struct text name;
    while (ng_next_item(&it, &name))
        option_add_name(r, names, name);
}

static void read_media_remove(struct option_reader *r, const struct ng_value *value)
{
    read_names(r, &r->flags->media_remove, value);
}

static void read_extmap(struct option_reader *r, const struct ng_value *value)
{
    for (const struct ng_value *entry = value->first; entry != NULL; entry = entry->next) {
        if (ng_name_is(entry->key, "strip"))
            read_names(r, &r->flags->extmap_strip, entry);
        else if (ng_name_is(entry->key, "mask"))
            read_names(r, &r->flags->extmap_mask, entry);
        else
            ng_ignore(r->ignored, entry->key);
    }
}

static void read_plain_sdp(struct option_reader *r, const struct ng_value *value)
{
    bool off = value->kind == NG_STRING
                   ? ng_name_is(value->string, "off") || ng_name_is(value->string, "no")
                   : value->integer == 0;
    r->flags->plain_sdp = off ? CALL_PLAIN_SDP_OFF : CALL_PLAIN_SDP_ON;
}

/* --- numbers --- */

/* Leaves `*out` alone when the value is no number from 0 to `max`. */
static bool read_number(const struct ng_value *value, int64_t max, int *out)
{
    int64_t number;
    if (!ng_value_int(value, &number) || number < 0 || number > max)
        return false;
    *out = (int)number;
    return true;
}

static void read_tos(struct option_reader *r, const struct ng_value *value)
{
    int64_t number;
    if (!ng_value_int(value, &number) || number > UINT8_MAX)
        r->flags->tos = OPTION_TOS_CONFIGURED;
    else
        r->flags->tos = number < 0 ? OPTION_TOS_KEEP : (int)number;
}

static void read_delete_delay(struct option_reader *r, const struct ng_value *value)
{
    if (!read_number(value, INT32_MAX, &r->flags->delete_delay))
        ng_ignore(r->ignored, TEXT("delete-delay"));
}

static void read_ptime(struct option_reader *r, const struct ng_value *value)
{
    if (!read_number(value, UINT16_MAX, &r->flags->ptime))
        ng_ignore(r->ignored, TEXT("ptime"));
}

static void read_ptime_reverse(struct option_reader *r, const struct ng_value *value)
{
    if (!read_number(value, UINT16_MAX, &r->flags->ptime_reverse))
        ng_ignore(r->ignored, TEXT("ptime-reverse"));
}

static void read_sip_code(struct option_reader *r, const struct ng_value *value)
{
    int64_t code;
    if (ng_value_int(value, &code) && code >= FINAL_RESPONSE)
        r->flags->is_reply_final = true;
}

/* --- the table --- */

static const struct {
    const char *name;
    option_value_fn *read;
} keys[] = {
    {"flags", read_flags},
    {"direction", read_direction},
    {"received-from", read_received_from},
    {"address-family", read_family},
    {"transport-protocol", read_protocol},
    {"ICE", read_ice},
    {"ICE-lite", read_ice_lite},
    {"DTLS", read_dtls},
    {"DTLS-reverse", read_dtls_reverse},
    {"SDES", read_sdes},
    {"OSRTP", read_osrtp},
    {"rtcp-mux", read_mux},
    {"replace", read_replace},
    {"bundle", read_bundle},
    {"codec", option_codecs},
    {"codecs", option_codecs},
    {"sdp-attr", option_sdp_attrs},
    {"sdp-media-remove", read_media_remove},
    {"extmap", read_extmap},
    {"plain-sdp", read_plain_sdp},
    {"endpoint-learning", read_learning},
    {"TOS", read_tos},
    {"delete-delay", read_delete_delay},
    {"ptime", read_ptime},
    {"ptime-reverse", read_ptime_reverse},
    {"sip-code", read_sip_code},
    {"sip-response-code", read_sip_code},
};

static bool text_key(struct option_reader *r, const struct ng_value *entry)
{
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (!ng_name_is(entry->key, texts[i].name))
            continue;
        if (entry->kind != NG_STRING)
            return false;
        *(struct text *)(void *)((char *)r->out + texts[i].offset) = entry->string;
        return true;
    }
    return false;
}

bool option_key(struct option_reader *r, const struct ng_value *entry)
{
    if (text_key(r, entry))
        return true;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (!ng_name_is(entry->key, keys[i].name))
            continue;
        keys[i].read(r, entry);
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(without_effect); i++)
        if (ng_name_is(entry->key, without_effect[i]))
            return true;
    return false;
}
