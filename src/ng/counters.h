/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ng/counters.h - what the control protocol has done, per command and per proxy.
 *
 * Written by the control thread, read by any.
 */
#ifndef NG_COUNTERS_H
#define NG_COUNTERS_H

#include "base/metrics.h"
#include "mediaferry/address.h"

enum ng_verb {
    NG_VERB_PING,
    NG_VERB_OFFER,
    NG_VERB_ANSWER,
    NG_VERB_DELETE,
    NG_VERB_QUERY,
    NG_VERB_LIST,
    NG_VERB_STATISTICS,
};
enum { NG_VERBS = NG_VERB_STATISTICS + 1, NG_MAX_PROXIES = 32 };

struct ng_verb_counters {
    struct counter requests;
    struct counter errors;       /* of these, answered with `error` */
    struct counter microseconds; /* from datagram to reply, summed up */
};

/* One address that sends requests, whatever its ports. */
struct ng_proxy_counters {
    struct address ip;
    struct ng_verb_counters verbs[NG_VERBS];
    struct counter errors; /* also of requests without a known command */
};

/* Commands of calls that are not here, and those that other nodes have sent here. */
struct ng_elsewhere_counters {
    struct counter held;             /* now: looked up, forwarded, or waiting behind such a one */
    struct counter found_here;       /* the call had come over when its place was known */
    struct counter found_there;      /* a living node has it */
    struct counter found_stranded;   /* the node that had it is gone */
    struct counter found_nowhere;    /* nobody knows it, or nobody could tell in time */
    struct counter forwarded;        /* sent to another node... */
    struct counter forward_answered; /* ...and its reply passed on */
    struct counter forward_unknown;  /* ...which does not have the call */
    struct counter forward_timeouts; /* ...which did not answer */
    struct counter forward_failed;   /* could not be sent, or the reply could not be read */
    struct counter forward_resent;   /* datagrams, after the first */
    struct counter forwarding;       /* now */
    struct counter refused;          /* too many at once */
    struct counter discarded;        /* stranded calls that a delete has ended */
    struct counter received;         /* sent here by other nodes... */
    struct counter received_unknown; /* ...of calls that are not here */
};

struct ng_counters {
    struct ng_verb_counters verbs[NG_VERBS];
    struct counter errors;
    struct counter duplicates; /* answered from the cache, or waiting for the first copy */
    struct counter malformed;  /* no cookie: dropped */
    struct counter refused;    /* no memory, or too many at once: dropped */
    struct counter truncated;  /* replies that lost statistics to fit */
    struct ng_elsewhere_counters elsewhere;
    /* Those that came first; the others only show in the totals. */
    struct counter proxy_count;
    struct ng_proxy_counters proxies[NG_MAX_PROXIES];
};

/* The short name of metrics and statistics ("stats" for the command `statistics`). */
const char *ng_verb_short_name(enum ng_verb verb);

/* Counts a finished request; `verb` is NULL when there was no command known here. */
void ng_counters_add(struct ng_counters *counters, const struct address *source,
    const enum ng_verb *verb, bool failed, uint64_t us);

#endif
