/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/metrics.h"

#include <stdio.h>

struct metric metric_begin(
    struct str *out, enum metric_kind kind, const char *name, const char *help)
{
    struct metric m = {.out = out};
    bool is_counter = kind == METRIC_COUNTER;
    snprintf(m.name, sizeof(m.name), "%s%s", name, is_counter ? "_total" : "");
    str_addf(out, "# HELP %s %s\n# TYPE %s %s\n", m.name, help, m.name,
        is_counter ? "counter" : "gauge");
    return m;
}

static void add_escaped(struct str *out, struct text value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c == '\\' || c == '"')
            str_add_char(out, '\\');
        if (c == '\n')
            str_add_string(out, "\\n");
        else
            str_add_char(out, (unsigned char)c < 0x80 ? c : '?');
    }
}

static void add_name(const struct metric *m, size_t count, const struct metric_label *labels)
{
    str_add_string(m->out, m->name);
    for (size_t i = 0; i < count; i++) {
        str_addf(m->out, "%c%s=\"", i == 0 ? '{' : ',', labels[i].name);
        add_escaped(m->out, labels[i].value);
        str_add_char(m->out, '"');
    }
    if (count > 0)
        str_add_char(m->out, '}');
}

void metric_add(
    const struct metric *m, uint64_t value, size_t label_count, const struct metric_label *labels)
{
    add_name(m, label_count, labels);
    str_addf(m->out, " %llu\n", (unsigned long long)value);
}

void metric_add_real(
    const struct metric *m, double value, size_t label_count, const struct metric_label *labels)
{
    add_name(m, label_count, labels);
    str_addf(m->out, " %.6f\n", value);
}

void metric_put(
    struct str *out, enum metric_kind kind, const char *name, const char *help, uint64_t value)
{
    struct metric m = metric_begin(out, kind, name, help);
    metric_add(&m, value, 0, NULL);
}
