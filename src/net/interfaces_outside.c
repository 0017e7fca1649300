/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "net/interfaces.h"

/* Calls `each` for the addresses that a STUN server tells, in the order of the option. */
static size_t for_each_told(const struct interfaces *set,
    void (*each)(
        void *arg, size_t number, const struct interface *interface, struct local_address *local),
    void *arg)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        for (size_t n = 0; n < set->list[i].count; n++) {
            struct local_address *local = &set->list[i].addresses[n];
            if (local->stun_server == NULL)
                continue;
            if (each != NULL)
                each(arg, count, &set->list[i], local);
            count++;
        }
    return count;
}

static void ask_for(
    void *arg, size_t number, const struct interface *interface, struct local_address *local)
{
    struct outside_question *questions = arg;
    (void)interface;
    questions[number].bind = local->bind;
    questions[number].server = text_from(local->stun_server);
}

struct outside_question *interfaces_questions(const struct interfaces *set, size_t *count)
{
    *count = for_each_told(set, NULL, NULL);
    struct outside_question *questions = *count > 0 ? calloc(*count, sizeof(questions[0])) : NULL;
    if (questions != NULL)
        for_each_told(set, ask_for, questions);
    return questions;
}

struct answering {
    const struct outside_question *questions;
    void (*moved)(void *owner, const struct interface *interface, const struct local_address *local,
        const struct address *before);
    void *owner;
};

static void answer_one(
    void *arg, size_t number, const struct interface *interface, struct local_address *local)
{
    const struct answering *answering = arg;
    const struct address *seen = &answering->questions[number].seen;
    struct address before = local->advertised;
    if (seen->family == ADDRESS_NONE || address_same_ip(seen, &before))
        return;
    local->advertised = *seen;
    if (answering->moved != NULL)
        answering->moved(answering->owner, interface, local, &before);
}

void interfaces_answer(struct interfaces *set, const struct outside_question *questions,
    void (*moved)(void *owner, const struct interface *interface, const struct local_address *local,
        const struct address *before),
    void *owner)
{
    struct answering answering = {.questions = questions, .moved = moved, .owner = owner};
    for_each_told(set, answer_one, &answering);
}

static bool is_told(const struct outside_question *questions, size_t count, struct text server)
{
    for (size_t i = 0; i < count; i++)
        if (questions[i].seen.family == ADDRESS_IP4 && text_equal(questions[i].server, server))
            return true;
    return false;
}

static int check_answers(const struct outside_question *questions, size_t count, struct str *why)
{
    for (size_t i = 0; i < count; i++) {
        const struct outside_question *q = &questions[i];
        char text[ADDRESS_TEXT_SIZE];
        if (q->seen.family != ADDRESS_NONE ||
            (q->bind.family == ADDRESS_IP6 && is_told(questions, count, q->server)))
            continue;
        str_addf(why, "what %s is seen as from outside is not known: the STUN server %.*s %s",
            address_ip_text(&q->bind, text), TEXT_ARG(q->server), q->problem);
        return -EINVAL;
    }
    return 0;
}

int interfaces_ask(struct interfaces *set, unsigned wait_ms, struct str *why)
{
    size_t count;
    struct outside_question *questions = interfaces_questions(set, &count);
    if (questions == NULL)
        return count > 0 ? -ENOMEM : 0;
    outside_ask(questions, count, wait_ms);
    int error = check_answers(questions, count, why);
    if (error == 0)
        interfaces_answer(set, questions, NULL, NULL);
    free(questions);
    return error;
}
