/* SPDX-License-Identifier: Apache-2.0 */
/* net/resolve.h - host names to addresses, by the system's resolver; blocks. */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "mediaferry/address.h"

/* Writes up to `capacity` different addresses, without port, into `out` and returns how many;
 * 0 when the name is not known. */
size_t resolve_host(struct text name, struct address *out, size_t capacity);

#endif
