/* SPDX-License-Identifier: Apache-2.0 */
#include "journal.h"

#include <stdlib.h>

bool journal_init(struct journal *j, size_t flows, size_t depth)
{
    struct journal fresh = {.flows = flows, .slots = 1};
    while (fresh.slots < depth)
        fresh.slots *= 2;
    fresh.next = calloc(flows, sizeof(*fresh.next));
    fresh.sent_ns = calloc(flows * fresh.slots, sizeof(*fresh.sent_ns));
    if (fresh.next == NULL || fresh.sent_ns == NULL) {
        journal_done(&fresh);
        return false;
    }
    *j = fresh;
    return true;
}

void journal_done(struct journal *j)
{
    free(j->next);
    free(j->sent_ns);
    *j = (struct journal){0};
}

enum journal_answer journal_take(
    struct journal *j, uint32_t flow, uint64_t number, uint64_t *sent_ns)
{
    if (flow >= j->flows || number >= j->next[flow] || j->next[flow] - number > j->slots)
        return JOURNAL_UNKNOWN;
    uint64_t *slot = &j->sent_ns[flow * j->slots + (number & (j->slots - 1))];
    if (*slot == 0)
        return JOURNAL_AGAIN;
    *sent_ns = *slot;
    *slot = 0;
    return JOURNAL_FIRST;
}
