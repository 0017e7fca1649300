/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator asks all workers: a message goes to each, collects, and comes back. */
#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "turnserver/state.h"

/* One copy of what a report points to. */
struct listed {
    struct turn_report report;
    struct turn_path path;
    struct auth_identity *identity; /* a reference */
};

struct inquiry;

/* One worker's part. */
struct part {
    struct message message;
    struct inquiry *inquiry;
    struct turn_worker *worker;
    size_t killed;
    struct listed *list;
    size_t count, capacity;
};

struct inquiry {
    bool is_kill;
    uint64_t id;
    char *user, *realm;
    size_t limit;
    void (*tell)(void *owner, const struct turnserver_allocation *allocation);
    void (*done)(void *owner, size_t count);
    void *owner;
    size_t missing; /* parts that have not come back; control thread */
    size_t part_count;
    struct part parts[];
};

/* --- in a worker -------------------------------------------------------------------------------
 */

static bool is_wanted(const struct inquiry *q, const struct turn_report *report)
{
    struct text user = text_from(q->user);
    return user.len == 0 || auth_identity_is_called(report->identity, user);
}

static bool has_room(struct part *part)
{
    if (part->count < part->capacity)
        return true;
    size_t capacity = part->capacity == 0 ? 64 : 2 * part->capacity;
    struct listed *grown = realloc(part->list, capacity * sizeof(*grown));
    if (grown == NULL)
        return false;
    part->list = grown;
    part->capacity = capacity;
    return true;
}

/* Without memory for all of them the operator is told of some. */
static void collect(void *owner, const struct turn_report *report)
{
    struct part *part = owner;
    if (part->count >= part->inquiry->limit || !is_wanted(part->inquiry, report) || !has_room(part))
        return;
    part->list[part->count++] = (struct listed){
        .report = *report,
        .path = *report->path,
        .identity = auth_identity_ref(report->identity),
    };
}

static void come_back(struct message *self, void *owner);

static void work(struct message *self, void *owner)
{
    struct part *part = CONTAINER_OF(self, struct part, message);
    struct turn_worker *w = owner;
    const struct inquiry *q = part->inquiry;

    if (q->is_kill)
        part->killed = turn_kill(w->core, q->id, text_from(q->user), text_from(q->realm));
    else
        turn_each(w->core, worker_now_ms(w->worker), collect, part);
    part->message.deliver = come_back;
    mailbox_post(w->server->config.control, &part->message);
}

/* --- in the control thread ---------------------------------------------------------------------
 */

static void inquiry_free(struct inquiry *q)
{
    for (size_t i = 0; i < q->part_count; i++) {
        for (size_t n = 0; n < q->parts[i].count; n++)
            auth_identity_unref(q->parts[i].list[n].identity);
        free(q->parts[i].list);
    }
    free(q->user);
    free(q->realm);
    free(q);
}

static void tell_part(const struct inquiry *q, const struct part *part, size_t *left)
{
    size_t count = part->count < *left ? part->count : *left;
    *left -= count;
    for (size_t i = 0; i < count; i++) {
        struct turn_report report = part->list[i].report;
        report.path = &part->list[i].path;
        report.identity = part->list[i].identity;
        struct turnserver_allocation allocation = {
            .worker = part->worker->index, .report = &report};
        q->tell(q->owner, &allocation);
    }
}

static void finish(struct inquiry *q)
{
    size_t killed = 0, left = q->limit;
    for (size_t i = 0; i < q->part_count; i++) {
        killed += q->parts[i].killed;
        if (!q->is_kill)
            tell_part(q, &q->parts[i], &left);
    }
    if (q->is_kill)
        q->done(q->owner, killed);
    else
        q->tell(q->owner, NULL);
    inquiry_free(q);
}

static void come_back(struct message *self, void *owner)
{
    struct inquiry *q = CONTAINER_OF(self, struct part, message)->inquiry;
    (void)owner;
    if (--q->missing == 0)
        finish(q);
}

static int start(
    struct turnserver *s, const struct inquiry *wanted, struct text user, struct text realm)
{
    struct inquiry *q = calloc(1, sizeof(*q) + s->worker_count * sizeof(q->parts[0]));
    if (q == NULL)
        return -ENOMEM;
    *q = *wanted;
    q->user = text_dup(user);
    q->realm = text_dup(realm);
    if (q->user == NULL || q->realm == NULL) {
        inquiry_free(q);
        return -ENOMEM;
    }
    q->part_count = q->missing = s->worker_count;
    for (unsigned i = 0; i < s->worker_count; i++) {
        struct part *part = &q->parts[i];
        *part = (struct part){.message.deliver = work, .inquiry = q, .worker = s->all[i]};
        if (post_to_worker(s, i, &part->message))
            continue;
        part->message.deliver = come_back;
        mailbox_post(s->config.control, &part->message);
    }
    return 0;
}

int turnserver_list(struct turnserver *s, struct text user, size_t limit,
    void (*tell)(void *owner, const struct turnserver_allocation *allocation), void *owner)
{
    struct inquiry q = {.limit = limit, .tell = tell, .owner = owner};
    return start(s, &q, user, TEXT(""));
}

int turnserver_kill(struct turnserver *s, uint64_t id, struct text user, struct text realm,
    void (*done)(void *owner, size_t count), void *owner)
{
    struct inquiry q = {.is_kill = true, .id = id, .done = done, .owner = owner};
    return start(s, &q, user, realm);
}
