/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/list.h - intrusive doubly linked lists.
 *
 * The same `struct list` is the head of a list and the link inside each member; a list never owns
 * its members. A head must be given to list_init(); a link may be all zeros while it is in no
 * list. Nothing here allocates or fails.
 *
 *     list_for_each (at, &calls)
 *         use(CONTAINER_OF(at, struct call, link));
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/container.h"

struct list {
    struct list *prev;
    struct list *next;
};

static inline void list_init(struct list *list)
{
    list->prev = list->next = list;
}

static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}

/* Whether a link is in a list. */
static inline bool list_is_linked(const struct list *link)
{
    return link->next != NULL && link->next != link;
}

static inline void list_insert_after(struct list *at, struct list *link)
{
    link->prev = at;
    link->next = at->next;
    at->next->prev = link;
    at->next = link;
}

static inline void list_push_front(struct list *list, struct list *link)
{
    list_insert_after(list, link);
}

static inline void list_push_back(struct list *list, struct list *link)
{
    list_insert_after(list->prev, link);
}

/* Harmless for a link that is in no list, so a destructor may always call it. */
static inline void list_remove(struct list *link)
{
    if (link->next == NULL)
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* The first link, or NULL. */
static inline struct list *list_first(const struct list *list)
{
    return list_is_empty(list) ? NULL : list->next;
}

/* Takes the first link out and returns it, or NULL. */
static inline struct list *list_pop_front(struct list *list)
{
    struct list *first = list_first(list);
    if (first != NULL)
        list_remove(first);
    return first;
}

/* Moves all members of `from` to the end of `to`; `from` is empty afterwards. */
static inline void list_move_all(struct list *to, struct list *from)
{
    if (list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

static inline size_t list_count(const struct list *list)
{
    size_t count = 0;
    for (const struct list *at = list->next; at != list; at = at->next)
        count++;
    return count;
}

#define list_for_each(at, head) for (struct list *at = (head)->next; at != (head); at = at->next)

/* The body may remove `at`, but no other member. */
#define list_for_each_safe(at, head)                                                               \
    for (struct list *at = (head)->next, *at##_next = at->next; at != (head);                      \
         at = at##_next, at##_next = at->next)

#endif
