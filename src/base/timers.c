/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timers.h"

/* A pairing heap: arming and moving cost O(1), taking the first O(log n) amortized. */

void timers_init(struct timers *timers)
{
    *timers = (struct timers){.root = NULL};
    list_init(&timers->ready);
}

void timer_init(struct timer *timer, void (*fire)(struct timer *self, uint64_t now_ms))
{
    *timer = (struct timer){.fire = fire};
}

static bool is_before(const struct timer *a, const struct timer *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

/* Joins two heaps, either of which may be NULL; their roots have no siblings. */
static struct timer *meld(struct timer *a, struct timer *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    if (is_before(b, a)) {
        struct timer *swap = a;
        a = b;
        b = swap;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child != NULL)
        a->child->prev = b;
    a->child = b;
    return a;
}

static struct timer *take_sibling(struct timer **siblings)
{
    struct timer *first = *siblings;
    if (first == NULL)
        return NULL;
    *siblings = first->next;
    first->next = first->prev = NULL;
    return first;
}

/* Joins a row of siblings: pairs from left to right, then the pairs from right to left. */
static struct timer *meld_row(struct timer *row)
{
    struct timer *pairs = NULL;
    while (row != NULL) {
        struct timer *first = take_sibling(&row);
        struct timer *pair = meld(first, take_sibling(&row));
        pair->next = pairs;
        pairs = pair;
    }
    struct timer *root = NULL;
    while (pairs != NULL)
        root = meld(root, take_sibling(&pairs));
    return root;
}

static void take_out(struct timers *timers, struct timer *timer)
{
    struct timer *children = meld_row(timer->child);
    if (timer == timers->root) {
        timers->root = children;
    } else {
        if (timer->prev->child == timer)
            timer->prev->child = timer->next;
        else
            timer->prev->next = timer->next;
        if (timer->next != NULL)
            timer->next->prev = timer->prev;
        timers->root = meld(timers->root, children);
    }
    timer->child = timer->next = timer->prev = NULL;
    timer->in_heap = false;
    timers->armed--;
}

void timer_arm(struct timers *timers, struct timer *timer, uint64_t due_ms)
{
    timer_cancel(timers, timer);
    timer->due_ms = due_ms;
    timer->order = timers->orders++;
    timer->in_heap = true;
    timers->root = meld(timers->root, timer);
    timers->armed++;
}

void timer_cancel(struct timers *timers, struct timer *timer)
{
    if (timer->in_heap)
        take_out(timers, timer);
    list_remove(&timer->ready);
}

bool timer_is_armed(const struct timer *timer)
{
    return timer->in_heap || list_is_linked(&timer->ready);
}

uint64_t timers_next_due(const struct timers *timers)
{
    return timers->root != NULL ? timers->root->due_ms : TIMERS_NEVER;
}

size_t timers_run(struct timers *timers, uint64_t now_ms)
{
    size_t fired = 0;

    /* All that are due leave the heap first: what the callbacks arm is not among them. */
    while (timers->root != NULL && timers->root->due_ms <= now_ms) {
        struct timer *due = timers->root;
        take_out(timers, due);
        list_push_back(&timers->ready, &due->ready);
    }
    for (struct list *at; (at = list_pop_front(&timers->ready)) != NULL; fired++) {
        struct timer *timer = CONTAINER_OF(at, struct timer, ready);
        timer->fire(timer, now_ms);
    }
    return fired;
}
