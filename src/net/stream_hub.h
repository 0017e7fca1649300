/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/stream_hub.h - what the streams of one loop share: work space, work put off, counters.
 *
 * One a worker. It bounds what TLS handshakes may cost in one turn of the loop.
 */
#ifndef NET_STREAM_HUB_H
#define NET_STREAM_HUB_H

#include <uv.h>

#include "base/metrics.h"
#include "mediaferry/bytes.h"

struct stream_hub;

/* Written by the thread of the loop, read by any. */
struct stream_counters {
    struct counter streams;        /* now */
    struct counter half_open;      /* of these, not open yet */
    struct counter tls_opened;     /* handshakes done, in all */
    struct counter tls_failed;     /* handshakes failed or broken records, in all */
    struct counter writes_refused; /* messages that the output limit refused, in all */
};

/* Returns 0 and a new hub in `out`, or a negative errno or UV_E code. The hub alone keeps no loop
 * running. */
NODISCARD int stream_hub_open(uv_loop_t *loop, struct stream_hub **out);

/* After the last stream was closed; the memory is freed from the loop. Accepts NULL. */
void stream_hub_close(struct stream_hub *hub);

const struct stream_counters *stream_hub_counters(const struct stream_hub *hub);

#endif
