/* SPDX-License-Identifier: Apache-2.0 */
/* ctl/reply.h - an answer of the daemon's HTTP service, as it came until the connection ended. */
#ifndef CTL_REPLY_H
#define CTL_REPLY_H

#include "mediaferry/bytes.h"

struct ctl_reply {
    unsigned status;  /* 200 to 599 */
    struct text type; /* of the content: "application/json"; empty: not said */
    struct text body;
};

/* Views of `raw`. False: it is no whole answer. */
NODISCARD bool ctl_reply_read(struct text raw, struct ctl_reply *out);

#endif
