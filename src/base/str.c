/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

void str_init(struct str *s)
{
    *s = (struct str){.data = NULL};
}

void str_done(struct str *s)
{
    free(s->data);
    str_init(s);
}

void str_reset(struct str *s)
{
    s->len = 0;
    s->failed = false;
    if (s->data != NULL)
        s->data[0] = '\0';
}

static void fail(struct str *s)
{
    str_done(s);
    s->failed = true;
}

/* Makes room for `len` more characters and a terminator. */
static bool reserve(struct str *s, size_t len)
{
    if (s->failed)
        return false;
    if (len < s->capacity - s->len)
        return true;
    if (len > SIZE_MAX / 4 || s->len > SIZE_MAX / 4) {
        fail(s);
        return false;
    }

    size_t capacity = s->capacity > 0 ? s->capacity : FIRST_CAPACITY;
    while (capacity <= s->len + len)
        capacity *= 2;
    char *data = realloc(s->data, capacity);
    if (data == NULL) {
        fail(s);
        return false;
    }
    s->data = data;
    s->capacity = capacity;
    return true;
}

void str_add(struct str *s, struct text t)
{
    if (!reserve(s, t.len))
        return;
    if (t.len > 0)
        memcpy(s->data + s->len, t.data, t.len);
    s->len += t.len;
    s->data[s->len] = '\0';
}

void str_add_char(struct str *s, char c)
{
    str_add(s, text_of(&c, 1));
}

void str_vaddf(struct str *s, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    if (len < 0)
        fail(s);
    else if (reserve(s, (size_t)len))
        s->len += (size_t)vsnprintf(s->data + s->len, (size_t)len + 1, format, again);
    va_end(again);
}

void str_addf(struct str *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    str_vaddf(s, format, arguments);
    va_end(arguments);
}

char *str_take(struct str *s)
{
    str_add(s, text_of(NULL, 0)); /* even an empty string is one */
    char *data = s->data;
    str_init(s);
    return data;
}

char *text_dup(struct text t)
{
    char *copy = malloc(t.len + 1);
    if (copy == NULL)
        return NULL;
    if (t.len > 0)
        memcpy(copy, t.data, t.len);
    copy[t.len] = '\0';
    return copy;
}

uint8_t *bytes_dup(struct bytes b)
{
    uint8_t *copy = malloc(b.len > 0 ? b.len : 1);
    if (copy != NULL && b.len > 0)
        memcpy(copy, b.data, b.len);
    return copy;
}
