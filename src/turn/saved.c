/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/saved.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static bool age(uint64_t *left_ms, uint64_t elapsed_ms)
{
    *left_ms = *left_ms > elapsed_ms ? *left_ms - elapsed_ms : 0;
    return *left_ms > 0;
}

bool turn_saved_age(struct turn_saved *saved, uint64_t elapsed_ms)
{
    bool is_alive = false;
    for (size_t i = 0; i < COUNT_OF(saved->relays); i++)
        if (age(&saved->relays[i].left_ms, elapsed_ms))
            is_alive = true;
    for (size_t i = 0; i < saved->permission_count; i++)
        age(&saved->permissions[i].left_ms, elapsed_ms);
    for (size_t i = 0; i < saved->channel_count; i++)
        age(&saved->channels[i].left_ms, elapsed_ms);
    return is_alive;
}

void turn_saved_done(struct turn_saved *saved)
{
    auth_identity_unref(saved->identity);
    free(saved->permissions);
    free(saved->channels);
    OPENSSL_cleanse(saved, sizeof(*saved));
    *saved = (struct turn_saved){.worker = 0};
}
