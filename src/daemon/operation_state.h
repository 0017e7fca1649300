/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/operation_state.h - what the files of daemon/operation.h share. */
#ifndef DAEMON_OPERATION_STATE_H
#define DAEMON_OPERATION_STATE_H

#include <jansson.h>

#include "admin/server.h"
#include "base/drops.h"
#include "base/list.h"
#include "daemon/drain.h"
#include "daemon/metrics_sources.h"
#include "daemon/operation.h"
#include "daemon/rate.h"
#include "daemon/turn_service.h"

struct worker_rates {
    struct rate received, sent;
};

struct operation_rates {
    struct rate received, sent, received_bytes, sent_bytes, dropped;
    struct rate drops[DROP_REASON_COUNT];
    size_t worker_count;
    struct worker_rates *workers; /* owned */
};

struct operation {
    struct operation_config own;
    struct admin *admin; /* NULL: none, or closed */
    const char *srtp_engine;
    struct drain drain;
    struct operation_rates rates;
    struct list questions; /* that workers have not answered yet */
    uv_timer_t look;       /* while it leaves */
    uv_timer_t each_second;
    unsigned open_handles;
};

/* What there is to wait for before the process can end. */
struct drain_left operation_left(const struct operation *o);

/* "working", "holding" or "leaving". */
const char *operation_drain_word(const struct operation *o);

/* operation_json.c: answers, with a document that is taken; NULL: memory was short. */
void operation_answer(struct operation *o, uint64_t request, json_t *document);

/* Text of strangers: what is no UTF-8 becomes '?'. */
json_t *operation_text(struct text t);

/* operation_status.c: rates_open() returns 0 or -ENOMEM. */
NODISCARD int operation_rates_open(struct operation *o);
void operation_rates_close(struct operation *o);
void operation_look_at_rates(struct operation *o);
void operation_status(void *owner, uint64_t request);

/* operation_calls.c: what is asked about calls. */
void operation_calls(void *owner, uint64_t request, const struct admin_call_filter *filter);
void operation_call(void *owner, uint64_t request, struct text call_id);
void operation_end_call(void *owner, uint64_t request, struct text call_id);

/* Forgets what is still unanswered; nobody will be told of it any more. */
void operation_forget_questions(struct operation *o);

#endif
