/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/settings.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* The times of RFC 8656, sections 3.2, 9 and 12; limits that no honest client meets. */
static const struct turn_settings defaults = {
    .allocation_default_s = 600,
    .allocation_max_s = 3600,
    .channel_s = 600,
    .permission_s = 300,
    .max_permissions = 1024,
    .max_channels = 1024,
    .max_connections = 64,
    .stun = true,
    .udp_relay = true,
    .tcp_relay = true,
    .relay_ip4 = true,
    .relay_ip6 = true,
    .default_family = ADDRESS_IP4,
    .unauthorized_per_s = 10,
    .binding_per_s = 100,
};

struct turn_settings *turn_settings_new(void)
{
    struct turn_settings *settings = malloc(sizeof(*settings));
    if (settings == NULL)
        return NULL;
    *settings = defaults;
    atomic_init(&settings->references, 1);
    settings->policy = policy_new(&(struct policy_config){.own_count = 0});
    if (settings->policy == NULL) {
        free(settings);
        return NULL;
    }
    return settings;
}

struct turn_settings *turn_settings_ref(struct turn_settings *settings)
{
    atomic_fetch_add_explicit(&settings->references, 1, memory_order_relaxed);
    return settings;
}

void turn_settings_unref(struct turn_settings *settings)
{
    if (settings == NULL ||
        atomic_fetch_sub_explicit(&settings->references, 1, memory_order_acq_rel) != 1)
        return;
    auth_unref(settings->auth);
    policy_free(settings->policy);
    free(settings->software);
    OPENSSL_cleanse(settings, sizeof(*settings));
    free(settings);
}
