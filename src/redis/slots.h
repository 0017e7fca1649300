/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/slots.h - what a Redis Cluster says of itself: which slot a key is in, who has which slots,
 * and who else should be asked. Pure.
 */
#ifndef REDIS_SLOTS_H
#define REDIS_SLOTS_H

#include "redis/reply.h"

enum { REDIS_SLOTS = 16384 };

/* CRC-16 (XMODEM) of the key, or of what is between its first '{' and the next '}', if that is not
 * empty. */
uint16_t redis_slot_of(struct text key);

struct redis_slot_range {
    uint16_t first;
    uint16_t last;    /* included */
    struct text host; /* of the master; empty: that of the node which said it */
    uint16_t port;
};

/* Reads the `index`th range of an answer to CLUSTER SLOTS; false when it is not one. */
NODISCARD bool redis_slots_range(
    const struct redis_reply *reply, size_t index, struct redis_slot_range *out);

/* What a node that does not carry out a command says. */
enum redis_redirect_kind {
    REDIS_STAYS,     /* nothing of this kind: the answer is the caller's */
    REDIS_MOVED,     /* the slot is there, from now on */
    REDIS_ASK,       /* this once, behind ASKING */
    REDIS_TRY_AGAIN, /* the slot is on its way, or the data is being loaded */
    REDIS_DOWN,      /* no majority, or nobody has the slot */
};

struct redis_redirect {
    enum redis_redirect_kind kind;
    uint16_t slot;    /* of MOVED and ASK, as the next */
    struct text host; /* empty: that of the node which said it */
    uint16_t port;
};

/* A sentence that cannot be read is REDIS_STAYS. */
struct redis_redirect redis_redirect_read(struct text error);

#endif
