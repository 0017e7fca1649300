/* SPDX-License-Identifier: Apache-2.0 */
/* bencode/tree.h - nodes of a tree, for those that build one without copying. */
#ifndef BENCODE_TREE_H
#define BENCODE_TREE_H

#include "mediaferry/ng.h"

/* A new value, part of nothing; NULL when out of memory. */
struct ng_value *ng_value_new(struct ng_arena *arena, enum ng_kind kind);

/* Makes `value` the last entry of a list or dictionary; its key is set by the caller. */
void ng_value_append(struct ng_value *parent, struct ng_value *value);

/* Returns a copy of `t` in the arena; empty when out of memory. */
struct text ng_arena_copy(struct ng_arena *arena, struct text t);

/* The entry with exactly this name and, unlike ng_get(), one that can be changed. */
struct ng_value *ng_entry(struct ng_value *dict, struct text key);

#endif
