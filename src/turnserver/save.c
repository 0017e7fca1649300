/* SPDX-License-Identifier: Apache-2.0 */
/* Records of allocations: a question goes to the worker, the record comes back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "turn/record.h"
#include "turnserver/state.h"

enum { BATCH = 64, PLACES_SIZE = 3 * (ADDRESS_TEXT_SIZE + 1) };

/* One record, with what else is told of it. */
struct written {
    struct record_buffer buffer;
    struct bytes record; /* in the buffer; empty: there is none */
    uint64_t handle;
    char id[TURN_ID_SIZE];
    char places[PLACES_SIZE];
};

/* --- in a worker --- */

static bool is_among(const struct address *a, const struct address *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (address_same_ip(a, list[i]))
            return true;
    return false;
}

static void write_places(const struct turn_saved *saved, char out[PLACES_SIZE])
{
    const struct address *all[] = {
        &saved->path.server, &saved->relays[0].local, &saved->relays[1].local};
    size_t len = 0;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        char text[ADDRESS_TEXT_SIZE];
        if (address_is_unspecified(all[i]) || is_among(all[i], all, i))
            continue;
        len += (size_t)snprintf(out + len, PLACES_SIZE - len, "%s%s", len > 0 ? " " : "",
            address_ip_text(all[i], text));
    }
}

/* False when no record can be made of it; then it goes on. */
static bool write_record(struct turn_worker *w, uint64_t handle, struct written *out)
{
    struct turn_saved saved = {.worker = 0};
    out->handle = handle;
    if (w->core == NULL ||
        !turn_save(w->core, handle, worker_now_ms(w->worker), turn_wall_clock_us(), &saved))
        return false;
    memcpy(out->id, saved.id, sizeof(out->id));
    write_places(&saved, out->places);
    out->record = turn_record_write(&out->buffer, &saved);
    turn_saved_done(&saved);
    return out->record.len > 0;
}

/* --- in the control thread --- */

static struct turnserver_saved told(const struct written *written)
{
    return (struct turnserver_saved){.id = text_from(written->id),
        .places = text_from(written->places),
        .record = written->record};
}

/* What ended with its record is not told of any more. */
static void forget(struct turnserver *server, uint64_t handle)
{
    struct watched *watched = watch_find(&server->watch, handle);
    if (watched != NULL && !watched->is_dropped)
        watch_remove(&server->watch, watched);
}

/* --- one --- */

struct question {
    struct message message;
    struct turnserver *server;
    enum turnserver_save how;
    turnserver_saved_fn *done;
    void *owner;
    struct written written;
};

static void answer(struct message *self, void *owner)
{
    struct question *q = CONTAINER_OF(self, struct question, message);
    const struct written *written = &q->written;
    struct turnserver_saved saved = told(written);
    bool is_saved = written->record.len > 0;
    (void)owner;
    if (is_saved && q->how == TURNSERVER_SAVE_AND_END)
        forget(q->server, written->handle);
    q->done(q->owner, written->handle, is_saved ? &saved : NULL);
    record_buffer_done(&q->written.buffer);
    free(q);
}

static void look(struct message *self, void *owner)
{
    struct question *q = CONTAINER_OF(self, struct question, message);
    struct turn_worker *w = owner;
    bool is_saved = write_record(w, q->written.handle, &q->written);
    if (is_saved && q->how == TURNSERVER_SAVE_AND_END)
        turn_hand_on(w->core, q->written.handle, TURN_END_SAVED);
    q->message.deliver = answer;
    mailbox_post(q->server->config.control, &q->message);
}

int turnserver_save(struct turnserver *server, uint64_t handle, enum turnserver_save how,
    turnserver_saved_fn *done, void *owner)
{
    struct question *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return -ENOMEM;
    *q = (struct question){.message.deliver = look,
        .server = server,
        .how = how,
        .done = done,
        .owner = owner,
        .written.handle = handle};
    if (post_to_worker(server, worker_of_handle(handle), &q->message))
        return 0;
    q->message.deliver = answer;
    mailbox_post(server->config.control, &q->message);
    return 0;
}

/* --- all ---------------------------------------------------------------------------------------
 *
 * One worker after the other, a few records at a time.
 */

struct saving {
    struct message message;
    struct turnserver *server;
    struct turnserver_sink sink;
    struct turnserver_save_counts counts;
    unsigned worker;   /* whose turn it is */
    uint64_t *handles; /* its allocations; NULL: not asked for yet */
    size_t next, count;
    size_t written_count;
    struct written written[BATCH];
};

static void list_handles(struct saving *s, struct turn_worker *w)
{
    size_t count = w->core == NULL ? 0 : turn_allocation_count(w->core);
    s->handles = calloc(count + 1, sizeof(*s->handles));
    s->next = 0;
    s->count = s->handles == NULL || count == 0 ? 0 : turn_ids(w->core, s->handles, count);
    if (s->handles == NULL)
        s->counts.lost += count;
}

static void come_back(struct message *self, void *owner);

static void save_some(struct message *self, void *owner)
{
    struct saving *s = CONTAINER_OF(self, struct saving, message);
    struct turn_worker *w = owner;
    if (s->handles == NULL)
        list_handles(s, w);
    while (s->next < s->count && s->written_count < BATCH) {
        struct written *written = &s->written[s->written_count++];
        *written = (struct written){.handle = 0};
        if (write_record(w, s->handles[s->next++], written))
            turn_hand_on(w->core, written->handle, TURN_END_SAVED);
    }
    s->message.deliver = come_back;
    mailbox_post(s->server->config.control, &s->message);
}

static void keep(struct saving *s, struct written *written)
{
    struct turnserver_saved saved = told(written);
    bool is_saved = written->record.len > 0;
    if (is_saved)
        forget(s->server, written->handle);
    if (is_saved && s->sink.keep(s->sink.owner, &saved))
        s->counts.saved++;
    else
        s->counts.lost++;
    record_buffer_done(&written->buffer);
}

static void finish(struct saving *s)
{
    s->server->records.saved += s->counts.saved;
    s->server->records.lost += s->counts.lost;
    s->sink.done(s->sink.owner, &s->counts);
    free(s);
}

/* The worker whose turn it is, or the next one that runs. */
static void go_on(struct saving *s)
{
    s->message.deliver = save_some;
    for (; s->worker < s->server->worker_count; s->worker++)
        if (post_to_worker(s->server, s->worker, &s->message))
            return;
    finish(s);
}

static void come_back(struct message *self, void *owner)
{
    struct saving *s = CONTAINER_OF(self, struct saving, message);
    (void)owner;
    for (size_t i = 0; i < s->written_count; i++)
        keep(s, &s->written[i]);
    s->written_count = 0;
    if (s->next >= s->count) {
        free(s->handles);
        s->handles = NULL;
        s->worker++;
    }
    go_on(s);
}

static void begin(struct message *self, void *owner)
{
    (void)owner;
    go_on(CONTAINER_OF(self, struct saving, message));
}

int turnserver_save_all(struct turnserver *server, const struct turnserver_sink *sink)
{
    struct saving *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    s->server = server;
    s->sink = *sink;
    s->message.deliver = begin;
    mailbox_post(server->config.control, &s->message);
    return 0;
}
