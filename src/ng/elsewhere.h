/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ng/elsewhere.h - calls of other nodes: what the server asks of those who know the fleet.
 *
 * A command about a call that is not here is held while somebody finds out who has it: it is then
 * carried out here (the call has come over), forwarded to the node that has the call, or answered
 * as unknown.
 */
#ifndef NG_ELSEWHERE_H
#define NG_ELSEWHERE_H

#include "mediaferry/address.h"
#include "mediaferry/bytes.h"

/* In a command that another node has forwarded: the name of that node. Such a command is not
 * forwarded again. */
#define NG_FORWARDED_KEY "mediaferry-from"

enum ng_place_kind {
    NG_HERE,     /* the call is here now */
    NG_THERE,    /* `node` has it, and is reached at `address` */
    NG_STRANDED, /* the node that had it is gone, and nobody here can go on with it */
    NG_NOWHERE,  /* nobody knows it, or nobody can tell */
};

struct ng_place {
    enum ng_place_kind kind;
    struct text node;       /* borrowed for the call */
    struct address address; /* of its ng; family NONE: it cannot be reached */
};

typedef void ng_found_fn(void *asker, const struct ng_place *place);

struct ng_elsewhere {
    void *owner; /* borrowed */
    /* Finds the call, in `wait_ms` at most; never calls back from within. False: nobody can tell
     * now, and nothing follows. */
    bool (*find)(
        void *owner, struct text call_id, uint64_t wait_ms, ng_found_fn *found, void *asker);
    /* `asker` is told nothing more. */
    void (*cancel)(void *owner, const void *asker);
    /* A stranded call is over: whoever was to go on with it need not. */
    void (*discard)(void *owner, struct text call_id);
    /* Up to `limit` calls of other nodes, then `done`; never from within. False: nothing follows.
     */
    bool (*list)(void *owner, size_t limit, void (*each)(void *asker, struct text call_id),
        void (*done)(void *asker), void *asker);
    struct text name; /* of this node, for the others */
};

#endif
