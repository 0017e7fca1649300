/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mediaferry/bytes.h - views, cursors and text: the only pointer arithmetic on packet data.
 *
 * `struct bytes` and `struct text` borrow memory and never own it. `struct reader` and
 * `struct writer` fail once and stay failed: read or write straight through, check at the end.
 * Nothing here allocates, blocks or logs. Numbers on the wire are big endian.
 */
#ifndef MEDIAFERRY_BYTES_H
#define MEDIAFERRY_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NODISCARD __attribute__((warn_unused_result))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A view of bytes; `data` may be NULL when `len` is 0. */
struct bytes {
    const uint8_t *data;
    size_t len;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){.data = data, .len = len};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Compares in a time that depends on the lengths only: for keys, tags and passwords. */
static inline bool bytes_equal_secret(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return false;
    uint8_t difference = 0;
    for (size_t i = 0; i < a.len; i++)
        difference = (uint8_t)(difference | (a.data[i] ^ b.data[i]));
    return difference == 0;
}

/* A cursor that reads. After a failure every read gives zeros and empty views. */
struct reader {
    struct bytes rest;
    bool failed;
};

static inline struct reader reader_over(struct bytes input)
{
    return (struct reader){.rest = input};
}

static inline bool reader_ok(const struct reader *r)
{
    return !r->failed;
}

static inline size_t reader_left(const struct reader *r)
{
    return r->rest.len;
}

/* Splits off the next `len` bytes as a view of their own. */
static inline struct bytes reader_take(struct reader *r, size_t len)
{
    if (len > r->rest.len) {
        *r = (struct reader){.failed = true};
        return bytes_of(NULL, 0);
    }
    struct bytes head = bytes_of(r->rest.data, len);
    if (len > 0)
        r->rest = bytes_of(r->rest.data + len, r->rest.len - len);
    return head;
}

static inline uint8_t reader_u8(struct reader *r)
{
    struct bytes b = reader_take(r, 1);
    return b.len == 1 ? b.data[0] : 0;
}

static inline uint16_t reader_u16(struct reader *r)
{
    struct bytes b = reader_take(r, 2);
    return b.len == 2 ? (uint16_t)(b.data[0] << 8 | b.data[1]) : 0;
}

static inline uint32_t reader_u24(struct reader *r)
{
    struct bytes b = reader_take(r, 3);
    return b.len == 3 ? (uint32_t)b.data[0] << 16 | (uint32_t)b.data[1] << 8 | b.data[2] : 0;
}

static inline uint32_t reader_u32(struct reader *r)
{
    uint32_t high = reader_u16(r);
    uint32_t low = reader_u16(r);
    return reader_ok(r) ? high << 16 | low : 0;
}

static inline uint64_t reader_u64(struct reader *r)
{
    uint64_t high = reader_u32(r);
    uint64_t low = reader_u32(r);
    return reader_ok(r) ? high << 32 | low : 0;
}

/* A cursor that writes into memory of fixed capacity. After a failure nothing more is written. */
struct writer {
    uint8_t *data;
    size_t len; /* bytes written so far */
    size_t capacity;
    bool failed;
};

static inline struct writer writer_over(void *data, size_t capacity)
{
    return (struct writer){.data = data, .capacity = capacity};
}

static inline bool writer_ok(const struct writer *w)
{
    return !w->failed;
}

/* What has been written; empty after a failure. */
static inline struct bytes writer_bytes(const struct writer *w)
{
    return w->failed ? bytes_of(NULL, 0) : bytes_of(w->data, w->len);
}

/* Reserves `len` bytes and returns where they start, or NULL after a failure. */
static inline uint8_t *writer_reserve(struct writer *w, size_t len)
{
    if (w->failed || len > w->capacity - w->len) {
        w->failed = true;
        return NULL;
    }
    uint8_t *start = w->data + w->len;
    w->len += len;
    return start;
}

static inline void writer_put(struct writer *w, struct bytes b)
{
    uint8_t *to = writer_reserve(w, b.len);
    if (to != NULL && b.len > 0)
        memcpy(to, b.data, b.len);
}

