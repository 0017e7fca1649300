/* SPDX-License-Identifier: Apache-2.0 */
/* sdp/lines.h - the lines and numbers of a description, taken apart. */
#ifndef SDP_LINES_H
#define SDP_LINES_H

#include "mediaferry/sdp.h"

/* Takes the next line, without its LF or CRLF, off `it`; false at the end. */
NODISCARD bool sdp_take_line(struct text *it, struct text *out);

/* Takes the next word off `it`, which must be a decimal of at most `max`. */
NODISCARD bool sdp_take_number(struct text *it, uint64_t max, uint64_t *out);

#endif
