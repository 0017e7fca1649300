/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mediaferry/ng.h - the dictionary of an ng message, whatever its encoding.
 *
 * A message is a tree of `struct ng_value` that lives in a `struct ng_arena` and dies with it.
 * bencode.h reads and writes such trees; JSON is converted with the builders below (booleans become
 * integers, reals become strings). Entries keep the order in which they were put.
 *
 * Builders copy what they are given. They fail once and stay failed, like a writer: after a lack of
 * memory they return NULL and ignore NULL, so that a tree is built straight through and
 * ng_arena_ok() asked at the end.
 */
#ifndef MEDIAFERRY_NG_H
#define MEDIAFERRY_NG_H

#include "mediaferry/bytes.h"

/* Memory that is taken in pieces and given back at once. Initialise with ng_arena_init(). */
struct ng_arena {
    struct ng_chunk *chunks;
    size_t used; /* bytes taken from the system */
    size_t cap;  /* never more than this */
    bool failed;
};

void ng_arena_init(struct ng_arena *arena, size_t cap);

/* Frees all that was taken; the arena may be used again afterwards. */
void ng_arena_done(struct ng_arena *arena);

/* The same, and overwrites what it held: there were keys in it. */
void ng_arena_wipe(struct ng_arena *arena);

/* Aligned for any type, zeroed; NULL when out of memory or over the cap, and from then on. */
void *ng_arena_take(struct ng_arena *arena, size_t size);

static inline bool ng_arena_ok(const struct ng_arena *arena)
{
    return !arena->failed;
}

enum ng_kind { NG_STRING, NG_INT, NG_LIST, NG_DICT, NG_NULL };

struct ng_value {
    enum ng_kind kind;
    struct text key; /* the name of a dictionary's entry; else empty */
    struct text string;
    int64_t integer;
    struct ng_value *first; /* the entries of a list or dictionary */
    struct ng_value *last;
    struct ng_value *next; /* in the list or dictionary this value is part of */
};

/* --- building --- */

struct ng_value *ng_string(struct ng_arena *arena, struct text string);
struct ng_value *ng_int(struct ng_arena *arena, int64_t integer);
struct ng_value *ng_list(struct ng_arena *arena);
struct ng_value *ng_dict(struct ng_arena *arena);
struct ng_value *ng_null(struct ng_arena *arena);

/* Appends an entry that is part of nothing yet; a name that is there already is not looked for. */
void ng_put(struct ng_arena *arena, struct ng_value *dict, struct text key, struct ng_value *value);
void ng_put_string(
    struct ng_arena *arena, struct ng_value *dict, struct text key, struct text string);
void ng_put_int(struct ng_arena *arena, struct ng_value *dict, struct text key, int64_t integer);

/* Append a new empty dictionary or list and return it. */
struct ng_value *ng_put_dict(struct ng_arena *arena, struct ng_value *dict, struct text key);
struct ng_value *ng_put_list(struct ng_arena *arena, struct ng_value *dict, struct text key);

/* The same for lists. */
void ng_add(struct ng_value *list, struct ng_value *value);
void ng_add_string(struct ng_arena *arena, struct ng_value *list, struct text string);
void ng_add_int(struct ng_arena *arena, struct ng_value *list, int64_t integer);
struct ng_value *ng_add_dict(struct ng_arena *arena, struct ng_value *list);
struct ng_value *ng_add_list(struct ng_arena *arena, struct ng_value *list);

/* Makes a string, printed. */
__attribute__((format(printf, 4, 5))) void ng_put_stringf(
    struct ng_arena *arena, struct ng_value *dict, struct text key, const char *format, ...);

/* --- asking ---
 * All getters take NULL, or a value that is no dictionary, as an empty one. Names are matched
 * loosely: see ng_name_is(). Where a name occurs twice, the first one counts. */

/* Whether a key or flag is `name`: case does not matter, and `-`, `_` and space are alike. */
bool ng_name_is(struct text key, const char *name);

/* As ng_name_is() for the start of `key`; the rest comes out. Used for `SDES-off` and the like. */
NODISCARD bool ng_name_starts(struct text key, const char *prefix, struct text *rest);

/* NULL when there is none. */
const struct ng_value *ng_get(const struct ng_value *dict, const char *name);

/* False, and `out` untouched, when the entry is missing or of another kind. */
NODISCARD bool ng_get_text(const struct ng_value *dict, const char *name, struct text *out);

/* Also from a string: decimal, 0x.. or 0.. as strtoll() with base 0. */
NODISCARD bool ng_get_int(const struct ng_value *dict, const char *name, int64_t *out);
NODISCARD bool ng_value_int(const struct ng_value *value, int64_t *out);

/* Walks the strings of a list, or the comma-separated items of one string; others are skipped.
 *     struct ng_items it = ng_items_of(ng_get(dict, "flags"));
 *     while (ng_next_item(&it, &flag)) ...
 */
struct ng_items {
    const struct ng_value *next;
    struct text rest;
};

struct ng_items ng_items_of(const struct ng_value *value);
NODISCARD bool ng_next_item(struct ng_items *it, struct text *out);

/* Writes `--` as `=` and `..` as a space, as in the names of codecs and of SDP manipulations. */
void ng_unescape(struct writer *w, struct text escaped);

/* --- the raw flag string --- */

enum ng_flags_status {
    NG_FLAGS_OK,
    NG_FLAGS_UNBALANCED, /* `[` and `]` do not match, or follow no key */
    NG_FLAGS_TOO_DEEP,
    NG_FLAGS_NO_MEMORY, /* or over the arena's cap */
};

const char *ng_flags_status_text(enum ng_flags_status status);

/*
 * Reads the string of `rtpp-flags` and puts into `dict` (normally a new one) what the proxy would
 * have sent had it split the string itself: `codec`, `replace`, `SDES`, `rtcp-mux`, `T.38`,
 * `direction`, `transport-protocol`, `TOS`, ..., the other words in the list `flags`, the other
 * `key=value` under their key. On failure `dict` holds what was read before.
 *
 * Where the proxy would have used up a word itself it is kept: `from-tag=X` also gives the flag
 * `directional`, `to-tag` and `to-tag=X` give the flag `to-tag`. The words of `via-branch=` that
 * only the proxy can resolve (1, 2, auto, next, extra, ...) are dropped.
 */
NODISCARD enum ng_flags_status ng_parse_flags(
    struct text flags, struct ng_arena *arena, struct ng_value *dict);

#endif
