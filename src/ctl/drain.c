/* SPDX-License-Identifier: Apache-2.0 */
/* Draining, and waiting until it is done. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ctl/commands.h"
#include "ctl/text.h"
#include "ctl/views.h"

enum { LOOK_EACH_S = 1 };

static json_t *body_of(const struct ctl_options *options)
{
    json_t *body = json_object(), *alternates = json_array();
    for (size_t i = 0; i < options->alternate_count; i++)
        json_array_append_new(alternates, json_string(options->alternates[i]));
    if (options->alternate_count > 0)
        json_object_set(body, "alternate-server", alternates);
    json_decref(alternates);
    if (options->exit)
        json_object_set_new(body, "exit", json_true());
    if (options->exit && options->has_timeout)
        json_object_set_new(body, "timeout", json_integer((json_int_t)options->timeout_s));
    return body;
}

static enum ctl_status begin(
    struct question *q, const char *path, void (*view)(const json_t *document, struct str *out))
{
    json_t *body = body_of(q->options);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text == NULL)
        return ctl_complain("out of memory");
    str_reset(&q->body);
    str_add_string(&q->body, text);
    free(text);
    question_target(q, path, NULL);
    enum ctl_status status = question_show(q, "POST", view);
    str_reset(&q->body);
    return status;
}

static int64_t left_of(const json_t *drain)
{
    return json_number(drain, "calls") + json_number(drain, "allocations");
}

static void say(const struct question *q, const char *line)
{
    if (!q->options->json)
        puts(line);
    fflush(stdout);
}

/* It answers no more: it was to end when nothing is left, or at a time that is told. */
static enum ctl_status tell_end(const struct question *q, int64_t seconds_left)
{
    if (seconds_left >= 0 && seconds_left <= 2 * LOOK_EACH_S) {
        ctl_complain("the process has ended because the time was over");
        return CTL_TIME_IS_OVER;
    }
    say(q, "the process has ended");
    return CTL_DONE;
}

/* Of the process's end; -1: there is none. */
static int64_t seconds_left(const json_t *drain)
{
    const json_t *left = json_object_get(drain, "seconds_left");
    return json_is_integer(left) ? json_integer_value(left) : -1;
}

/* Shows what is left whenever that has changed. */
static enum ctl_status wait_for_it(struct question *q)
{
    const struct ctl_options *options = q->options;
    bool has_limit = options->has_timeout && !options->exit && options->timeout_s > 0;
    const struct timespec pause = {.tv_sec = LOOK_EACH_S};
    int64_t left = left_of(q->document), ends_in_s = seconds_left(q->document);
    for (uint64_t waited_s = 0; left > 0; waited_s += LOOK_EACH_S) {
        if (has_limit && waited_s >= options->timeout_s) {
            ctl_complain("%lld left when the time was over", (long long)left);
            return CTL_TIME_IS_OVER;
        }
        nanosleep(&pause, NULL);
        question_target(q, "/drain", NULL);
        q->may_be_gone = options->exit;
        enum ctl_status status = question_ask(q, "GET");
        if (status == CTL_NOBODY_THERE && options->exit)
            return tell_end(q, ends_in_s);
        if (status != CTL_DONE)
            return status;
        if (!json_is_set(q->document, "draining"))
            return ctl_complain("somebody has told it to work again");
        ends_in_s = seconds_left(q->document);
        if (left_of(q->document) != left && !options->json) {
            struct str out = {.data = NULL};
            view_drain(q->document, &out);
            if (ctl_print(&out) != CTL_DONE)
                return CTL_REFUSED;
        }
        left = left_of(q->document);
    }
    say(q, "drained");
    return CTL_DONE;
}

enum ctl_status command_drain(struct question *q)
{
    enum ctl_status status = begin(q, "/drain", view_drain);
    return status != CTL_DONE || !q->options->wait ? status : wait_for_it(q);
}

enum ctl_status command_turn_drain(struct question *q)
{
    return begin(q, "/turn/drain", view_turn_drain);
}
