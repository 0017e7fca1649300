/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/metrics.h - the text of /metrics (Prometheus, text format 0.0.4), put together.
 *
 *     struct metric m = metric_begin(out, METRIC_COUNTER, "mediaferry_calls_ended", "calls ...");
 *     metric_add(&m, n, 1, (struct metric_label[]){{"reason", TEXT("timeout")}});
 *
 * A metric is begun once and has at least one sample.
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "base/str.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

enum { METRIC_NAME_SIZE = 96 };

struct metric {
    struct str *out; /* borrowed */
    char name[METRIC_NAME_SIZE];
};

struct metric_label {
    const char *name;
    struct text value; /* any text; bytes that are no UTF-8 become '?' */
};

/* `name` without the "_total" of counters; `help` without line feeds and backslashes. */
struct metric metric_begin(
    struct str *out, enum metric_kind kind, const char *name, const char *help);

void metric_add(
    const struct metric *m, uint64_t value, size_t label_count, const struct metric_label *labels);

/* The same with up to six decimals. */
void metric_add_real(
    const struct metric *m, double value, size_t label_count, const struct metric_label *labels);

/* One that has one sample without labels. */
void metric_put(
    struct str *out, enum metric_kind kind, const char *name, const char *help, uint64_t value);

#endif
