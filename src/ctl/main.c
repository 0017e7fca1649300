/* SPDX-License-Identifier: Apache-2.0 */
/* mediaferryctl - asks and tells a running mediaferry. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl/commands.h"
#include "ctl/views.h"

static enum ctl_status show(struct question *q, const char *method, const char *path,
    const char *name, void (*view)(const json_t *document, struct str *out))
{
    question_target(q, path, name);
    return question_show(q, method, view);
}

/* Text as it comes; also when the answer is no. */
static enum ctl_status pass_on(struct question *q, const char *path)
{
    struct str out = {.data = NULL};
    question_target(q, path, NULL);
    enum ctl_status status = question_send(q, "GET");
    if (status == CTL_NOBODY_THERE)
        return status;
    str_add(&out, q->reply.body);
    enum ctl_status printed = ctl_print(&out);
    return status != CTL_DONE ? status : printed;
}

static enum ctl_status print_about(enum ctl_command command)
{
    struct str out = {.data = NULL};
    if (command == CTL_HELP)
        ctl_options_help(&out);
    else
        str_add_string(&out, "mediaferryctl " MEDIAFERRY_VERSION "\n");
    return ctl_print(&out);
}

static enum ctl_status run(struct question *q)
{
    switch (q->options->command) {
    case CTL_STATUS:
        return show(q, "GET", "/status", NULL, view_status);
    case CTL_LIST:
        return command_list(q);
    case CTL_SHOW:
        return show(q, "GET", "/calls/", q->options->words[0], view_call);
    case CTL_TERMINATE:
        return command_end(q, "/calls/", "terminated");
    case CTL_DRAIN:
        return command_drain(q);
    case CTL_UNDRAIN:
        return show(q, "DELETE", "/drain", NULL, view_drain);
    case CTL_READY:
        return pass_on(q, "/readyz");
    case CTL_METRICS:
        return pass_on(q, "/metrics");
    case CTL_TURN_LIST:
        return command_turn_list(q);
    case CTL_TURN_END:
        return command_end(q, "/turn/allocations/", "ended");
    case CTL_TURN_END_USER:
        return command_turn_end_user(q);
    case CTL_TURN_DRAIN:
        return command_turn_drain(q);
    case CTL_TURN_UNDRAIN:
        return show(q, "DELETE", "/turn/drain", NULL, view_turn_drain);
    case CTL_TURN_CREDENTIALS:
        return command_turn_credentials(q);
    case CTL_HELP:
    case CTL_VERSION:
        break;
    }
    return print_about(q->options->command);
}

int main(int argc, char **argv)
{
    struct ctl_options options;
    struct str why = {.data = NULL};
    struct question question = {.options = &options};
    enum ctl_status status = CTL_WRONG_USAGE;
    if (ctl_options_read(argc, argv, getenv("MEDIAFERRY_LISTEN_CONTROL"), &options, &why))
        status = run(&question);
    else
        ctl_complain("%s (--help tells what there is)", str_string(&why));
    question_done(&question);
    str_done(&why);
    return (int)status;
}
