/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/state.h - the relay of one worker as its own files see it. Everything in it is touched by
 * the worker's thread only, save the counters.
 */
#ifndef RELAY_STATE_H
#define RELAY_STATE_H

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/pool.h"
#include "relay/counters.h"
#include "relay/relay.h"
#include "relay/ssrc_table.h"
#include "relay/slow_lane.h"

enum {
    RELAY_MAX_ASSOCIATIONS = 16384, /* of one worker */
    RELAY_LOGS_PER_SECOND = 20,     /* lines about dropped packets */
};

struct dtls_context;
struct port;
struct round;
struct rtpsec_engine;

struct relay {
    struct relay_config config;
    const struct rtpsec_engine *srtp_engine;
    struct text software;
    struct worker *worker;
    struct worker_module *module; /* the relay, as the worker knows it */
    struct relay_counters counters;

    struct map calls;       /* by handle: struct call_media */
    struct list call_order; /* the same, the longest not seen to first: tick.c's */
    size_t calls_due;       /* of these, since the second is over */
    struct map ufrags;      /* by local ufrag: struct ufrag_entry */
    struct port *shared;
    size_t shared_count;
    struct ssrc_pools ssrcs;
    struct pool round_trips; /* of struct round_trip */
    struct pool tuples;

    struct dtls_context *dtls_context; /* of the youngest certificate; NULL: none yet */
    struct round *round;               /* memory of the pipeline */
    struct slow_lane slow_lane;
    int64_t unix_offset_us; /* wall clock less the worker's clock */
    struct log_limit log_limit;
};

#endif
