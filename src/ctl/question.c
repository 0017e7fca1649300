/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/question.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/text.h"

void question_done(struct question *q)
{
    str_done(&q->target);
    str_done(&q->body);
    str_done(&q->memory);
    json_decref(q->document);
}

/* --- telling --- */

enum ctl_status ctl_complain(const char *format, ...)
{
    struct str said = {.data = NULL}, line = {.data = NULL};
    va_list arguments;
    va_start(arguments, format);
    str_vaddf(&said, format, arguments);
    va_end(arguments);
    text_add_safe(&line, str_string(&said));
    fprintf(stderr, "mediaferryctl: %s\n", str_string(&line));
    str_done(&said);
    str_done(&line);
    return CTL_REFUSED;
}

enum ctl_status ctl_print(struct str *out)
{
    enum ctl_status status = CTL_DONE;
    if (!str_ok(out))
        status = ctl_complain("out of memory");
    else if (fputs(str_string(out), stdout) < 0 || fflush(stdout) != 0)
        status = ctl_complain("cannot write: %s", strerror(errno));
    str_done(out);
    return status;
}

enum ctl_status ctl_print_json(const json_t *document)
{
    struct str out = {.data = NULL};
    char *text = json_dumps(document, JSON_INDENT(2) | JSON_ENCODE_ANY);
    if (text == NULL)
        return ctl_complain("out of memory");
    str_add_string(&out, text);
    str_add_char(&out, '\n');
    free(text);
    return ctl_print(&out);
}

/* --- the target --- */

void question_target(struct question *q, const char *path, const char *name)
{
    str_reset(&q->target);
    str_add_string(&q->target, path);
    if (name != NULL)
        text_add_encoded(&q->target, name);
}

void question_parameter(struct question *q, const char *name, const char *value)
{
    bool is_first = strchr(str_string(&q->target), '?') == NULL;
    if (value == NULL)
        return;
    str_addf(&q->target, "%c%s=", is_first ? '?' : '&', name);
    text_add_encoded(&q->target, value);
}

void question_number(struct question *q, const char *name, uint64_t number)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    question_parameter(q, name, number > 0 ? digits : NULL);
}

/* --- asking --- */

static enum ctl_status read_document(struct question *q)
{
    json_error_t error;
    if (!text_is(q->reply.type, "application/json"))
        return CTL_DONE;
    q->document = json_loadb(q->reply.body.data, q->reply.body.len, 0, &error);
    if (q->document != NULL)
        return CTL_DONE;
    ctl_complain("the daemon's answer cannot be read: %s", error.text);
    return CTL_NOBODY_THERE;
}

enum ctl_status question_send(struct question *q, const char *method)
{
    struct str why = {.data = NULL};
    const char *body = q->body.len > 0 ? str_string(&q->body) : NULL;
    json_decref(q->document);
    q->document = NULL;
    int error = str_ok(&q->target) && str_ok(&q->body)
                    ? ctl_ask(q->options->socket, method, str_string(&q->target), body, &q->memory,
                          &q->reply, &why)
                    : -ENOMEM;
    if (error != 0 && !q->may_be_gone)
        ctl_complain("%s", why.len > 0 ? str_string(&why) : strerror(-error));
    str_done(&why);
    enum ctl_status status = error != 0 ? CTL_NOBODY_THERE : read_document(q);
    if (status != CTL_DONE)
        return status;
    return q->reply.status == 200 ? CTL_DONE : CTL_REFUSED;
}

enum ctl_status question_ask(struct question *q, const char *method)
{
    enum ctl_status status = question_send(q, method);
    if (status != CTL_REFUSED)
        return status;
    const char *why = json_word(q->document, "error");
    if (why[0] != '\0')
        ctl_complain("%s", why);
    else
        ctl_complain("the daemon has answered with status %u", q->reply.status);
    return status;
}

enum ctl_status question_show(
    struct question *q, const char *method, void (*view)(const json_t *document, struct str *out))
{
    struct str out = {.data = NULL};
    enum ctl_status status = question_ask(q, method);
    if (status != CTL_DONE)
        return status;
    if (q->options->json)
        return ctl_print_json(q->document);
    view(q->document, &out);
    return ctl_print(&out);
}
