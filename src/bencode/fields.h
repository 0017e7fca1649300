/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bencode/fields.h - the entries of a record's dictionaries: written, and read within bounds.
 *
 * What has its usual value is left out, and what is missing has it. Reading fails once and stays
 * failed: read straight through, look at the reader's `failed` before the result is used. The first
 * thing that is wrong is kept as the reason, with its place.
 */
#ifndef BENCODE_FIELDS_H
#define BENCODE_FIELDS_H

#include "mediaferry/address.h"
#include "mediaferry/ng.h"

enum { FIELDS_WHY_SIZE = 200 };

struct fields_reader {
    char *why; /* FIELDS_WHY_SIZE bytes: "call.parties[1].tag: missing" */
    bool failed;
};

/* A dictionary that is read; one that is missing is empty. */
struct fields {
    struct fields_reader *reader;
    const struct fields *outer; /* NULL: it is the record */
    const char *name;           /* in `outer` */
    int index;                  /* in the list `name`; -1: it is in no list */
    const struct ng_value *value;
};

/* A list that is read, all its entries being of one kind. */
struct fields_list {
    const char *name;
    uint32_t count;
    int index; /* of `next` */
    const struct ng_value *next;
};

/* A word and the bool it stands for, as an offset into a structure. */
struct fields_flag {
    const char *word;
    size_t offset;
};

/* --- reading --- */

/* Notes what is wrong with the entry; `name` may be NULL: with the dictionary itself. */
__attribute__((format(printf, 3, 4))) void fields_refuse(
    const struct fields *f, const char *name, const char *format, ...);

bool fields_has(const struct fields *f, const char *name);

/* Refuses a dictionary without it. */
void fields_require(const struct fields *f, const char *name);

struct fields fields_inner(const struct fields *f, const char *name);

/* `usual` when it is missing. */
int64_t fields_number(
    const struct fields *f, const char *name, int64_t min, int64_t max, int64_t usual);

/* Any bytes, but no more than `max`. */
struct text fields_text(const struct fields *f, const char *name, size_t max);

/* The same for what goes into a line of an SDP: without CR, LF and NUL. */
struct text fields_line(const struct fields *f, const char *name, size_t max);

/* The same without spaces, too. */
struct text fields_word(const struct fields *f, const char *name, size_t max);

/* With a port; family NONE when it is missing. */
struct address fields_address(const struct fields *f, const char *name);

/* The place of a word in `words`; `usual` when it is missing. */
unsigned fields_choice(const struct fields *f, const char *name, const char *const words[],
    size_t count, unsigned usual);

/* Sets those bools of `base` whose word is in "flags". */
void fields_flags(
    const struct fields *f, const struct fields_flag flags[], size_t count, void *base);

/* No more than `max` of `kind`. */
struct fields_list fields_list(
    const struct fields *f, const char *name, enum ng_kind kind, uint32_t max);

/* The next dictionary of a list; false at its end. */
NODISCARD bool fields_next(const struct fields *f, struct fields_list *it, struct fields *out);

/* --- writing --- */

/* Puts `inner` unless it is empty. */
void fields_put(
    struct ng_arena *arena, struct ng_value *dict, const char *name, struct ng_value *inner);
void fields_put_number(
    struct ng_arena *arena, struct ng_value *dict, const char *name, int64_t number, int64_t usual);
void fields_put_text(
    struct ng_arena *arena, struct ng_value *dict, const char *name, struct text text);
void fields_put_address(
    struct ng_arena *arena, struct ng_value *dict, const char *name, const struct address *a);
void fields_put_choice(struct ng_arena *arena, struct ng_value *dict, const char *name,
    const char *const words[], unsigned which, unsigned usual);
void fields_put_flags(struct ng_arena *arena, struct ng_value *dict,
    const struct fields_flag flags[], size_t count, const void *base);

#endif
