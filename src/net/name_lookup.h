/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/name_lookup.h - a host name is looked up beside the loop.
 *
 * Unlike uv_getaddrinfo() it can be given up: neither the loop nor the end of the process waits for
 * a name server that does not answer. For the thread of the loop.
 */
#ifndef NET_NAME_LOOKUP_H
#define NET_NAME_LOOKUP_H

#include <netdb.h>
#include <uv.h>

#include "mediaferry/bytes.h"

enum { NAME_LOOKUPS_MAX = 16 }; /* at once in the process, with those that were given up */

struct name_lookup;

/* `found` is the callee's, for freeaddrinfo(); NULL unless `status` is 0, else one of UV_EAI_*. */
typedef void name_lookup_fn(void *owner, int status, struct addrinfo *found);

/* Looks up addresses for TCP; `service` may be NULL. Returns 0 and a handle in `out`, which is good
 * until `done` is called (once, later); or UV_EAI_AGAIN (too many at once) or another error. */
NODISCARD int name_lookup_start(uv_loop_t *loop, const char *host, const char *service,
    name_lookup_fn *done, void *owner, struct name_lookup **out);

/* `done` is not called any more. Accepts NULL. */
void name_lookup_cancel(struct name_lookup *lookup);

#endif
