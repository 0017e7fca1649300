/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/bencode.h"

#include <stdio.h>

static void write_number(struct writer *w, const char *format, long long number)
{
    char digits[32];
    int len = snprintf(digits, sizeof(digits), format, number);
    writer_put(w, bytes_of(digits, (size_t)len));
}

static void write_string(struct writer *w, struct text string)
{
    write_number(w, "%lld:", (long long)string.len);
    writer_put(w, text_bytes(string));
}

static void write_value(struct writer *w, const struct ng_value *value, unsigned depth)
{
    switch (value->kind) {
    case NG_STRING:
        write_string(w, value->string);
        return;
    case NG_INT:
        write_number(w, "i%llde", value->integer);
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
