/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot: made, shared and freed. */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/str.h"
#include "credentials/auth_state.h"

/* Clients that hide their name can be found only where every name is known beforehand. */
static unsigned features_of(const struct auth_config *config, const struct realm *realm)
{
    bool closed = realm->user_count > 0 && realm->secret_count == 0 && !config->lookup &&
                  config->cache == NULL && !config->oauth;
    return (config->offer_sha256 ? (unsigned)NONCE_PASSWORD_ALGORITHMS : 0) |
           (config->offer_anonymity && closed ? (unsigned)NONCE_USERNAME_ANONYMITY : 0);
}

static enum auth_config_error add_realms(
    struct auth *a, const struct auth_config *config, struct text *culprit)
{
    if (config->realm_count == 0)
        return AUTH_CONFIG_NO_REALM;
    a->realms = calloc(config->realm_count, sizeof(a->realms[0]));
    if (a->realms == NULL)
        return AUTH_CONFIG_NO_MEMORY;

    for (size_t i = 0; i < config->realm_count; i++) {
        if (auth_find_realm(a, config->realms[i].name) != NULL) {
            *culprit = config->realms[i].name;
            return AUTH_CONFIG_TWICE;
        }
        a->realm_count++;
        enum auth_config_error error = realm_init(&a->realms[i], &config->realms[i], culprit);
        if (error != AUTH_CONFIG_OK)
            return error;
        a->realms[i].features = features_of(config, &a->realms[i]);
    }
    return AUTH_CONFIG_OK;
}

static enum auth_config_error add_origin(
    struct auth *a, const struct auth_origin_config *config, struct origin *o)
{
    o->realm = auth_find_realm(a, config->realm);
    if (o->realm == NULL)
        return AUTH_CONFIG_UNKNOWN_REALM;
    if (config->origin.len == 0 || config->origin.len > AUTH_MAX_ORIGIN)
        return AUTH_CONFIG_BAD_NAME;

    char *name = text_dup(config->origin);
    if (name == NULL)
        return AUTH_CONFIG_NO_MEMORY;
    for (size_t i = 0; i < config->origin.len; i++)
        name[i] = text_lower(name[i]);
    o->name = text_of(name, config->origin.len);
    if (map_find(&a->origin_map, text_bytes(o->name)) != NULL)
        return AUTH_CONFIG_TWICE;
    map_put(&a->origin_map, &o->by_name, text_bytes(o->name));
    return AUTH_CONFIG_OK;
}

static enum auth_config_error add_origins(
    struct auth *a, const struct auth_config *config, struct text *culprit)
{
    a->origins = calloc(config->origin_count + 1, sizeof(a->origins[0]));
    if (a->origins == NULL)
        return AUTH_CONFIG_NO_MEMORY;
    for (size_t i = 0; i < config->origin_count; i++) {
        *culprit = config->origins[i].origin;
        a->origin_count++;
        enum auth_config_error error = add_origin(a, &config->origins[i], &a->origins[i]);
        if (error != AUTH_CONFIG_OK)
            return error;
    }
    return AUTH_CONFIG_OK;
}

static enum auth_config_error add_oauth_key(struct auth *a, const struct oauth_key *config)
{
    if (config->kid.len == 0 || config->kid.len > LONG_TERM_MAX_NAME)
        return AUTH_CONFIG_BAD_NAME;
    for (size_t i = 0; i < a->oauth_key_count; i++)
        if (text_equal(a->oauth_keys[i].kid, config->kid))
            return AUTH_CONFIG_TWICE;

    char *kid = text_dup(config->kid);
    if (kid == NULL)
        return AUTH_CONFIG_NO_MEMORY;
    struct oauth_key *key = &a->oauth_keys[a->oauth_key_count++];
    *key = *config;
    key->kid = text_of(kid, config->kid.len);
    return AUTH_CONFIG_OK;
}

