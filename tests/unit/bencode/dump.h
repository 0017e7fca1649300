/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a tree as one line of text, {'a': ['b', 1]}, to compare with what a test expects. */
#ifndef DUMP_H
#define DUMP_H

#include <stdio.h>

#include "mediaferry/ng.h"

static inline void dump_text(struct writer *w, struct text t)
{
    writer_put(w, text_bytes(t));
}

static inline void dump_value(struct writer *w, const struct ng_value *value)
{
    char digits[32];
    bool is_dict = value->kind == NG_DICT;

    if (value->kind == NG_STRING) {
        dump_text(w, TEXT("'"));
        dump_text(w, value->string);
        dump_text(w, TEXT("'"));
    } else if (value->kind == NG_INT) {
        snprintf(digits, sizeof(digits), "%lld", (long long)value->integer);
        dump_text(w, text_from(digits));
    } else if (value->kind == NG_NULL) {
        dump_text(w, TEXT("None"));
    } else {
        dump_text(w, is_dict ? TEXT("{") : TEXT("["));
        for (const struct ng_value *v = value->first; v != NULL; v = v->next) {
            if (v != value->first)
                dump_text(w, TEXT(", "));
            if (is_dict) {
                dump_text(w, TEXT("'"));
                dump_text(w, v->key);
                dump_text(w, TEXT("': "));
            }
            dump_value(w, v);
        }
        dump_text(w, is_dict ? TEXT("}") : TEXT("]"));
    }
}

/* Valid until the next call. */
static inline const char *dump(const struct ng_value *value)
{
    static char line[65536];
    struct writer w = writer_over(line, sizeof(line) - 1);
    dump_value(&w, value);
    line[w.len] = '\0';
    return line;
}

#endif
