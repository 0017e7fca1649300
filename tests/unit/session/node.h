/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit/session/node.h - a table of calls with real calls and records, and a relay that only notes
 * what it is given: it is linked in the place of the real one.
 */
#ifndef UNIT_SESSION_NODE_H
#define UNIT_SESSION_NODE_H

#include "session/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { PORT_MIN = 23400, PORT_MAX = 23699, WEBRTC_PORT = 23380, MAX_RECORDS = 128 };

/* What the relays of all nodes were given. */
struct noted {
    struct relay_update *updates[MAX_RECORDS]; /* with a plan: taken, freed at the end */
    struct relay *relays[MAX_RECORDS];
    size_t count;
    unsigned ended;    /* updates with an empty plan */
    unsigned silenced; /* of these */
    /* Of each save: token, call, how. */
    uint64_t asked[MAX_RECORDS], calls[MAX_RECORDS];
    enum relay_save hows[MAX_RECORDS];
    size_t asked_count;
    bool no_memory;
};
extern struct noted noted;

/* Frees the updates, with their sockets. */
void forget_updates(void);

struct node {
    uv_loop_t loop;
    struct host_addresses host;
    struct interfaces *interfaces;
    struct sessions *sessions;
    struct relay_listener listener;
};

struct node_config {
    const char *interface;
    size_t workers;
    uint16_t webrtc_port; /* of the first */
    uint32_t final_timeout_s;
};

extern const struct node_config usual;

void node_open(struct node *n, struct node_config own);
void node_close(struct node *n);

/* Runs its loop for so long. */
void pass(struct node *n, uint64_t ms);

unsigned used_ports(const struct node *n);
uint64_t calls(const struct node *n);

/* The same, and the workers of the node, which got them, say so: its ports are free. */
void give_ports_back(struct node *n);

/* A worker's answer to the question number `index`. */
void answer_save(struct node *n, size_t index, bool found);

/* --- commands --- */

#define PLAIN_SDP(port)                                                                            \
    "v=0\r\no=- 1 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"              \
    "m=audio " port " RTP/AVP 0\r\n"

struct session_outcome command(
    struct node *n, const char *id, enum call_verb verb, const char *sdp, struct call_flags flags);

/* An offer and its answer. */
void plain_call(struct node *n, const char *id);

/* Toward a browser: its leg uses the shared port. */
void browser_call(struct node *n, const char *id);

void delete_call(struct node *n, const char *id, int delay_s);

#endif
