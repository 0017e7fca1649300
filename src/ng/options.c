/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/options.h"

#include <stdio.h>

#include "ng/option_reader.h"

void ng_ignore(struct ng_ignored *ignored, struct text word)
{
    size_t used = strlen(ignored->words);
    snprintf(ignored->words + used, sizeof(ignored->words) - used, "%s%.*s", used > 0 ? "," : "",
        TEXT_ARG(word));
}

/* --- shared by the readers --- */

bool option_switch_on(
    struct call_flags *flags, const struct option_switch *table, size_t count, struct text word)
{
    for (size_t i = 0; i < count; i++) {
        if (!ng_name_is(word, table[i].name))
            continue;
        *(bool *)((char *)flags + table[i].offset) = true;
        return true;
    }
    return false;
}

void option_each_word(
    struct option_reader *r, const char *key, const struct ng_value *value, option_word_fn *handle)
{
    struct ng_items it = ng_items_of(value);
    struct text word;
    while (ng_next_item(&it, &word)) {
        char noted[NG_IGNORED_SIZE];
        if (handle(r, word))
            continue;
        snprintf(noted, sizeof(noted), "%s%s%.*s", key, key[0] != '\0' ? "=" : "", TEXT_ARG(word));
        ng_ignore(r->ignored, text_from(noted));
    }
}

void option_add_name(struct option_reader *r, struct call_names *names, struct text name)
{
    if (names->count < CALL_MAX_NAMES)
        names->names[names->count++] = name;
    else
        ng_ignore(r->ignored, name);
}

struct text option_unescape(struct option_reader *r, struct text escaped)
{
    uint8_t *room = ng_arena_take(r->arena, escaped.len + 1);
    if (room == NULL)
        return TEXT("");
    struct writer w = writer_over(room, escaped.len);
    ng_unescape(&w, escaped);
    return text_from_bytes(writer_bytes(&w));
}

/* --- the dictionary --- */

static void read_entries(struct option_reader *r, const struct ng_value *dict)
{
    for (const struct ng_value *entry = dict->first; entry != NULL; entry = entry->next)
        if (!ng_name_is(entry->key, "rtpp-flags") && !option_key(r, entry))
            ng_ignore(r->ignored, entry->key);
}

static void read_raw_flags(struct option_reader *r, const struct ng_value *in)
{
    struct text raw;
    struct ng_value *dict = ng_dict(r->arena);
    if (!ng_get_text(in, "rtpp-flags", &raw) || dict == NULL)
        return;
    enum ng_flags_status status = ng_parse_flags(raw, r->arena, dict);
    if (status != NG_FLAGS_OK)
        ng_ignore(r->ignored, text_from(ng_flags_status_text(status)));
    read_entries(r, dict);
}

void ng_options_read(const struct ng_value *in, struct ng_arena *arena, struct call_command *out,
    struct ng_ignored *ignored)
{
    *out = (struct call_command){0};
    out->flags.tos = OPTION_TOS_CONFIGURED;
    out->flags.delete_delay = -1;
    struct option_reader r = {.arena = arena, .out = out, .flags = &out->flags, .ignored = ignored};
    read_entries(&r, in);
    read_raw_flags(&r, in);
}
