/* SPDX-License-Identifier: Apache-2.0 */
/* ctl/commands.h - what mediaferryctl can do beyond showing one answer. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl/question.h"

enum ctl_status command_list(struct question *q);

/* Deletes what is named below `path`, one after the other; `done` is what is said of each. The
 * first failure decides what is returned. */
enum ctl_status command_end(struct question *q, const char *path, const char *done);

enum ctl_status command_drain(struct question *q);

enum ctl_status command_turn_list(struct question *q);
enum ctl_status command_turn_end_user(struct question *q);
enum ctl_status command_turn_drain(struct question *q);
enum ctl_status command_turn_credentials(struct question *q);

#endif
