/* SPDX-License-Identifier: Apache-2.0 */
/* ctl/question.h - a question to the daemon, its answer, and what is printed of it. */
#ifndef CTL_QUESTION_H
#define CTL_QUESTION_H

#include <jansson.h>

#include "ctl/client.h"
#include "ctl/options.h"

/* Exit codes. */
enum ctl_status {
    CTL_DONE = 0,
    CTL_REFUSED = 1,
    CTL_WRONG_USAGE = 2,
    CTL_NOBODY_THERE = 3,
    CTL_TIME_IS_OVER = 4,
};

/* All zeros but the options; may be used for one question after the other. */
struct question {
    const struct ctl_options *options;
    struct str target, body; /* body empty: none */
    struct str memory;
    struct ctl_reply reply;
    json_t *document; /* of the answer; NULL: it is text */
    bool may_be_gone; /* the daemon: then that is not told to the user */
};

void question_done(struct question *q);

/* The path, with a name behind it unless that is NULL; then parameters, which are left out when
 * they are NULL or 0. */
void question_target(struct question *q, const char *path, const char *name);
void question_parameter(struct question *q, const char *name, const char *value);
void question_number(struct question *q, const char *name, uint64_t number);

/* Asks. CTL_REFUSED is not told to the user yet, CTL_NOBODY_THERE is. */
NODISCARD enum ctl_status question_send(struct question *q, const char *method);

/* The same, telling what the daemon has against it. */
NODISCARD enum ctl_status question_ask(struct question *q, const char *method);

/* The same, and shows the answer: as it is when JSON is wanted. */
NODISCARD enum ctl_status question_show(
    struct question *q, const char *method, void (*view)(const json_t *document, struct str *out));

/* On stderr, harmless to the terminal whatever is in it; returns CTL_REFUSED. */
enum ctl_status ctl_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* On stdout; takes the text. */
NODISCARD enum ctl_status ctl_print(struct str *out);
NODISCARD enum ctl_status ctl_print_json(const json_t *document);

#endif
