/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/text.h"

#include <stdio.h>
#include <stdlib.h>

void text_add_safe(struct str *out, const char *string)
{
    for (const unsigned char *s = (const unsigned char *)string; *s != '\0'; s++) {
        if (*s < 0x20 || *s == 0x7f) {
            str_add_char(out, '?');
        } else if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0) { /* C1 in UTF-8 */
            str_add_char(out, '?');
            s++;
        } else {
            str_add_char(out, (char)*s);
        }
    }
}

void text_add_count(struct str *out, int64_t number)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%lld", (long long)number);
    for (int i = 0; i < len; i++) {
        str_add_char(out, digits[i]);
        if (digits[i] != '-' && i + 1 < len && (len - 1 - i) % 3 == 0)
            str_add_char(out, ',');
    }
}

void text_add_duration(struct str *out, int64_t seconds)
{
    enum { DAY = 86400 };
    if (seconds < 0)
        seconds = 0;
    if (seconds >= DAY)
        str_addf(out, "%lld day%s ", (long long)(seconds / DAY), seconds < 2 * DAY ? "" : "s");
    seconds %= DAY;
    str_addf(
        out, "%d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
}

/* With a prefix of the SI, and one decimal from the first on. */
static void add_scaled(struct str *out, int64_t number, const char *unit)
{
    static const char prefixes[] = " kMGTP";
    double value = (double)number;
    size_t step = 0;
    while (value >= 1000 && step + 2 < sizeof(prefixes)) {
        value /= 1000;
        step++;
    }
    if (step == 0)
        str_addf(out, "%lld %s", (long long)number, unit);
    else
        str_addf(out, "%.1f %c%s", value, prefixes[step], unit);
}

void text_add_bit_rate(struct str *out, int64_t bits)
{
    add_scaled(out, bits, "bit/s");
}

void text_add_bytes(struct str *out, int64_t bytes)
{
    add_scaled(out, bytes, "B");
}

void text_add_encoded(struct str *out, const char *string)
{
    for (const unsigned char *s = (const unsigned char *)string; *s != '\0'; s++) {
        bool is_plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
                        (*s >= '0' && *s <= '9') || strchr("-._~", *s) != NULL;
        if (is_plain)
            str_add_char(out, (char)*s);
        else
            str_addf(out, "%%%02X", *s);
    }
}

/* --- tables --- */

struct str *table_cell(struct table *t)
{
    if (t->count == t->capacity) {
        size_t capacity = t->capacity > 0 ? 2 * t->capacity : 64;
        struct str *grown = realloc(t->cells, capacity * sizeof(*grown));
        if (grown == NULL)
            return NULL;
        t->cells = grown;
        t->capacity = capacity;
    }
    struct str *cell = &t->cells[t->count++];
    *cell = (struct str){.data = NULL};
    return cell;
}

void table_put(struct table *t, const char *string)
{
    struct str *cell = table_cell(t);
    if (cell != NULL)
        text_add_safe(cell, string);
}

void table_put_count(struct table *t, int64_t number)
{
    struct str *cell = table_cell(t);
    if (cell != NULL)
        text_add_count(cell, number);
}

/* Characters of UTF-8. */
static size_t width_of(const struct str *cell)
{
    size_t width = 0;
    for (const char *s = str_string(cell); *s != '\0'; s++)
        width += ((unsigned char)*s & 0xc0) != 0x80;
    return width;
}

static void add_cell(
    const struct table *t, size_t column, size_t width, const struct str *cell, struct str *out)
{
    size_t own = width_of(cell);
    bool is_right = (t->right >> column & 1) != 0, is_last = column + 1 == t->columns;
    for (size_t i = own; is_right && i < width; i++)
        str_add_char(out, ' ');
    str_add_string(out, str_string(cell));
    for (size_t i = own; !is_right && !is_last && i < width; i++)
        str_add_char(out, ' ');
    str_add_string(out, is_last ? "\n" : "  ");
}

void table_write(struct table *t, const char *indent, struct str *out)
{
    size_t widths[TABLE_COLUMNS] = {0};
    for (size_t i = 0; i < t->count; i++) {
        size_t width = width_of(&t->cells[i]);
        if (width > widths[i % t->columns])
            widths[i % t->columns] = width;
    }
    for (size_t i = 0; i < t->count; i++) {
        size_t column = i % t->columns;
        if (column == 0)
            str_add_string(out, indent);
        add_cell(t, column, widths[column], &t->cells[i], out);
        str_done(&t->cells[i]);
    }
    free(t->cells);
    t->cells = NULL;
    t->count = t->capacity = 0;
}

/* --- documents --- */

/* Within what JSON can tell exactly, so that percentages of it can be counted. */
int64_t json_number(const json_t *object, const char *key)
{
    const json_int_t most = INT64_C(1) << 53;
    json_int_t number = json_integer_value(json_object_get(object, key));
    return number > most ? most : number < -most ? -most : number;
}

const char *json_word(const json_t *object, const char *key)
{
    const char *word = json_string_value(json_object_get(object, key));
    return word != NULL ? word : "";
}

bool json_is_set(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

bool json_has_word(const json_t *list, const char *word)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));
        if (item != NULL && strcmp(item, word) == 0)
            return true;
    }
    return false;
}
