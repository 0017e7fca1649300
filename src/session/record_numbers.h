/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/record_numbers.h - the numbers of a structure as entries of a dictionary: one table for
 * both ways.
 *
 * A zero is left out. A number of 64 bits is written as if it had a sign.
 */
#ifndef SESSION_RECORD_NUMBERS_H
#define SESSION_RECORD_NUMBERS_H

#include "bencode/fields.h"

struct record_number {
    const char *name;
    size_t offset;
    size_t size; /* 1, 2, 4 or 8 bytes */
    bool is_signed;
};

#define RECORD_NUMBER(type, member, word)                                                          \
    {                                                                                              \
        .name = (word), .offset = offsetof(type, member), .size = sizeof(((type *)NULL)->member),  \
        .is_signed = ((__typeof__(((type *)NULL)->member))-1) < 1,                                 \
    }

struct record_numbers {
    const struct record_number *list;
    size_t count;
};

#define RECORD_NUMBERS(array) ((struct record_numbers){.list = (array), .count = COUNT_OF(array)})

void record_put_numbers(
    struct ng_arena *arena, struct ng_value *dict, struct record_numbers numbers, const void *base);

/* Refuses what the member cannot hold. */
void record_read_numbers(const struct fields *f, struct record_numbers numbers, void *base);

/* Bytes of a fixed length, which are missed when they are not there. */
void record_read_bytes(const struct fields *f, const char *name, uint8_t *out, size_t len);

/* Memory of the resume that is read; NULL for none, and when there is too little, which is
 * refused. */
struct relay_resume;
void *record_alloc(const struct fields *f, struct relay_resume *resume, size_t count, size_t size);

/* A new dictionary at the end of the list `name` of `dict`; `*list` is NULL before the first. */
struct ng_value *record_add(
    struct ng_arena *arena, struct ng_value *dict, const char *name, struct ng_value **list);

#endif
