/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/realm.h"

#include <stdlib.h>

#include "base/str.h"
#include "credentials/wipe.h"

struct static_user {
    struct map_node by_name;
    struct map_node by_hash;
    struct auth_identity *identity;
    uint8_t hash[LONG_TERM_USERHASH_SIZE];
};

static enum auth_config_error add_user(
    struct realm *realm, const struct auth_user_config *config, struct static_user *user)
{
    struct identity_config identity = {
        .kind = IDENTITY_STATIC,
        .username = config->name,
        .user = config->name,
        .realm = realm->name,
    };
    if (config->name.len == 0 || config->name.len > LONG_TERM_MAX_NAME)
        return AUTH_CONFIG_BAD_NAME;
    if (realm_find_user(realm, config->name) != NULL)
        return AUTH_CONFIG_TWICE;
    if (!long_term_read(config->name, realm->name, config->stored, &identity.keys))
        return AUTH_CONFIG_BAD_PASSWORD;

    user->identity = auth_identity_new(&identity);
    long_term_wipe(&identity.keys);
    if (user->identity == NULL || !long_term_userhash(config->name, realm->name, user->hash))
        return AUTH_CONFIG_NO_MEMORY;
    map_put(&realm->by_name, &user->by_name, text_bytes(auth_identity_username(user->identity)));
    map_put(&realm->by_hash, &user->by_hash, bytes_of(user->hash, sizeof(user->hash)));
    return AUTH_CONFIG_OK;
}

static enum auth_config_error add_users(
    struct realm *realm, const struct auth_realm_config *config, struct text *culprit)
{
    realm->users = calloc(config->user_count + 1, sizeof(realm->users[0]));
    if (realm->users == NULL)
        return AUTH_CONFIG_NO_MEMORY;
    for (; realm->user_count < config->user_count; realm->user_count++) {
        const struct auth_user_config *user = &config->users[realm->user_count];
        enum auth_config_error error = add_user(realm, user, &realm->users[realm->user_count]);
        if (error != AUTH_CONFIG_OK) {
            *culprit = user->name;
            auth_identity_unref(realm->users[realm->user_count].identity);
            return error;
        }
    }
    return AUTH_CONFIG_OK;
}

static enum auth_config_error add_secrets(
    struct realm *realm, const struct auth_realm_config *config)
{
    realm->secrets = calloc(config->secret_count + 1, sizeof(realm->secrets[0]));
    if (realm->secrets == NULL)
        return AUTH_CONFIG_NO_MEMORY;
    for (; realm->secret_count < config->secret_count; realm->secret_count++) {
        struct text secret = config->secrets[realm->secret_count];
        if (secret.len == 0)
            return AUTH_CONFIG_EMPTY_SECRET;
        char *copy = text_dup(secret);
        if (copy == NULL)
            return AUTH_CONFIG_NO_MEMORY;
        realm->secrets[realm->secret_count] = text_of(copy, secret.len);
    }
    return AUTH_CONFIG_OK;
}

enum auth_config_error realm_init(
    struct realm *realm, const struct auth_realm_config *config, struct text *culprit)
{
    *realm = (struct realm){0};
    map_init(&realm->by_name);
    map_init(&realm->by_hash);
    *culprit = config->name;
    if (config->name.len == 0 || config->name.len > LONG_TERM_MAX_REALM)
        return AUTH_CONFIG_BAD_NAME;

    char *name = text_dup(config->name);
    if (name == NULL)
        return AUTH_CONFIG_NO_MEMORY;
    realm->name = text_of(name, config->name.len);
    enum auth_config_error error = add_secrets(realm, config);
    return error != AUTH_CONFIG_OK ? error : add_users(realm, config, culprit);
}

void realm_done(struct realm *realm)
{
    for (size_t i = 0; i < realm->user_count; i++)
        auth_identity_unref(realm->users[i].identity);
    for (size_t i = 0; i < realm->secret_count; i++)
        wipe_text(realm->secrets[i]);
    map_done(&realm->by_name);
    map_done(&realm->by_hash);
    free(realm->users);
    free(realm->secrets);
    free((char *)realm->name.data);
}

const struct auth_identity *realm_find_user(const struct realm *realm, struct text username)
{
    const struct map_node *node = map_find(&realm->by_name, text_bytes(username));
    return node != NULL ? CONTAINER_OF(node, struct static_user, by_name)->identity : NULL;
}

const struct auth_identity *realm_find_hash(const struct realm *realm, struct bytes userhash)
{
    const struct map_node *node = map_find(&realm->by_hash, userhash);
    return node != NULL ? CONTAINER_OF(node, struct static_user, by_hash)->identity : NULL;
}
