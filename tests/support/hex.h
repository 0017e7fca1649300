/* SPDX-License-Identifier: Apache-2.0 */
/* support/hex.h - test vectors as hex text, in heap blocks of their exact size. */
#ifndef SUPPORT_HEX_H
#define SUPPORT_HEX_H

#include "mediaferry/bytes.h"

/* Returns a new block holding the bytes of `hex` (spaces and newlines are skipped); the caller
 * frees
 * `(void *)result.data`. Exact size, so that ASan sees one byte too many. Aborts on other text. */
struct bytes from_hex(const char *hex);

/* Returns a new block holding a copy of `b`, of its exact size. */
struct bytes exact_copy(struct bytes b);

#endif
