/* SPDX-License-Identifier: Apache-2.0 */
/* ng/state.h - the inside of the server, for server.c, request.c and those who hold requests. */
#ifndef NG_STATE_H
#define NG_STATE_H

#include "base/log.h"
#include "ng/cookie_cache.h"
#include "ng/forward_loop.h"
#include "ng/request.h"

enum { IGNORED_LINES_PER_SECOND = 5, MALFORMED_LINES_PER_SECOND = 5 };

struct ng_server {
    struct ng_server_config config;
    struct cookie_cache *cache;
    struct list requests;             /* all that are not finished */
    struct map holds;                 /* commands of calls that are not here, by call-id */
    struct ng_forward_loop *forwards; /* NULL without `elsewhere` */
    struct ng_counters counters;
    struct log_limit ignored_limit, malformed_limit;
    uint8_t reply[NG_MAX_REPLY]; /* the reply being made */
};

/* Unlinks and frees, and asks nobody any more. */
void ng_request_free(struct ng_request *request);

#endif
