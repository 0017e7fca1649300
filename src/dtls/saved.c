/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/saved.h"

#include <stdlib.h>

#include "dtls/association_state.h"

static bool is_complete(enum dtls_state state)
{
    return state == DTLS_CONNECTED_UNVERIFIED || state == DTLS_VERIFIED || state == DTLS_CLOSED;
}

bool dtls_association_save(const struct dtls_association *a, struct dtls_saved *out)
{
    if (!is_complete(a->state) || !a->has_peer)
        return false;
    *out = (struct dtls_saved){
        .state = a->state,
        .role = a->role,
        .keys = a->keys,
        .flight_len = a->afterglow.flight_len,
        .farewell_len = a->afterglow.farewell_len,
    };
    for (int hash = 0; hash < DTLS_HASHES; hash++)
        memcpy(out->digests[hash], a->peer[hash].digest, sizeof(out->digests[hash]));
    memcpy(out->flight, a->afterglow.flight, out->flight_len);
    memcpy(out->farewell, a->afterglow.farewell, out->farewell_len);
    return true;
}

static bool is_sound(const struct dtls_saved *saved)
{
    const struct dtls_srtp_keys *keys = &saved->keys;
    return is_complete(saved->state) &&
           (saved->role == DTLS_ROLE_PASSIVE || saved->role == DTLS_ROLE_ACTIVE) &&
           keys->key_len <= sizeof(keys->rx_key) && keys->salt_len <= sizeof(keys->rx_salt) &&
           saved->flight_len <= DTLS_FLIGHT_MAX && saved->farewell_len <= DTLS_FAREWELL_MAX;
}

struct dtls_association *dtls_association_restore(
    const struct dtls_association_config *config, const struct dtls_saved *saved)
{
    struct dtls_association *a = is_sound(saved) ? dtls_association_new(config) : NULL;
    if (a == NULL)
        return NULL;
    a->state = saved->state;
    a->role = saved->role;
    a->keys = saved->keys;
    a->has_peer = true;
    for (int hash = 0; hash < DTLS_HASHES; hash++) {
        a->peer[hash].hash = (enum dtls_hash)hash;
        memcpy(a->peer[hash].digest, saved->digests[hash], dtls_hash_len((enum dtls_hash)hash));
    }
    a->afterglow.flight_len = saved->flight_len;
    a->afterglow.farewell_len = saved->farewell_len;
    memcpy(a->afterglow.flight, saved->flight, saved->flight_len);
    memcpy(a->afterglow.farewell, saved->farewell, saved->farewell_len);
    return a;
}
