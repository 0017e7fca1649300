/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl/text.h - numbers, times and tables for a terminal.
 *
 * What strangers have chosen (call-ids, tags, names) is written so that it cannot command the
 * terminal.
 */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <jansson.h>

#include "base/str.h"

/* Control characters and what could be one of them (C1) become '?'. */
void text_add_safe(struct str *out, const char *string);

/* 1234567 as "1,234,567". */
void text_add_count(struct str *out, int64_t number);

/* Seconds as "0:01:02", "3 days 0:01:02". */
void text_add_duration(struct str *out, int64_t seconds);

/* Bits a second as "12.3 Mbit/s". */
void text_add_bit_rate(struct str *out, int64_t bits);

/* Bytes as "12.3 MB". */
void text_add_bytes(struct str *out, int64_t bytes);

/* For URIs: everything but letters, digits and "-._~" becomes %XX. */
void text_add_encoded(struct str *out, const char *string);

/* --- tables: a row of texts after the other, columns as wide as they must be --- */

enum { TABLE_COLUMNS = 8 };

struct table {
    struct str *cells; /* `columns` for each row */
    size_t count, capacity, columns;
    unsigned right; /* columns that are numbers: bit 0 is the first */
};

/* Appends a cell, which is filled by the caller; NULL when memory is short. */
struct str *table_cell(struct table *t);
void table_put(struct table *t, const char *string);
void table_put_count(struct table *t, int64_t number);

/* Writes the table, each line behind `indent`, and frees it. */
void table_write(struct table *t, const char *indent, struct str *out);

/* --- documents: what is missing or of another type is nothing --- */

int64_t json_number(const json_t *object, const char *key);
const char *json_word(const json_t *object, const char *key); /* "" */
bool json_is_set(const json_t *object, const char *key);      /* a boolean */
bool json_has_word(const json_t *list, const char *word);     /* a list of strings */

#endif
