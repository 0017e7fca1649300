/* SPDX-License-Identifier: Apache-2.0 */
#include "session/placement.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Packets a second: of an audio call with packets of 20 ms, received from both ends; and what any
 * call counts for beside its packets. */
enum { EXPECTED_RATE = 100, CALL_WEIGHT = 25 };

int placement_add(struct placement *p, uint64_t received)
{
    struct placement_worker *larger = reallocarray(p->workers, p->count + 1, sizeof(p->workers[0]));
    if (larger == NULL)
        return -ENOMEM;
    p->workers = larger;
    p->workers[p->count++] = (struct placement_worker){.received = received};
    return 0;
}

void placement_done(struct placement *p)
{
    free(p->workers);
    *p = (struct placement){.count = 0};
}

/* Half of it is news: what a call was expected to bring is forgotten as fast as what it brings is
 * seen. */
void placement_look(struct placement *p, size_t worker, uint64_t received)
{
    struct placement_worker *w = &p->workers[worker];
    w->rate = (w->rate + received - w->received) / 2;
    w->received = received;
}

static uint64_t load_of(const struct placement_worker *w)
{
    return w->rate + (uint64_t)w->calls * CALL_WEIGHT;
}

size_t placement_best(const struct placement *p)
{
    assert(p->count > 0);
    size_t best = 0;
    for (size_t i = 1; i < p->count; i++)
        if (load_of(&p->workers[i]) < load_of(&p->workers[best]))
            best = i;
    return best;
}

void placement_put(struct placement *p, size_t worker)
{
    p->workers[worker].calls++;
    p->workers[worker].rate += EXPECTED_RATE;
}

void placement_give(struct placement *p, size_t worker)
{
    assert(p->workers[worker].calls > 0);
    p->workers[worker].calls--;
}
