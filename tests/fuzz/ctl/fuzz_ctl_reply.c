/* SPDX-License-Identifier: Apache-2.0 */
/* An answer over the unix socket: what is read of it lies within it, its end is its end, and where
 * a length was said nothing may be missing. */
#include "../require.h"
#include "ctl/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text raw = text_of((const char *)data, size);
    struct ctl_reply reply, shorter;
    if (!ctl_reply_read(raw, &reply))
        return 0;
    require(reply.status >= 200 && reply.status <= 599);
    require(lies_within(text_bytes(reply.body), text_bytes(raw)));
    require(lies_within(text_bytes(reply.type), text_bytes(raw)));
    if (reply.body.len > 0)
        require(reply.body.data + reply.body.len == raw.data + raw.len);
    raw.len--;
    if (ctl_reply_read(raw, &shorter))
        require(shorter.body.len + 1 == reply.body.len && shorter.status == reply.status);
    return 0;
}
