/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl/diagnose.h - what may be wrong with a call, from what the daemon tells of it.
 *
 * Pure. A finding is a sentence with its cause where that is known. Without any the call may still
 * be silent: what is inside the packets is not looked at.
 */
#ifndef CTL_DIAGNOSE_H
#define CTL_DIAGNOSE_H

#include <jansson.h>

#include "base/str.h"

/* Adds a line for each finding, behind `indent`, and returns their number. `call` is the document
 * of /calls/ID. Parties are named as in diagnose_party_name(). */
size_t diagnose(const json_t *call, const char *indent, struct str *out);

/* "A", "B", ... by their order; returns `out`. */
enum { PARTY_NAME_SIZE = 24 };
const char *diagnose_party_name(size_t index, char out[PARTY_NAME_SIZE]);

#endif
