/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn_client.h - one TURN client, from its first request to its end:
 *
 *     bare Allocate -> 401 with a nonce -> signed Allocate -> CreatePermission or ChannelBind
 *     -> READY -> Refresh with lifetime 0 -> GONE
 *
 * Pure: requests are written into the caller's memory, answers are passed in.
 */
#ifndef LOAD_TURN_CLIENT_H
#define LOAD_TURN_CLIENT_H

#include "turn_request.h"

enum { TURN_NONCE_MAX = 128, TURN_CHANNEL = 0x4000, TURN_LIFETIME_S = 600 };

/* What a client has when it is ready. */
enum turn_goal { TURN_GOAL_ALLOCATION, TURN_GOAL_PERMISSION, TURN_GOAL_CHANNEL };

enum turn_state {
    TURN_NEW,
    TURN_CHALLENGED, /* has sent a bare Allocate */
    TURN_ALLOCATING,
    TURN_PERMITTING,
    TURN_BINDING,
    TURN_READY,
    TURN_REFRESHING,
    TURN_RELEASING,
    TURN_GONE,
    TURN_REFUSED,
};

struct turn_client {
    enum turn_state state;
    enum turn_goal goal;
    uint32_t index;  /* in the list of its owner */
    uint32_t ip;     /* its own, host byte order */
    uint32_t serial; /* of its requests: late answers are told by it */
    uint64_t started_ns, asked_ns;
    struct address relayed;
    unsigned error_code; /* why it was refused */
    enum turn_state refused_in;
    uint16_t nonce_len;
    uint8_t nonce[TURN_NONCE_MAX];
};

/* Whom the client's requests name. */
struct turn_names {
    const struct turn_account *account;
    struct address channel_peer;    /* of TURN_CHANNEL; its IP has the permission */
    struct address indication_peer; /* the same IP, another port: no channel leads to it */
};

/* Whether an answer is awaited. */
static inline bool turn_client_waits(const struct turn_client *c)
{
    return c->state != TURN_NEW && c->state != TURN_READY && c->state != TURN_GONE &&
           c->state != TURN_REFUSED;
}

/* The caller then writes and sends the request; each of them, and each retransmission. */
void turn_client_start(
    struct turn_client *c, enum turn_goal goal, uint32_t index, uint32_t ip, uint64_t now_ns);
void turn_client_refresh(struct turn_client *c);
void turn_client_release(struct turn_client *c);

/* Writes the request of the client's state into the empty writer. */
void turn_client_write(
    struct turn_client *c, const struct turn_names *names, uint64_t now_ns, struct writer *w);

/* Which client of a list an answer is for. */
uint32_t turn_answer_index(const struct stun_message *m);

/* Takes an answer; false when it is none to the last request. After true a request is to be sent
 * if the client waits. */
NODISCARD bool turn_client_take(struct turn_client *c, const struct stun_message *m);

const char *turn_state_name(enum turn_state state);

#endif
