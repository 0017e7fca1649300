/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/lookup.h"

#include <stdlib.h>

#include "base/str.h"
#include "turnserver/serve.h"
#include "turnserver/stream_clients.h"

struct turnserver_lookup {
    struct message message;
    struct turn_worker *worker; /* lives until turnserver_free() */
    struct turn_path path;
    struct turn_elsewhere who;
    size_t len;
    uint8_t data[];
};

/* --- in the worker -----------------------------------------------------------------------------
 */

/* Whether the client still speaks STUN there: it may have hung up meanwhile, or have bound the
 * connection to a peer (RFC 6062, section 4.4). */
static bool is_still_there(const struct turn_path *path, const struct link *link)
{
    if (path->link_id == 0)
        return true;
    return link != NULL &&
           !(turn_path_is_stream(path) && ((const struct stream_client *)link)->peer != NULL);
}

static void serve_again(struct turn_worker *w, const struct turnserver_lookup *lookup)
{
    struct link *link = lookup->path.link_id == 0 ? NULL : link_find(w, lookup->path.link_id);
    if (is_still_there(&lookup->path, link))
        serve_bytes(w, &lookup->path, bytes_of(lookup->data, lookup->len),
            (struct serving){.was_looked_up = true});
}

static void come_back(struct message *self, void *owner)
{
    struct turnserver_lookup *lookup = CONTAINER_OF(self, struct turnserver_lookup, message);
    struct turn_worker *w = owner;
    w->lookups--;
    serve_again(w, lookup);
    free(lookup);
}

/* --- in the control thread ---------------------------------------------------------------------
 */

static void ask(struct message *self, void *owner)
{
    struct turnserver_lookup *lookup = CONTAINER_OF(self, struct turnserver_lookup, message);
    const struct turnserver_listener *listener = &lookup->worker->server->config.listener;
    (void)owner;
    listener->lookup(listener->owner, lookup);
}

struct text turnserver_lookup_realm(const struct turnserver_lookup *lookup)
{
    return text_from(lookup->who.realm);
}

struct text turnserver_lookup_username(const struct turnserver_lookup *lookup)
{
    return text_from(lookup->who.username);
}

void turnserver_lookup_done(struct turnserver_lookup *lookup)
{
    lookup->message.deliver = come_back;
    if (!post_to_worker(lookup->worker->server, lookup->worker->index, &lookup->message))
        free(lookup);
}

bool lookup_start(struct turn_worker *w, const struct turn_path *path, const struct packet *p,
    const struct turn_elsewhere *elsewhere)
{
    if (w->server->config.listener.lookup == NULL || w->lookups >= MAX_LOOKUPS) {
        counter_add(&w->counters.lookups_refused, 1);
        return false;
    }
    struct turnserver_lookup *lookup = malloc(sizeof(*lookup) + p->len);
    if (lookup == NULL)
        return false;
    *lookup = (struct turnserver_lookup){
        .message.deliver = ask, .worker = w, .path = *path, .who = *elsewhere, .len = p->len};
    memcpy(lookup->data, p->data, p->len);
    w->lookups++;
    mailbox_post(w->server->config.control, &lookup->message);
    return true;
}
