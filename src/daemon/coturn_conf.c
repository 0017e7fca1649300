/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/coturn_conf.h"

static bool separates(char c)
{
    return c == ' ' || c == '\t' || c == '=';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct text trim(struct text t)
{
    while (t.len > 0 && is_blank(t.data[0]))
        t = text_skip(t, 1);
    while (t.len > 0 && is_blank(t.data[t.len - 1]))
        t.len--;
    return t;
}

static struct text unquoted(struct text value)
{
    if (value.len == 0 || value.data[0] != '"')
        return value;
    value = text_skip(value, 1);
    if (value.len > 0 && value.data[value.len - 1] == '"')
        value.len--;
    return value;
}

bool coturn_conf_next(struct coturn_conf *conf, struct coturn_line *out)
{
    while (conf->rest.len > 0) {
        struct text line = trim(text_cut(&conf->rest, '\n'));
        conf->number++;
        if (line.len == 0 || line.data[0] == '#')
            continue;
        size_t len = 0;
        while (len < line.len && !separates(line.data[len]))
            len++;
        struct text value = text_skip(line, len);
        while (value.len > 0 && separates(value.data[0]))
            value = text_skip(value, 1);
        *out = (struct coturn_line){
            .number = conf->number, .name = text_of(line.data, len), .value = unquoted(value)};
        return true;
    }
    return false;
}

bool coturn_flag(struct text value, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"", true}, {"1", true}, {"on", true}, {"yes", true}, {"true", true}, {"t", true},
        {"y", true}, {"0", false}, {"off", false}, {"no", false}, {"false", false}, {"f", false},
        {"n", false}};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (text_is_nocase(value, words[i].word)) {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}
