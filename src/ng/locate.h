/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ng/locate.h - commands of calls that may be elsewhere.
 *
 *     not here -> held -> looked up -> HERE, NOWHERE: carried out here
 *                              ^       STRANDED:      as of a call that is gone, after a while
 *                              |       THERE:         forwarded -> its reply is the reply
 *                              +------- once more, when that node does not have it or is silent
 *
 * Commands of one call-id keep their order: while one is held those that follow wait behind it. A
 * call that has come over in the meantime is seen each time a request would be sent again.
 */
#ifndef NG_LOCATE_H
#define NG_LOCATE_H

#include "ng/request.h"

enum {
    NG_HELD_MAX = 4096, /* commands at once */
    /* From a command's datagram to the reply of another node: more than the lease of a node that
     * has just died, so that its calls have come over, and less than a proxy waits (5 s). */
    NG_DEADLINE_MS = 4500,
    NG_STRANDED_MS = 1500, /* an address may take so long to move to another machine */
    NG_LOOK_AGAIN_MS = 250,
    NG_LOOK_UP_MS = 250,
    NG_LOOK_UP_NEW_MS = 1, /* when it most likely is a new call */
};

/*
 * Takes the request, whose options have been read: calls `run`, which takes it then, when it is to
 * be carried out here, at once or later; or answers it.
 */
void ng_locate(struct ng_request *request, void (*run)(struct ng_request *request));

#endif
