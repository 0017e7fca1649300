/* SPDX-License-Identifier: Apache-2.0 */
/* turnserver/host.h - what the protocol machine of a worker has to work with. */
#ifndef TURNSERVER_HOST_H
#define TURNSERVER_HOST_H

#include "turnserver/state.h"

struct turn_host host_of(struct turn_worker *w);

#endif
