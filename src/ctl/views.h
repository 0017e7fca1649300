/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl/views.h - the daemon's documents as an operator reads them.
 *
 * Whatever is missing in a document, or is not what it should be, is shown as nothing: a daemon of
 * another version answers too.
 */
#ifndef CTL_VIEWS_H
#define CTL_VIEWS_H

#include <jansson.h>

#include "base/str.h"

void view_status(const json_t *status, struct str *out);

/* `calls`: the rows of /calls; `total`: how many there are. */
void view_calls(const json_t *calls, int64_t total, struct str *out);

void view_call(const json_t *call, struct str *out);

/* One line: "draining: 3 calls, 1 TURN allocation left". */
void view_drain(const json_t *drain, struct str *out);

/* The same of TURN alone. */
void view_turn_drain(const json_t *drain, struct str *out);

/* "2 allocations ended" */
void view_ended(const json_t *document, struct str *out);

void view_allocations(const json_t *document, struct str *out);
void view_credentials(const json_t *credentials, struct str *out);

#endif
