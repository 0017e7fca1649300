/* SPDX-License-Identifier: Apache-2.0 */
/* sdp/write.h - the pieces of a line, for the writers of this folder. */
#ifndef SDP_WRITE_H
#define SDP_WRITE_H

#include <stdarg.h>

#include "mediaferry/bytes.h"

/* Writes text inside a line; CR, LF and NUL fail the writer. */
void sdp_put(struct writer *w, struct text t);

__attribute__((format(printf, 2, 3))) void sdp_putf(struct writer *w, const char *format, ...);
__attribute__((format(printf, 2, 0))) void sdp_putv(
    struct writer *w, const char *format, va_list args);

/* `a=name:` */
void sdp_begin_attr(struct writer *w, const char *name);

void sdp_end_line(struct writer *w);

#endif
