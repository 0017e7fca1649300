/* SPDX-License-Identifier: Apache-2.0 */
/* ng/commands.h - the commands, one file each; every function takes the request. */
#ifndef NG_COMMANDS_H
#define NG_COMMANDS_H

#include "ng/request.h"

void ng_run_ping(struct ng_request *request);
void ng_run_offer(struct ng_request *request);
void ng_run_answer(struct ng_request *request);
void ng_run_delete(struct ng_request *request);
void ng_run_query(struct ng_request *request);
void ng_run_list(struct ng_request *request);
void ng_run_statistics(struct ng_request *request);

#endif
