/* SPDX-License-Identifier: Apache-2.0 */
/* turnserver/callers.h - how many connections each caller has, over all workers: an IPv4 address,
 * or an IPv6 network of 64 bits, which is what one host has. Any thread. */
#ifndef TURNSERVER_CALLERS_H
#define TURNSERVER_CALLERS_H

#include "mediaferry/address.h"

struct callers;

NODISCARD struct callers *callers_new(void);

/* Accepts NULL. */
void callers_free(struct callers *callers);

/* Counts a connection of `client`; false at a limit (0: none). */
NODISCARD bool callers_connect(
    struct callers *callers, const struct address *client, uint64_t limit_each, uint64_t limit);

/* It has ended. */
void callers_disconnect(struct callers *callers, const struct address *client);

#endif
