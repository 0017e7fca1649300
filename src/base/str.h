/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/str.h - strings that grow, for replies and reports; and copies on the heap.
 *
 * After a failure (out of memory) a string stays failed and empty: add straight through, check at
 * the end.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>

#include "mediaferry/bytes.h"

struct str {
    char *data; /* terminated when not NULL */
    size_t len;
    size_t capacity;
    bool failed;
};

/* All zeros is a valid empty string too. */
void str_init(struct str *s);
void str_done(struct str *s);

/* Makes it empty and no longer failed; keeps the memory. */
void str_reset(struct str *s);

void str_add(struct str *s, struct text t);
void str_add_char(struct str *s, char c);
void str_addf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_vaddf(struct str *s, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static inline void str_add_string(struct str *s, const char *string)
{
    str_add(s, text_from(string));
}

static inline bool str_ok(const struct str *s)
{
    return !s->failed;
}

/* Borrowed until the next change; empty after a failure. */
static inline struct text str_text(const struct str *s)
{
    return text_of(s->data, s->len);
}

/* The same, terminated: never NULL. */
static inline const char *str_string(const struct str *s)
{
    return s->data != NULL ? s->data : "";
}

/* Returns the content as a new terminated string, which the caller frees, and leaves `s` empty;
 * NULL after a failure. */
NODISCARD char *str_take(struct str *s);

/* Returns a new terminated copy, which the caller frees; NULL when out of memory. */
NODISCARD char *text_dup(struct text t);

/* The same for bytes; a copy of nothing is a block all the same. */
NODISCARD uint8_t *bytes_dup(struct bytes b);

#endif