static inline void writer_u8(struct writer *w, uint8_t value)
{
    writer_put(w, bytes_of(&value, 1));
}

static inline void writer_u16(struct writer *w, uint16_t value)
{
    uint8_t wire[] = {(uint8_t)(value >> 8), (uint8_t)value};
    writer_put(w, bytes_of(wire, sizeof(wire)));
}

static inline void writer_u32(struct writer *w, uint32_t value)
{
    writer_u16(w, (uint16_t)(value >> 16));
    writer_u16(w, (uint16_t)value);
}

static inline void writer_u64(struct writer *w, uint64_t value)
{
    writer_u32(w, (uint32_t)(value >> 32));
    writer_u32(w, (uint32_t)value);
}

/* A view of characters, not terminated. */
struct text {
    const char *data;
    size_t len;
};

/* A string literal as a view. */
#define TEXT(literal) ((struct text){.data = "" literal, .len = sizeof(literal) - 1})

/* For printf("%.*s"). */
#define TEXT_ARG(t) (int)(t).len, (t).len > 0 ? (t).data : ""

static inline struct text text_of(const char *data, size_t len)
{
    return (struct text){.data = data, .len = len};
}

/* Borrows a terminated string; NULL gives the empty view. */
static inline struct text text_from(const char *string)
{
    return string == NULL ? text_of(NULL, 0) : text_of(string, strlen(string));
}

static inline struct text text_from_bytes(struct bytes b)
{
    return text_of((const char *)b.data, b.len);
}

static inline struct bytes text_bytes(struct text t)
{
    return bytes_of(t.data, t.len);
}

static inline bool text_equal(struct text a, struct text b)
{
    return bytes_equal(text_bytes(a), text_bytes(b));
}

static inline bool text_is(struct text t, const char *string)
{
    return text_equal(t, text_from(string));
}

static inline char text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Without regard to the case of ASCII letters. */
static inline bool text_equal_nocase(struct text a, struct text b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (text_lower(a.data[i]) != text_lower(b.data[i]))
            return false;
    return true;
}

static inline bool text_is_nocase(struct text t, const char *string)
{
    return text_equal_nocase(t, text_from(string));
}

static inline bool text_starts_with(struct text t, const char *prefix)
{
    size_t len = strlen(prefix);
    return t.len >= len && (len == 0 || memcmp(t.data, prefix, len) == 0);
}

/* The view without its first `len` characters (empty when it is shorter). */
static inline struct text text_skip(struct text t, size_t len)
{
    return len >= t.len ? text_of(NULL, 0) : text_of(t.data + len, t.len - len);
}

/* Splits at the first `separator`: returns what is before it and leaves the rest in `t`. Without
 * one, returns all and leaves `t` empty. */
static inline struct text text_cut(struct text *t, char separator)
{
    const char *at = t->len > 0 ? memchr(t->data, separator, t->len) : NULL;
    struct text head = *t;
    if (at == NULL) {
        *t = text_of(NULL, 0);
        return head;
    }
    head.len = (size_t)(at - t->data);
    *t = text_skip(*t, head.len + 1);
    return head;
}

/* The next word between runs of `separator`; empty at the end. */
static inline struct text text_word(struct text *t, char separator)
{
    while (t->len > 0 && t->data[0] == separator)
        *t = text_skip(*t, 1);
    return text_cut(t, separator);
}

static inline struct text text_trim(struct text t)
{
    while (t.len > 0 && (t.data[0] == ' ' || t.data[0] == '\t'))
        t = text_skip(t, 1);
    while (t.len > 0 && (t.data[t.len - 1] == ' ' || t.data[t.len - 1] == '\t'))
        t.len--;
    return t;
}

/* Reads a whole decimal number of at most `max`; false on anything else. */
NODISCARD static inline bool text_to_u64(struct text t, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (t.len == 0)
        return false;
    for (size_t i = 0; i < t.len; i++) {
        if (t.data[i] < '0' || t.data[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(t.data[i] - '0');
        if (value > (max - digit) / 10 || digit > max)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

#endif
