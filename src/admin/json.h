/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin/json.h - the JSON of the admin port, written and read.
 *
 * The writers fill an empty string, which has failed when memory is short. Bytes that are no UTF-8
 * become '?'.
 */
#ifndef ADMIN_JSON_H
#define ADMIN_JSON_H

#include "admin/api.h"

void admin_json_credentials(struct str *out, const struct admin_credentials *credentials);
void admin_json_allocations(
    struct str *out, const struct admin_allocation *rows, size_t count, size_t total);
void admin_json_ended(struct str *out, uint64_t count);
void admin_json_drain(struct str *out, bool draining, uint64_t left);
void admin_json_error(struct str *out, struct text why);

/* The body of a drain request. */
struct admin_drain_body {
    struct text alternates[ADMIN_MAX_ALTERNATES];
    struct admin_drain how; /* points to them */
    void *memory;
};

/*
 * Nothing at all, or an object of {"alternate-server": "a" or ["a", "b"]} and, unless it is about
 * TURN alone, {"exit": true, "timeout": seconds}. False, and nothing to be freed, when it is
 * something else. `out` must stay where it is.
 */
NODISCARD bool admin_drain_body_read(
    struct text body, bool turn_alone, struct admin_drain_body *out);
void admin_drain_body_done(struct admin_drain_body *body);

#endif
