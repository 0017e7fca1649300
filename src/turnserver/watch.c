/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/watch.h"

#include <stdlib.h>

#include "turnserver/state.h"

enum news { NEWS_CHANGED, NEWS_OVER };

struct told {
    struct message message;
    struct turnserver *server;
    enum news news;
    uint64_t handle;
    char id[TURN_ID_SIZE];
};

/* --- the table --- */

void watch_init(struct watch *watch)
{
    atomic_init(&watch->is_on, false);
    map_init(&watch->by_id);
    map_init(&watch->by_handle);
}

void watch_done(struct watch *watch)
{
    map_for_each (at, &watch->by_id)
        free(CONTAINER_OF(at, struct watched, by_id.link));
    map_done(&watch->by_id);
    map_done(&watch->by_handle);
}

struct watched *watch_find(const struct watch *watch, uint64_t handle)
{
    struct u64_node *node = u64_map_find(&watch->by_handle, handle);
    return node == NULL ? NULL : CONTAINER_OF(node, struct watched, by_handle);
}

struct watched *watch_find_id(const struct watch *watch, const char *id)
{
    struct map_node *node = map_find(&watch->by_id, text_bytes(text_from(id)));
    return node == NULL ? NULL : CONTAINER_OF(node, struct watched, by_id);
}

struct watched *watch_add(struct turnserver *server, uint64_t handle, const char *id)
{
    struct watch *watch = &server->watch;
    struct watched *watched = watch_find(watch, handle);
    if (watched == NULL)
        watched = calloc(1, sizeof(*watched));
    if (watched == NULL || watched->server != NULL)
        return watched;
    watched->server = server;
    struct text text = text_from(id);
    memcpy(watched->id, text.data, text.len);
    map_put(&watch->by_id, &watched->by_id, bytes_of(watched->id, text.len));
    u64_map_put(&watch->by_handle, &watched->by_handle, handle);
    return watched;
}

void watch_remove(struct watch *watch, struct watched *watched)
{
    if (watched == NULL)
        return;
    map_remove(&watch->by_id, &watched->by_id);
    u64_map_remove(&watch->by_handle, &watched->by_handle);
    free(watched);
}

void turnserver_watch(struct turnserver *server, const struct turnserver_watcher *watcher)
{
    if (watcher != NULL)
        server->watch.watcher = *watcher;
    atomic_store(&server->watch.is_on, watcher != NULL);
}

/* --- in the control thread --- */

static void tell(const struct told *told)
{
    struct watch *watch = &told->server->watch;
    const struct turnserver_watcher *watcher = &watch->watcher;
    if (!atomic_load(&watch->is_on))
        return;
    struct watched *watched = watch_add(told->server, told->handle, told->id);
    if (watched == NULL || watched->is_dropped)
        return;
    if (told->news == NEWS_CHANGED) {
        watcher->changed(watcher->owner, told->handle, text_from(told->id));
        return;
    }
    watch_remove(watch, watched);
    watcher->ended(watcher->owner, told->handle, text_from(told->id));
}

static void deliver(struct message *self, void *owner)
{
    struct told *told = CONTAINER_OF(self, struct told, message);
    (void)owner;
    tell(told);
    free(told);
}

/* --- in a worker --- */

static bool post(struct turn_worker *w, enum news news, uint64_t handle, const char *id)
{
    if (!atomic_load_explicit(&w->server->watch.is_on, memory_order_relaxed))
        return false;
    struct told *told = calloc(1, sizeof(*told));
    if (told == NULL)
        return false;
    told->message.deliver = deliver;
    told->server = w->server;
    told->news = news;
    told->handle = handle;
    struct text text = text_from(id);
    memcpy(told->id, text.data, text.len);
    mailbox_post(w->server->config.control, &told->message);
    return true;
}

bool watch_changed(void *owner, uint64_t id, const char *name)
{
    return post(owner, NEWS_CHANGED, id, name);
}

void watch_over(void *owner, uint64_t id, const char *name)
{
    post(owner, NEWS_OVER, id, name);
}
