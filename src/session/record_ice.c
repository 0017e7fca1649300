/* SPDX-License-Identifier: Apache-2.0 */
/* An ICE agent: its pairs, and the credentials to fall back to. */
#include "session/record_media.h"
#include "session/record_numbers.h"

static const struct record_number agent_numbers[] = {
    RECORD_NUMBER(struct ice_saved, generation, "generation"),
};

static const struct record_number previous_numbers[] = {
    RECORD_NUMBER(struct ice_saved, previous_generation, "generation"),
    RECORD_NUMBER(struct ice_saved, previous_left_ms, "left"),
};

static const struct record_number pair_numbers[] = {
    RECORD_NUMBER(struct ice_saved_pair, local.component, "component"),
    RECORD_NUMBER(struct ice_saved_pair, local.index, "local"),
    RECORD_NUMBER(struct ice_saved_pair, priority, "priority"),
    RECORD_NUMBER(struct ice_saved_pair, checked_ago_ms, "checked"),
    RECORD_NUMBER(struct ice_saved_pair, nominated_ago_ms, "nominated"),
    RECORD_NUMBER(struct ice_saved_pair, media_ago_ms, "media"),
    RECORD_NUMBER(struct ice_saved_pair, generation, "generation"),
};

static const struct fields_flag pair_flags[] = {
    {"nominated", offsetof(struct ice_saved_pair, nominated)},
    {"nominating", offsetof(struct ice_saved_pair, nominating)},
    {"signalled", offsetof(struct ice_saved_pair, signalled)},
    {"selected", offsetof(struct ice_saved_pair, selected)},
};

static struct text name_text(const struct ice_name *name)
{
    return text_of(name->data, name->len);
}

static void put_previous(struct ng_arena *arena, struct ng_value *dict, const struct ice_saved *ice)
{
    if (ice->previous_left_ms == 0)
        return;
    struct ng_value *previous = ng_put_dict(arena, dict, TEXT("previous"));
    record_put_numbers(arena, previous, RECORD_NUMBERS(previous_numbers), ice);
    fields_put_text(arena, previous, "local-ufrag", name_text(&ice->previous.local_ufrag));
    fields_put_text(arena, previous, "local-pwd", name_text(&ice->previous.local_pwd));
    fields_put_text(arena, previous, "remote-ufrag", name_text(&ice->previous.remote_ufrag));
}

void record_put_ice(struct ng_arena *arena, struct ng_value *transport, const struct ice_saved *ice)
{
    struct ng_value *dict = ng_put_dict(arena, transport, TEXT("ice"));
    struct ng_value *pairs = NULL;
    record_put_numbers(arena, dict, RECORD_NUMBERS(agent_numbers), ice);
    put_previous(arena, dict, ice);
    for (uint32_t i = 0; i < ice->pair_count; i++) {
        const struct ice_saved_pair *pair = &ice->pairs[i];
        struct ng_value *entry = record_add(arena, dict, "pairs", &pairs);
        record_put_numbers(arena, entry, RECORD_NUMBERS(pair_numbers), pair);
        fields_put_flags(arena, entry, pair_flags, COUNT_OF(pair_flags), pair);
        fields_put_address(arena, entry, "remote", &pair->remote);
        fields_put_text(arena, entry, "sender", text_of(pair->sender, pair->sender_len));
    }
}

static void read_name(const struct fields *f, const char *name, struct ice_name *out)
{
    struct text text = fields_word(f, name, sizeof(out->data));
    if (text.len > 0)
        memcpy(out->data, text.data, text.len);
    out->len = (uint16_t)text.len;
}

static void read_previous(const struct fields *ice, struct ice_saved *saved)
{
    struct fields f = fields_inner(ice, "previous");
    record_read_numbers(&f, RECORD_NUMBERS(previous_numbers), saved);
    read_name(&f, "local-ufrag", &saved->previous.local_ufrag);
    read_name(&f, "local-pwd", &saved->previous.local_pwd);
    read_name(&f, "remote-ufrag", &saved->previous.remote_ufrag);
}

static void read_pair(const struct fields *f, struct ice_saved_pair *pair)
{
    record_read_numbers(f, RECORD_NUMBERS(pair_numbers), pair);
    fields_flags(f, pair_flags, COUNT_OF(pair_flags), pair);
    fields_require(f, "remote");
    pair->remote = fields_address(f, "remote");
    struct text sender = fields_word(f, "sender", sizeof(pair->sender));
    if (sender.len > 0)
        memcpy(pair->sender, sender.data, sender.len);
    pair->sender_len = (uint8_t)sender.len;
    if (pair->local.component < 1 || pair->local.component > ICE_COMPONENTS)
        fields_refuse(f, "component", "not 1 or 2");
}

struct ice_saved *record_read_ice(const struct fields *transport, struct relay_resume *resume)
{
    if (!fields_has(transport, "ice"))
        return NULL;
    struct fields f = fields_inner(transport, "ice");
    struct ice_saved *saved = record_alloc(&f, resume, 1, sizeof(*saved));
    if (saved == NULL)
        return NULL;
    record_read_numbers(&f, RECORD_NUMBERS(agent_numbers), saved);
    read_previous(&f, saved);
    struct fields_list it = fields_list(&f, "pairs", NG_DICT, ICE_MAX_PAIRS);
    struct fields entry;
    while (fields_next(&f, &it, &entry))
        read_pair(&entry, &saved->pairs[saved->pair_count++]);
    return saved;
}
