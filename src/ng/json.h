/* SPDX-License-Identifier: Apache-2.0 */
/* ng/json.h - ng dictionaries as JSON text, both ways. */
#ifndef NG_JSON_H
#define NG_JSON_H

#include "mediaferry/ng.h"

enum json_status {
    JSON_OK,
    JSON_INVALID,    /* not JSON, or more than one document */
    JSON_UNSUITABLE, /* JSON, but no object, nested too deeply, or out of memory */
};

/* Reads an object: booleans become integers, reals strings, null NG_NULL. The tree is the arena's
 * own and borrows nothing. `*out` is written only on JSON_OK. */
NODISCARD enum json_status json_parse(
    struct text document, struct ng_arena *arena, struct ng_value **out);

/* Writes a tree on one line. Bytes that are no UTF-8 become `?`. */
void json_write(struct writer *w, const struct ng_value *value);

#endif
