/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/squeeze.h - makes memory smaller that lies idle, fast and without libraries.
 *
 * Each step is a run of bytes as they are and a match: so many bytes from so far back, at most
 * 65535 (Lempel and Ziv, 1977). Structures full of zeros and texts that repeat each other become a
 * third.
 *
 *     step:  token  [more literals]  literals  distance (2, little endian)  [more match]
 *            hi: literals, lo: match - 4; 15 goes on in bytes that are added, until one is not 255
 *
 * The last step has no match. For memory of the process only: what unsqueeze() reads is trusted to
 * come from squeeze() no further than that it never leaves either buffer.
 */
#ifndef BASE_SQUEEZE_H
#define BASE_SQUEEZE_H

#include "mediaferry/bytes.h"

/* The longest that `len` bytes can become. */
size_t squeeze_bound(size_t len);

/* Writes at most squeeze_bound() bytes and returns how many. */
size_t squeeze(struct bytes in, uint8_t *out);

/* Writes exactly `len` bytes; false when `in` does not hold them. */
NODISCARD bool unsqueeze(struct bytes in, uint8_t *out, size_t len);

#endif
