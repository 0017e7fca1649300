/* SPDX-License-Identifier: Apache-2.0 */
/* credentials/wipe.h - the end of secrets on the heap. */
#ifndef CREDENTIALS_WIPE_H
#define CREDENTIALS_WIPE_H

#include <openssl/crypto.h>
#include <stdlib.h>

#include "mediaferry/bytes.h"

/* Overwrites and frees a text that text_dup() made; accepts an empty one. */
static inline void wipe_text(struct text secret)
{
    if (secret.data == NULL)
        return;
    OPENSSL_cleanse((char *)secret.data, secret.len);
    free((char *)secret.data);
}

#endif
