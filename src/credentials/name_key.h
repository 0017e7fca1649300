/* SPDX-License-Identifier: Apache-2.0 */
/* credentials/name_key.h - a name in a realm as the key of a map. */
#ifndef CREDENTIALS_NAME_KEY_H
#define CREDENTIALS_NAME_KEY_H

#include "credentials/long_term.h"

struct name_key {
    size_t len;
    uint8_t data[LONG_TERM_MAX_REALM + 1 + LONG_TERM_MAX_NAME];
};

/* The realm, which comes from a configuration and has no zero byte, a zero byte, and the name.
 * False when one is too long. */
NODISCARD static inline bool name_key_make(
    struct text realm, struct text name, struct name_key *out)
{
    struct writer w = writer_over(out->data, sizeof(out->data));
    writer_put(&w, text_bytes(realm));
    writer_u8(&w, 0);
    writer_put(&w, text_bytes(name));
    out->len = w.len;
    return writer_ok(&w);
}

static inline struct bytes name_key_bytes(const struct name_key *key)
{
    return bytes_of(key->data, key->len);
}

#endif
