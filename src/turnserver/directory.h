/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turnserver/directory.h - which worker has the client of a 5-tuple. Asked only when a worker does
 * not know a path itself. Any thread.
 */
#ifndef TURNSERVER_DIRECTORY_H
#define TURNSERVER_DIRECTORY_H

#include "turn/turn.h"

struct directory;

NODISCARD struct directory *directory_new(void);

/* Accepts NULL. */
void directory_free(struct directory *directory);

/* The path is `worker`'s from now on, whoever had it before. False when out of memory. */
bool directory_put(struct directory *directory, const struct turn_path *path, unsigned worker);

/* It is nobody's, if it is still `worker`'s. */
void directory_remove(struct directory *directory, const struct turn_path *path, unsigned worker);

/* False when nobody has it. */
NODISCARD bool directory_find(
    struct directory *directory, const struct turn_path *path, unsigned *worker);

#endif
