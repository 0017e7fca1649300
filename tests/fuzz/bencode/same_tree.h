/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SAME_TREE_H
#define SAME_TREE_H

#include "mediaferry/ng.h"

static bool same_tree(const struct ng_value *a, const struct ng_value *b)
{
    if (a->kind != b->kind || !text_equal(a->key, b->key) || !text_equal(a->string, b->string) ||
        a->integer != b->integer)
        return false;
    a = a->first;
    b = b->first;
    for (; a != NULL && b != NULL; a = a->next, b = b->next)
        if (!same_tree(a, b))
            return false;
    return a == NULL && b == NULL;
}

#endif
