/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_elsewhere.h"

#include <assert.h>
#include <stdio.h>

static bool find(
    void *owner, struct text call_id, uint64_t wait_ms, ng_found_fn *found, void *asker)
{
    struct fake_elsewhere *fake = owner;
    fake->finds++;
    if (fake->is_away)
        return false;
    assert(fake->count < FAKE_QUESTIONS);
    struct fake_question *question = &fake->questions[fake->count++];
    *question = (struct fake_question){.wait_ms = wait_ms, .found = found, .asker = asker};
    snprintf(question->call_id, FAKE_ID_SIZE, "%.*s", TEXT_ARG(call_id));
    return true;
}

static void forget(struct fake_elsewhere *fake, size_t index)
{
    fake->count--;
    memmove(&fake->questions[index], &fake->questions[index + 1],
        (fake->count - index) * sizeof(fake->questions[0]));
}

static void cancel(void *owner, const void *asker)
{
    struct fake_elsewhere *fake = owner;
    fake->cancels++;
    for (size_t i = 0; i < fake->count;)
        if (fake->questions[i].asker == asker)
            forget(fake, i);
        else
            i++;
    if (fake->list_asker == asker)
        fake->list_asker = NULL;
}

static void discard(void *owner, struct text call_id)
{
    struct fake_elsewhere *fake = owner;
    fake->discards++;
    snprintf(fake->discarded, FAKE_ID_SIZE, "%.*s", TEXT_ARG(call_id));
}

static bool list(void *owner, size_t limit, void (*each)(void *asker, struct text call_id),
    void (*done)(void *asker), void *asker)
{
    struct fake_elsewhere *fake = owner;
    if (fake->is_away)
        return false;
    fake->list_limit = limit;
    fake->each = each;
    fake->listed = done;
    fake->list_asker = asker;
    return true;
}

void fake_elsewhere_init(struct fake_elsewhere *fake, struct text name)
{
    *fake = (struct fake_elsewhere){.asked = {.owner = fake,
                                        .find = find,
                                        .cancel = cancel,
                                        .discard = discard,
                                        .list = list,
                                        .name = name}};
}

void fake_elsewhere_tell(struct fake_elsewhere *fake, const struct ng_place *place)
{
    assert(fake->count > 0);
    struct fake_question question = fake->questions[0];
    forget(fake, 0);
    question.found(question.asker, place);
}