static enum auth_config_error add_oauth(
    struct auth *a, const struct auth_config *config, struct text *culprit)
{
    a->oauth = config->oauth;
    if (!config->oauth)
        return AUTH_CONFIG_OK;
    if (config->server_name.len == 0)
        return AUTH_CONFIG_NO_SERVER_NAME;
    char *name = text_dup(config->server_name);
    a->oauth_keys = calloc(config->oauth_key_count + 1, sizeof(a->oauth_keys[0]));
    if (name == NULL || a->oauth_keys == NULL) {
        free(name);
        return AUTH_CONFIG_NO_MEMORY;
    }
    a->server_name = text_of(name, config->server_name.len);
    for (size_t i = 0; i < config->oauth_key_count; i++) {
        *culprit = config->oauth_keys[i].kid;
        enum auth_config_error error = add_oauth_key(a, &config->oauth_keys[i]);
        if (error != AUTH_CONFIG_OK)
            return error;
    }
    return AUTH_CONFIG_OK;
}

static enum auth_config_error fill(
    struct auth *a, const struct auth_config *config, struct text *culprit)
{
    enum auth_config_error error = add_realms(a, config, culprit);
    if (error == AUTH_CONFIG_OK)
        error = add_origins(a, config, culprit);
    if (error == AUTH_CONFIG_OK)
        error = add_oauth(a, config, culprit);
    return error;
}

struct auth *auth_new(
    const struct auth_config *config, enum auth_config_error *error, struct text *culprit)
{
    *error = AUTH_CONFIG_NO_MEMORY;
    *culprit = text_of(NULL, 0);
    struct auth *a = calloc(1, sizeof(*a));
    if (a == NULL)
        return NULL;

    atomic_init(&a->references, 1);
    map_init(&a->origin_map);
    a->nonce_keys = config->nonce_keys;
    a->nonce_lifetime_s = config->nonce_lifetime_s;
    a->rest_separator = config->rest_separator != 0 ? config->rest_separator : ':';
    a->lookup = config->lookup && config->cache != NULL;
    a->cache = config->cache != NULL ? user_cache_ref(config->cache) : NULL;
    *error = fill(a, config, culprit);
    if (*error == AUTH_CONFIG_OK)
        return a;
    auth_unref(a);
    return NULL;
}

struct auth *auth_ref(struct auth *a)
{
    atomic_fetch_add_explicit(&a->references, 1, memory_order_relaxed);
    return a;
}

void auth_unref(struct auth *a)
{
    if (a == NULL || atomic_fetch_sub_explicit(&a->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < a->oauth_key_count; i++) {
        free((char *)a->oauth_keys[i].kid.data);
        OPENSSL_cleanse(&a->oauth_keys[i], sizeof(a->oauth_keys[i]));
    }
    for (size_t i = 0; i < a->origin_count; i++)
        free((char *)a->origins[i].name.data);
    for (size_t i = 0; i < a->realm_count; i++)
        realm_done(&a->realms[i]);
    map_done(&a->origin_map);
    free(a->oauth_keys);
    free(a->origins);
    free(a->realms);
    free((char *)a->server_name.data);
    user_cache_unref(a->cache);
    OPENSSL_cleanse(&a->nonce_keys, sizeof(a->nonce_keys));
    free(a);
}

const struct realm *auth_find_realm(const struct auth *a, struct text name)
{
    for (size_t i = 0; i < a->realm_count; i++)
        if (text_equal(a->realms[i].name, name))
            return &a->realms[i];
    return NULL;
}

const char *auth_config_error_text(enum auth_config_error error)
{
    switch (error) {
    case AUTH_CONFIG_OK:
        return "nothing is wrong";
    case AUTH_CONFIG_NO_REALM:
        return "there is no realm";
    case AUTH_CONFIG_BAD_NAME:
        return "a name is empty or too long";
    case AUTH_CONFIG_TWICE:
        return "a name is given twice";
    case AUTH_CONFIG_BAD_PASSWORD:
        return "a password is empty, or no MD5 key of 32 hex digits follows its \"0x\"";
    case AUTH_CONFIG_EMPTY_SECRET:
        return "a secret is empty";
    case AUTH_CONFIG_UNKNOWN_REALM:
        return "the realm of an origin is not configured";
    case AUTH_CONFIG_NO_SERVER_NAME:
        return "access tokens need the name of the server";
    case AUTH_CONFIG_NO_MEMORY:
        break;
    }
    return "out of memory";
}
