/* SPDX-License-Identifier: Apache-2.0 */
#include "prometheus.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { METRICS_MAX = 256, SAMPLES_MAX = 1024 };

struct reading {
    struct text names[METRICS_MAX];
    size_t count;
    struct text name; /* of the metric being read */
    bool has_type, is_counter;
    struct text series[SAMPLES_MAX]; /* of it: name and labels */
    size_t samples;
};

static bool is_name(struct text name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!islower((unsigned char)name.data[i]) && name.data[i] != '_' &&
            (i == 0 || !isdigit((unsigned char)name.data[i])))
            return false;
    return name.len > 0;
}

static bool ends_with(struct text name, const char *end)
{
    size_t len = strlen(end);
    return name.len >= len && text_is(text_skip(name, name.len - len), end);
}

static void begin_metric(struct reading *r, struct text name)
{
    assert_true(r->count == 0 || r->samples > 0);
    assert_true(is_name(name));
    assert_true(text_starts_with(name, "mediaferry_") || text_starts_with(name, "rtpengine_") ||
                text_starts_with(name, "process_"));
    for (size_t i = 0; i < r->count; i++)
        assert_false(text_equal(r->names[i], name));
    assert_true(r->count < METRICS_MAX);
    r->names[r->count++] = name;
    r->name = name;
    r->has_type = false;
    r->samples = 0;
}

static void read_type(struct reading *r, struct text line)
{
    struct text name = text_cut(&line, ' ');
    assert_true(text_equal(name, r->name));
    assert_false(r->has_type);
    assert_int_equal(r->samples, 0);
    r->is_counter = text_is(line, "counter");
    assert_true(r->is_counter || text_is(line, "gauge"));
    assert_int_equal(ends_with(name, "_total"), r->is_counter);
    r->has_type = true;
}

/* name="value",name="value"} with \\, \" and \n in values; returns what is behind it. */
static struct text skip_labels(struct text rest)
{
    for (;;) {
        assert_true(is_name(text_cut(&rest, '=')));
        assert_true(text_starts_with(rest, "\""));
        rest = text_skip(rest, 1);
        while (!text_starts_with(rest, "\"")) {
            assert_true(rest.len > 1 && (unsigned char)rest.data[0] >= 0x20);
            if (rest.data[0] == '\\')
                assert_non_null(strchr("\\\"n", rest.data[1]));
            rest = text_skip(rest, rest.data[0] == '\\' ? 2 : 1);
        }
        rest = text_skip(rest, 1);
        if (text_starts_with(rest, "}"))
            return text_skip(rest, 1);
        assert_true(text_starts_with(rest, ","));
        rest = text_skip(rest, 1);
    }
}

static void read_value(struct text value)
{
    char text[64], *end;
    assert_true(value.len > 0 && value.len < sizeof(text));
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    assert_true(strtod(text, &end) >= 0);
    assert_int_equal(*end, '\0');
}

static void read_sample(struct reading *r, struct text line)
{
    struct text rest = line, series = line;
    size_t len = 0;
    while (len < line.len && line.data[len] != '{' && line.data[len] != ' ')
        len++;
    assert_true(text_equal(text_of(line.data, len), r->name));
    assert_true(r->has_type);
    rest = text_skip(line, len);
    if (text_starts_with(rest, "{"))
        rest = skip_labels(text_skip(rest, 1));
    series.len = line.len - rest.len;
    for (size_t i = 0; i < r->samples; i++)
        assert_false(text_equal(r->series[i], series));
    assert_true(r->samples < SAMPLES_MAX);
    r->series[r->samples++] = series;
    assert_true(text_starts_with(rest, " "));
    read_value(text_skip(rest, 1));
}

size_t prometheus_read(struct text text)
{
    static struct reading r;
    r = (struct reading){.count = 0};
    assert_true(text.len > 0 && text.data[text.len - 1] == '\n');
    while (text.len > 0) {
        struct text line = text_cut(&text, '\n');
        if (text_starts_with(line, "# HELP ")) {
            line = text_skip(line, strlen("# HELP "));
            begin_metric(&r, text_cut(&line, ' '));
            assert_true(line.len > 0);
            assert_null(memchr(line.data, '\\', line.len));
        } else if (text_starts_with(line, "# TYPE ")) {
            read_type(&r, text_skip(line, strlen("# TYPE ")));
        } else {
            read_sample(&r, line);
        }
    }
    assert_true(r.samples > 0);
    return r.count;
}
