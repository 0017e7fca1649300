/* SPDX-License-Identifier: Apache-2.0 */
/* admin/state.h - what server.c (life and answers), gate.c (who asks) and serve.c (what) share. */
#ifndef ADMIN_STATE_H
#define ADMIN_STATE_H

#include "admin/http_server.h"
#include "admin/route.h"
#include "admin/server.h"
#include "admin/throttle.h"
#include "admin/tokens.h"
#include "base/log.h"

enum { ADMIN_SOURCE_SIZE = ADDRESS_TEXT_SIZE };

struct admin {
    uv_loop_t *loop;
    struct http_server *http;
    struct admin_api api;
    struct admin_tokens tokens;
    struct admin_throttle throttle;
    struct log_limit warnings;
    struct admin_counters counters;
};

extern const char admin_type_json[];
extern const struct http_field admin_no_field;

/* Both answer; the first takes the body. */
void admin_respond(struct admin *admin, struct http_exchange *exchange, unsigned status,
    const char *type, struct http_field field, struct str *body);
void admin_respond_error(struct admin *admin, struct http_exchange *exchange, unsigned status,
    struct http_field field, struct text why);

/* For the log: "192.0.2.1:50000" or "uid:0". Returns `out`. */
const char *admin_source(const struct http_exchange *exchange, char out[ADMIN_SOURCE_SIZE]);

/* Answers those who may not. */
NODISCARD bool admin_may_ask(struct admin *admin, struct http_exchange *exchange);

/* Puts it on record and answers, at once or later. */
void admin_serve(
    struct admin *admin, struct http_exchange *exchange, const struct admin_route *route);

#endif
