/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands.h"

#include <stdio.h>

#include "ctl/text.h"
#include "ctl/views.h"

enum { PAGE = 1000 };

/* Asks page after page; `rows` takes up to `wanted` calls. */
static enum ctl_status collect_calls(
    struct question *q, json_t *rows, uint64_t wanted, int64_t *total)
{
    char after[24] = "";
    do {
        uint64_t left = wanted - json_array_size(rows);
        question_target(q, "/calls", NULL);
        question_parameter(q, "match", q->options->word_count > 0 ? q->options->words[0] : NULL);
        question_parameter(q, "after", after[0] != '\0' ? after : NULL);
        question_number(q, "limit", left < PAGE ? left : PAGE);
        enum ctl_status status = question_ask(q, "GET");
        if (status != CTL_DONE)
            return status;
        json_array_extend(rows, json_object_get(q->document, "calls"));
        *total = json_number(q->document, "total");
        snprintf(after, sizeof(after), "%s", json_word(q->document, "after"));
    } while (after[0] != '\0' && json_array_size(rows) < wanted);
    return CTL_DONE;
}

static enum ctl_status print_calls(const struct question *q, json_t *rows, int64_t total)
{
    struct str out = {.data = NULL};
    if (!q->options->json) {
        view_calls(rows, total, &out);
        return ctl_print(&out);
    }
    json_t *document = json_pack("{s:O, s:I, s:I}", "calls", rows, "count",
        (json_int_t)json_array_size(rows), "total", (json_int_t)total);
    enum ctl_status status = ctl_print_json(document);
    json_decref(document);
    return status;
}

enum ctl_status command_list(struct question *q)
{
    uint64_t wanted = q->options->limit > 0 ? q->options->limit : UINT64_MAX;
    json_t *rows = json_array();
    int64_t total = 0;
    enum ctl_status status = collect_calls(q, rows, wanted, &total);
    if (status == CTL_DONE)
        status = print_calls(q, rows, total);
    json_decref(rows);
    return status;
}

static enum ctl_status end_one(
    struct question *q, const char *path, const char *name, const char *done)
{
    struct str out = {.data = NULL};
    question_target(q, path, name);
    enum ctl_status status = question_send(q, "DELETE");
    if (status == CTL_NOBODY_THERE)
        return status;
    if (q->reply.status == 404 || (status == CTL_DONE && json_number(q->document, "ended") == 0))
        return ctl_complain("%s: there is none", name);
    if (status != CTL_DONE)
        return ctl_complain("%s: %s", name, json_word(q->document, "error"));
    if (q->options->json)
        return ctl_print_json(q->document);
    text_add_safe(&out, name);
    str_addf(&out, ": %s\n", done);
    return ctl_print(&out);
}

enum ctl_status command_end(struct question *q, const char *path, const char *done)
{
    enum ctl_status first = CTL_DONE;
    for (size_t i = 0; i < q->options->word_count; i++) {
        enum ctl_status status = end_one(q, path, q->options->words[i], done);
        if (first == CTL_DONE)
            first = status;
        if (status == CTL_NOBODY_THERE)
            break;
    }
    return first;
}

enum ctl_status command_turn_list(struct question *q)
{
    uint64_t limit = q->options->limit;
    question_target(q, "/turn/allocations", NULL);
    question_parameter(q, "user", q->options->user);
    question_number(q, "limit", limit < PAGE ? limit : PAGE);
    return question_show(q, "GET", view_allocations);
}

enum ctl_status command_turn_end_user(struct question *q)
{
    question_target(q, "/turn/users/", q->options->words[0]);
    question_parameter(q, "realm", q->options->realm);
    question_number(q, "revoke", q->options->revoke_s);
    return question_show(q, "DELETE", view_ended);
}

enum ctl_status command_turn_credentials(struct question *q)
{
    question_target(q, "/turn-credentials", NULL);
    question_parameter(q, "user", q->options->words[0]);
    question_parameter(q, "realm", q->options->realm);
    question_number(q, "ttl", q->options->ttl_s);
    return question_show(q, "GET", view_credentials);
}
