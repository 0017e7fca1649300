/* SPDX-License-Identifier: Apache-2.0 */
/* ng/source.h - where a request came from and how its reply gets there: a value. */
#ifndef NG_SOURCE_H
#define NG_SOURCE_H

#include "net/control_socket.h"

struct ng_source {
    /* Sends one whole message; what cannot be sent is lost, the proxy will ask again. */
    void (*send)(const struct ng_source *source, struct bytes message);
    void *owner; /* the transport; borrowed, and outlives the server */
    struct control_peer peer;
};

static inline bool ng_source_equal(const struct ng_source *a, const struct ng_source *b)
{
    return a->send == b->send && a->owner == b->owner &&
           address_equal(&a->peer.remote, &b->peer.remote) &&
           address_equal(&a->peer.local, &b->peer.local);
}

#endif
