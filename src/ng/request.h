/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ng/request.h - one request between its datagram and its reply, as the commands see it.
 *
 * A command reads `in`, fills `out` and ends with exactly one of ng_finish(), ng_fail() and
 * ng_refuse(), at once or later; the request is gone then. Texts of `in` live as long as the
 * request.
 */
#ifndef NG_REQUEST_H
#define NG_REQUEST_H

#include "base/list.h"
#include "mediaferry/ng.h"
#include "ng/forward.h"
#include "ng/options.h"
#include "ng/server.h"

struct ng_request;
struct ng_hold;
struct ng_listing;

/* A command of a call that is not here, or was not: see locate.h. */
struct ng_held {
    struct ng_hold *hold; /* set once it was held */
    struct list link;     /* among those held for its call-id */
    void (*run)(struct ng_request *request);
    bool is_looked_up, is_looked_up_again;
    bool is_unanswered; /* the node that it was forwarded to is silent */
    struct text node;   /* that it was forwarded to, or empty */
    struct ng_forward forward;
    uint64_t stranded_until_ms; /* 0: it was not found stranded */
    struct timer look_again;
};

struct ng_command {
    const char *name; /* as in the key `command` */
    enum ng_verb verb;
    void (*run)(struct ng_request *request); /* takes the request */
};

/* NULL when it is not supported. */
const struct ng_command *ng_command_find(struct text name);

struct ng_request {
    struct ng_server *server;
    struct list link; /* in the server's list of requests */
    struct ng_arena arena;
    uint8_t *datagram; /* the server's copy, which `cookie` and `in` borrow */
    struct bytes cookie;
    bool is_json;
    struct ng_source source;
    uint64_t started_us;

    const struct ng_command *command; /* NULL: none, or not known */
    const struct ng_value *in;
    struct ng_value *out;
    struct call_command options; /* of commands that have any; see ng_options_read() */

    bool asks_elsewhere; /* where its call is, or which there are */
    struct ng_held held;
    struct ng_listing *listing; /* of the command `list` */

    /* for the log */
    struct text command_name;
    struct text call_id;
    const char *why; /* what was wrong, beyond the reason that the reply gives */
    struct ng_ignored ignored;
};

const struct ng_server_config *ng_config(const struct ng_request *request);
struct sessions *ng_sessions(const struct ng_request *request);
int64_t ng_wall_us(const struct ng_request *request);
const struct ng_counters *ng_counters(const struct ng_request *request);

/* Reads `in` into `options`, all but the verb. */
void ng_read_options(struct ng_request *request);

/* `result` = "ok" (or "pong"), after what the command has put into `out`. */
void ng_finish(struct ng_request *request, const char *result);

/* `result` = "error" with `error-reason`. */
void ng_fail(struct ng_request *request, const char *reason);

/* `result` = "load limit", if the proxy understands that; else the error that it looks for. */
void ng_refuse(struct ng_request *request, const char *reason);

#endif
