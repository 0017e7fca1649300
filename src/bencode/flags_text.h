/* SPDX-License-Identifier: Apache-2.0 */
/* bencode/flags_text.h - the syntax of the raw flag string: words, key=value and brackets. */
#ifndef BENCODE_FLAGS_TEXT_H
#define BENCODE_FLAGS_TEXT_H

#include "mediaferry/ng.h"

/* A word when `value` is NULL, else `key=value`. */
struct flag_item {
    struct text word; /* the whole word */
    struct text key;
    struct ng_value *value; /* a string, or the list or dictionary made by brackets */
};

/* Takes the next item off `rest`; at the end `out->word` is empty. */
NODISCARD enum ng_flags_status flags_next(
    struct text *rest, struct ng_arena *arena, struct flag_item *out);

#endif
