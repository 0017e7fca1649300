/* SPDX-License-Identifier: Apache-2.0 */
/* turn/allocate.h - the methods that make, prolong and end an allocation (RFC 8656, 7.2, 8.2). */
#ifndef TURN_ALLOCATE_H
#define TURN_ALLOCATE_H

#include "turn/request.h"

/* Whether this is the Allocate that made the allocation of its 5-tuple, come again. */
bool allocate_is_repeated(const struct turn_request *r);

/* Credentials have been checked. */
enum turn_verdict allocate(struct turn_request *r);

/* Before the credentials are checked: a ticket names another allocation than the 5-tuple. */
enum turn_verdict refresh_find(struct turn_request *r);
enum turn_verdict refresh(struct turn_request *r);

#endif
