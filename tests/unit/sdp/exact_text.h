/* SPDX-License-Identifier: Apache-2.0 */
/* Test text in heap blocks of their exact size, so that ASan sees one character too many. */
#ifndef EXACT_TEXT_H
#define EXACT_TEXT_H

#include "hex.h"

/* The caller frees `(void *)result.data`. */
static inline struct text exact_text(const char *string)
{
    return text_from_bytes(exact_copy(text_bytes(text_from(string))));
}

#endif
