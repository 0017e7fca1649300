/* SPDX-License-Identifier: Apache-2.0 */
/* ctl/client.h - asks the daemon over its unix socket: one question, one answer. Blocks. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include "base/str.h"
#include "ctl/reply.h"

enum { CTL_PATIENCE_S = 15 }; /* without a byte from the daemon, which answers within 5 */

/*
 * `target` is encoded already, `body` is JSON or NULL. Returns 0 with the answer in `out`, which
 * borrows `memory`; or a negative errno with a sentence in `why`: -EPROTO for what is no answer.
 */
NODISCARD int ctl_ask(const char *socket, const char *method, const char *target, const char *body,
    struct str *memory, struct ctl_reply *out, struct str *why);

#endif
