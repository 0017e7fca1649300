/* SPDX-License-Identifier: Apache-2.0 */
/* mediaferry/base64.h - base64 with the alphabet of RFC 4648, section 4. */
#ifndef MEDIAFERRY_BASE64_H
#define MEDIAFERRY_BASE64_H

#include "mediaferry/bytes.h"

/* Writes `input` with padding; a full writer fails. */
void base64_encode(struct writer *w, struct bytes input);

/* Decodes, with or without `=` padding; false when `input` is no base64 or `w` fails. */
NODISCARD bool base64_decode(struct writer *w, struct text input);

#endif
