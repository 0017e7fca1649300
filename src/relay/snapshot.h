/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/snapshot.h - the media of one call at one moment, for query and delete.
 */
#ifndef RELAY_SNAPSHOT_H
#define RELAY_SNAPSHOT_H

#include "relay/state.h"

struct snapshot_request;

/* Returns a new request, which holds the answer later; NULL: out of memory. */
NODISCARD struct snapshot_request *snapshot_request_new(
    struct relay *relay, uint64_t call, uint64_t token);

/* Posts it to the worker, which posts it back to the listener. Takes the request. */
void snapshot_request_post(struct snapshot_request *request);

#endif
