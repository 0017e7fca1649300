/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/serve.h"

#include <time.h>

#include "turnserver/hand_over.h"
#include "turnserver/lookup.h"
#include "turnserver/stream_clients.h"

/* The path is unknown here: whoever has it gets the message. True when it has gone there. */
static bool find_owner(struct turn_worker *w, const struct turn_path *path, struct packet *p)
{
    unsigned owner;
    return path->transport == TURN_UDP && directory_find(w->server->directory, path, &owner) &&
           owner != w->index && hand_over_datagram(w, owner, path, p);
}

static bool move_to(
    struct turn_worker *w, unsigned owner, const struct turn_path *path, struct packet *p)
{
    if (owner == w->index || owner >= w->server->config.workers) /* the client made it up */
        return false;
    if (turn_path_is_stream(path))
        return stream_client_move(w, owner, path, p);
    /* A DTLS session stays where its keys are. */
    return path->transport == TURN_UDP && hand_over_datagram(w, owner, path, p);
}

void serve(
    struct turn_worker *w, const struct turn_path *path, struct packet *p, struct serving serving)
{
    struct turn_elsewhere elsewhere;
    struct turn_arrival arrival = {
        .path = path,
        .packet = p,
        .now_ms = worker_now_ms(w->worker),
        .unix_s = time(NULL),
        .is_final = serving.was_handed_over,
        .is_early = worker_now_ms(w->worker) <
                    atomic_load_explicit(&w->server->expects_until_ms, memory_order_relaxed),
    };
    for (;;) {
        switch (turn_from_client(w->core, &arrival, &elsewhere)) {
        case TURN_DONE:
            return;
        case TURN_NOT_FOUND:
            if (arrival.is_final || find_owner(w, path, p))
                return;
            break;
        case TURN_ANOTHER:
            if (arrival.is_final || move_to(w, elsewhere.worker, path, p))
                return;
            break;
        case TURN_LOOKUP:
            if (serving.was_looked_up || !lookup_start(w, path, p, &elsewhere))
                p->drop = DROP_TURN_LOOKUP;
            return;
        }
        arrival.is_final = true;
    }
}

void serve_bytes(struct turn_worker *w, const struct turn_path *path, struct bytes message,
    struct serving serving)
{
    struct packet *p = worker_packet(w->worker);
    if (p == NULL)
        return;
    p->peer = path->hop;
    if (packet_set(p, message))
        serve(w, path, p, serving);
    else
        p->drop = DROP_TRUNCATED;
    if (!p->queued)
        worker_discard(w->worker, p);
}
