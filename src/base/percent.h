/* SPDX-License-Identifier: Apache-2.0 */
/* base/percent.h - percent-encoding, as in URIs (RFC 3986, section 2.1). */
#ifndef BASE_PERCENT_H
#define BASE_PERCENT_H

#include "mediaferry/bytes.h"

/* In query strings a plus stands for a space. */
enum percent_plus { PERCENT_PLUS_IS_PLUS, PERCENT_PLUS_IS_SPACE };

/* Decodes into `memory`, which holds as many bytes as `encoded` and may be the same; `*out` is a
 * view of it. False on a '%' without two hexadecimal digits. */
NODISCARD bool percent_decode(
    struct text encoded, enum percent_plus plus, char *memory, struct text *out);

#endif
