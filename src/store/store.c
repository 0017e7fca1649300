/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

static const char *const kind_words[STORE_KINDS] = {
    [STORE_CALL] = "call",
    [STORE_ALLOCATION] = "allocation",
};

const char *store_kind_word(enum store_kind kind)
{
    return kind_words[kind];
}

bool store_kind_of(struct text word, enum store_kind *out)
{
    for (size_t i = 0; i < STORE_KINDS; i++)
        if (text_is(word, kind_words[i])) {
            *out = (enum store_kind)i;
            return true;
        }
    return false;
}

static bool is_name_character(char c)
{
    char lower = text_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
}

bool store_name_is_valid(struct text name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_name_character(name.data[i]))
            return false;
    return name.len > 0 && name.len <= STORE_MAX_NAME;
}
