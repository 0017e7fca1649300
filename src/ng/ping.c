/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/commands.h"

void ng_run_ping(struct ng_request *request)
{
    ng_finish(request, "pong");
}
