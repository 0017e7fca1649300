/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/bencode.h"

/* By hand: each string has a length, and printf takes longer than the rest of the writing. */
static void write_digits(struct writer *w, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    writer_put(w, bytes_of(digits + at, sizeof(digits) - at));
}

static void write_int(struct writer *w, int64_t number)
{
    writer_u8(w, 'i');
    if (number < 0)
        writer_u8(w, '-');
    write_digits(w, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
    writer_u8(w, 'e');
}

static void write_string(struct writer *w, struct text string)
{
    write_digits(w, string.len);
    writer_u8(w, ':');
    writer_put(w, text_bytes(string));
}

static void write_value(struct writer *w, const struct ng_value *value, unsigned depth)
{
    switch (value->kind) {
    case NG_STRING:
        write_string(w, value->string);
        return;
    case NG_INT:
        write_int(w, value->integer);
        return;
    case NG_NULL:
        write_string(w, text_of(NULL, 0));
        return;
    case NG_LIST:
    case NG_DICT:
        break;
    }
    if (depth == BENCODE_MAX_DEPTH) {
        w->failed = true;
        return;
    }
    writer_u8(w, value->kind == NG_DICT ? 'd' : 'l');
    for (const struct ng_value *entry = value->first; entry != NULL; entry = entry->next) {
        if (value->kind == NG_DICT)
            write_string(w, entry->key);
        write_value(w, entry, depth + 1);
    }
    writer_u8(w, 'e');
}

void bencode_write(struct writer *w, const struct ng_value *value)
{
    write_value(w, value, 0);
}
