/* SPDX-License-Identifier: Apache-2.0 */
/* ng/fake_elsewhere.h - stands in for those who know the fleet: answers when the test says so. */
#ifndef NG_FAKE_ELSEWHERE_H
#define NG_FAKE_ELSEWHERE_H

#include "ng/elsewhere.h"

enum { FAKE_QUESTIONS = 64, FAKE_ID_SIZE = 32 };

struct fake_question {
    char call_id[FAKE_ID_SIZE];
    uint64_t wait_ms;
    ng_found_fn *found;
    void *asker;
};

struct fake_elsewhere {
    struct ng_elsewhere asked; /* what the server is given */
    /* in */
    bool is_away; /* nobody can tell */
    /* out */
    size_t count; /* questions that wait, the oldest first */
    struct fake_question questions[FAKE_QUESTIONS];
    unsigned finds, cancels, discards;
    char discarded[FAKE_ID_SIZE];
    size_t list_limit;
    void (*each)(void *asker, struct text call_id);
    void (*listed)(void *asker);
    void *list_asker;
};

void fake_elsewhere_init(struct fake_elsewhere *fake, struct text name);

/* Answers the question that waits longest. */
void fake_elsewhere_tell(struct fake_elsewhere *fake, const struct ng_place *place);

#endif
