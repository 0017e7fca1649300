/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the text of /metrics as Prometheus does (text format 0.0.4), and fails the test where it
 * is not sound. */
#ifndef TESTS_PROMETHEUS_H
#define TESTS_PROMETHEUS_H

#include "mediaferry/bytes.h"

/* Returns the number of metrics. */
size_t prometheus_read(struct text text);

#endif
