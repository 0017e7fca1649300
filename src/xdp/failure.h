/* SPDX-License-Identifier: Apache-2.0 */
/* xdp/failure.h - what went wrong, in words for an operator. */
#ifndef XDP_FAILURE_H
#define XDP_FAILURE_H

#include "base/str.h"

/* Adds "cannot <what>: <error>", and what would help where that is known, to `why`. Returns
 * `error`, a negative errno. */
int xdp_failure(struct str *why, int error, const char *what, ...)
    __attribute__((format(printf, 3, 4)));

#endif
