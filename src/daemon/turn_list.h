/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/turn_list.h - for the readers of lists only. */
#ifndef DAEMON_TURN_LIST_H
#define DAEMON_TURN_LIST_H

#include "base/str.h"

size_t turn_list_count(struct text list);

/* Adds "'ENTRY' PROBLEM"; returns -EINVAL. */
int turn_list_refuse(struct str *why, struct text entry, const char *problem);

#endif
