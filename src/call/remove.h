/* SPDX-License-Identifier: Apache-2.0 */
/* call/remove.h - delete: by call, branch or tag (ng-protocol 3.12). */
#ifndef CALL_REMOVE_H
#define CALL_REMOVE_H

#include "call/work.h"

/* Takes out the party that is meant and those that talk to nobody else. When nobody would be left,
 * the call has ended: all stays as it is. */
NODISCARD enum call_status remove_parties(struct work *w);

#endif
