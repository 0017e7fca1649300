/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin/route.h - what a request asks for: method, path and query against one table.
 *
 * Pure. Segments are decoded after the path was split, so a name may hold any character and can
 * never become another path. Parameters that are unknown or given twice are refused: a misspelled
 * filter must not end everybody's calls.
 */
#ifndef ADMIN_ROUTE_H
#define ADMIN_ROUTE_H

#include "admin/http_request.h"

enum {
    ROUTE_MAX_LIMIT = 1000,
    ROUTE_DEFAULT_LIMIT = 1000,
    ROUTE_MAX_NAME = 508,     /* bytes of a user or realm */
    ROUTE_MAX_CALL_ID = 2048, /* which may hold any */
    ROUTE_MAX_SECONDS = 366 * 86400,
};

enum admin_route_kind {
    ROUTE_HEALTH,
    ROUTE_READY,
    ROUTE_METRICS,
    ROUTE_CREDENTIALS,
    ROUTE_ALLOCATIONS,
    ROUTE_END_ALLOCATION,
    ROUTE_END_USER,
    ROUTE_TURN_DRAIN,
    ROUTE_TURN_UNDRAIN,
    ROUTE_STATUS,
    ROUTE_CALLS,
    ROUTE_CALL,
    ROUTE_END_CALL,
    ROUTE_DRAIN_STATE,
    ROUTE_DRAIN,
    ROUTE_UNDRAIN,
};

struct admin_route {
    enum admin_route_kind kind;
    struct text user; /* texts lie in `memory`; empty: not given */
    struct text realm;
    struct text call_id; /* or the part of one that is looked for */
    uint64_t after;
    uint32_t seconds; /* `ttl` or `revoke`; 0: not given */
    size_t limit;
    uint64_t id;
    char memory[HTTP_MAX_TARGET];
};

struct admin_refusal {
    unsigned status;   /* 400, 404 or 405 */
    const char *why;   /* a sentence */
    const char *allow; /* of 405: the methods that will do, for the field Allow */
};

/* Whether anybody may ask for this path: /healthz and /readyz. */
bool admin_route_is_open(const struct http_request *request);

/* False with the reason in `refusal`. `out` must stay where it is. */
NODISCARD bool admin_route_find(
    const struct http_request *request, struct admin_route *out, struct admin_refusal *refusal);

#endif
