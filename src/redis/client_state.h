/* SPDX-License-Identifier: Apache-2.0 */
/* redis/client_state.h - what the files of the client share; for nobody else. */
#ifndef REDIS_CLIENT_STATE_H
#define REDIS_CLIENT_STATE_H

#include "redis/client.h"
#include "redis/link.h"
#include "redis/queue.h"

/* AUTH, SELECT, ROLE, PING; a subscriber has one for each channel too. */
enum { REDIS_GREETING_COMMANDS = 4 };

enum client_state { CLIENT_WAITING, CLIENT_CONNECTING, CLIENT_GREETING, CLIENT_READY };

struct redis_client {
    uv_loop_t *loop;
    struct redis_endpoint endpoint;
    const char *name;
    unsigned command_timeout_ms;
    unsigned idle_ms;
    unsigned back_off_ms;
    struct redis_limits limits;
    struct redis_tls *tls; /* or NULL */
    bool needs_master;
    bool is_closed;
    bool is_spoiled;       /* a command may have been sent in part */
    struct text *channels; /* owned, and what they point to */
    size_t channel_count;
    void (*on_message)(void *owner, struct text channel, struct text payload);
    void (*on_ready)(void *owner, bool is_ready);
    void (*on_error)(void *owner, struct text error);
    void *owner;

    enum client_state state;
    struct redis_link *link;     /* NULL in WAITING */
    struct redis_stream *stream; /* the same */
    struct redis_queue pending;
    uv_timer_t timer;
    uint64_t deadline_ms; /* in CONNECTING and GREETING: give up; in WAITING: try again */
    uint64_t heard_ms;
    uint64_t ready_since_ms;
    unsigned attempts;  /* in a row that led to nothing lasting */
    struct str failure; /* why the last attempt failed, as it was logged; empty: it did not */
    struct redis_counters own_counters;
    struct redis_counters *counters; /* these, or shared ones */
};

/* Starts an attempt. */
void redis_client_connect(struct redis_client *client);

/* Ends the connection, if there is one; what is pending is called back with NULL. */
void redis_client_disconnect(struct redis_client *client);

#endif
