/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin/api.h - what the HTTP port asks of the daemon, and what it is told.
 *
 * The port knows nothing of calls, or of TURN's threads. Each question carries the number of the
 * HTTP request that waits for it; the daemon answers with one of the admin_answer_...() functions,
 * from within the call or later, in the control thread. An answer to a request that is gone (the
 * client hung up, its time is over, the port is closed and `admin` NULL) is dropped. What a
 * question or an answer points to is borrowed for the call.
 */
#ifndef ADMIN_API_H
#define ADMIN_API_H

#include "base/str.h"

struct admin;

enum admin_error {
    ADMIN_BAD_REQUEST, /* 400 */
    ADMIN_REFUSED,     /* 403 */
    ADMIN_NOT_FOUND,   /* 404 */
    ADMIN_UNAVAILABLE, /* 503 */
};

struct admin_credentials_query {
    struct text user;  /* UTF-8 without control characters, 1 to 508 bytes */
    struct text realm; /* empty: the default */
    uint32_t ttl_s;    /* 0: not said */
};

struct admin_credentials {
    struct text username; /* "EXPIRY:USER" */
    struct text password;
    struct text realm;
    const struct text *uris; /* "turn:example.org:3478?transport=udp" */
    size_t uri_count;
    uint32_t ttl_s;
    int64_t expires_s; /* unix time */
};

struct admin_allocation_filter {
    struct text user; /* empty: of all users */
    size_t limit;     /* rows wanted, at least 1 */
};

struct admin_traffic {
    uint64_t packets;
    uint64_t bytes;
};

enum { ADMIN_MAX_ALTERNATES = 8 };

/* One row of /turn/allocations; an empty text is left out. */
struct admin_allocation {
    uint64_t id; /* for end_allocation */
    struct text user;
    struct text realm;
    struct text client;         /* "192.0.2.1:50000" */
    struct text server;         /* the address of ours it talks to */
    struct text transport;      /* "udp", "tcp", "tls" or "dtls" */
    struct text relayed;        /* "198.51.100.1:49152" */
    struct text relayed_second; /* of the other family, when there are two */
    bool is_tcp;                /* RFC 6062 */
    bool is_mobile;             /* RFC 8016 */
    unsigned worker;
    uint64_t age_s;
    uint64_t expires_in_s;
    uint64_t permissions;
    uint64_t channels;
    uint64_t connections;             /* RFC 6062 */
    struct admin_traffic from_client; /* relayed */
    struct admin_traffic from_peers;
};

struct admin_end_user {
    struct text user;
    struct text realm; /* empty: in all realms */
    uint32_t revoke_s; /* 0: may come back at once; else refused for so long */
};

struct admin_call_filter {
    struct text match; /* part of the call-id; empty: all calls */
    uint64_t after;    /* `handle` of the row behind which to go on; 0: from the first */
    size_t limit;      /* rows wanted, at least 1 */
};

/* How to drain. */
struct admin_drain {
    const struct text *alternates; /* where clients of TURN are sent, up to ADMIN_MAX_ALTERNATES;
                                      not yet looked at */
    size_t alternate_count;
    bool exit;          /* the process ends when nothing is left */
    bool has_timeout;   /* or so late; else as configured */
    uint32_t timeout_s; /* 0: without a limit */
};

/* The paths below /turn. A function left NULL: the path is not found. So for all others. */
struct admin_turn_api {
    void *owner; /* borrowed */
    void (*credentials)(void *owner, uint64_t request, const struct admin_credentials_query *query);
    void (*allocations)(
        void *owner, uint64_t request, const struct admin_allocation_filter *filter);
    void (*end_allocation)(void *owner, uint64_t request, uint64_t id);
    void (*end_user)(void *owner, uint64_t request, const struct admin_end_user *what);
    void (*drain)(void *owner, uint64_t request, const struct admin_drain *how);
    void (*undrain)(void *owner, uint64_t request);
};

struct admin_api {
    void *owner; /* borrowed */
    void (*status)(void *owner, uint64_t request);
    void (*calls)(void *owner, uint64_t request, const struct admin_call_filter *filter);
    void (*call)(void *owner, uint64_t request, struct text call_id);
    void (*end_call)(void *owner, uint64_t request, struct text call_id);
    void (*drain_state)(void *owner, uint64_t request);
    void (*drain)(void *owner, uint64_t request, const struct admin_drain *how);
    void (*undrain)(void *owner, uint64_t request);
    /* Adds the text of /metrics (Prometheus, text format 0.0.4). */
    void (*metrics)(void *owner, struct str *out);
    /* Whether new work is welcome; if not, adds a word why. */
    bool (*ready)(void *owner, struct str *why);
    struct admin_turn_api turn;
};

/* `json` is a document, without a line feed at its end; taken. A failed one: 500. */
void admin_answer_json(struct admin *admin, uint64_t request, struct str *json);

void admin_answer_credentials(
    struct admin *admin, uint64_t request, const struct admin_credentials *credentials);

/* `total`: how many there are, of which `rows` are some. */
void admin_answer_allocations(struct admin *admin, uint64_t request,
    const struct admin_allocation *rows, size_t count, size_t total);

/* To end_allocation and end_user: how many allocations were ended. */
void admin_answer_ended(struct admin *admin, uint64_t request, uint64_t count);

/* To turn.drain and turn.undrain: `left` allocations are still running. */
void admin_answer_drain(struct admin *admin, uint64_t request, bool draining, uint64_t left);

/* `why` is a sentence for the reader. */
void admin_answer_error(
    struct admin *admin, uint64_t request, enum admin_error error, struct text why);

#endif
