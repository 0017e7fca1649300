/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/identity.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>

struct auth_identity {
    atomic_uint references;
    uint8_t kind;
    uint8_t mac_key_len;
    uint16_t username_len;
    uint16_t user_at; /* in the username */
    uint16_t user_len;
    uint16_t realm_len;
    int64_t expires_s;
    struct long_term_keys keys;
    uint8_t rest[]; /* MAC key, username, realm */
};

static size_t size_of(const struct auth_identity *i)
{
    return sizeof(*i) + i->mac_key_len + i->username_len + i->realm_len;
}

struct auth_identity *auth_identity_new(const struct identity_config *config)
{
    if (config->username.len > LONG_TERM_MAX_NAME || config->realm.len > LONG_TERM_MAX_REALM ||
        config->mac_key.len > IDENTITY_MAX_MAC_KEY)
        return NULL;

    size_t rest_len = config->mac_key.len + config->username.len + config->realm.len;
    struct auth_identity *i = malloc(sizeof(*i) + rest_len);
    if (i == NULL)
        return NULL;

    size_t user_at = config->user.len > 0 ? (size_t)(config->user.data - config->username.data) : 0;
    *i = (struct auth_identity){
        .kind = (uint8_t)config->kind,
        .mac_key_len = (uint8_t)config->mac_key.len,
        .username_len = (uint16_t)config->username.len,
        .user_at = (uint16_t)user_at,
        .user_len = (uint16_t)config->user.len,
        .realm_len = (uint16_t)config->realm.len,
        .expires_s = config->expires_s,
        .keys = config->keys,
    };
    atomic_init(&i->references, 1);
    struct writer w = writer_over(i->rest, rest_len);
    writer_put(&w, config->mac_key);
    writer_put(&w, text_bytes(config->username));
    writer_put(&w, text_bytes(config->realm));
    return i;
}

struct auth_identity *auth_identity_ref(const struct auth_identity *identity)
{
    struct auth_identity *i = (struct auth_identity *)identity;
    atomic_fetch_add_explicit(&i->references, 1, memory_order_relaxed);
    return i;
}

void auth_identity_unref(struct auth_identity *i)
{
    if (i == NULL || atomic_fetch_sub_explicit(&i->references, 1, memory_order_acq_rel) != 1)
        return;
    OPENSSL_cleanse(i, size_of(i));
    free(i);
}

enum identity_kind auth_identity_kind(const struct auth_identity *i)
{
    return (enum identity_kind)i->kind;
}

struct text auth_identity_username(const struct auth_identity *i)
{
    return text_of((const char *)i->rest + i->mac_key_len, i->username_len);
}

struct text auth_identity_realm(const struct auth_identity *i)
{
    return text_of((const char *)i->rest + i->mac_key_len + i->username_len, i->realm_len);
}

struct text auth_identity_user(const struct auth_identity *i)
{
    return text_of(auth_identity_username(i).data + i->user_at, i->user_len);
}

bool auth_identity_is_called(const struct auth_identity *i, struct text name)
{
    return text_equal(auth_identity_username(i), name) || text_equal(auth_identity_user(i), name);
}

int64_t auth_identity_expires_s(const struct auth_identity *i)
{
    return i->expires_s;
}

struct bytes auth_identity_key(const struct auth_identity *i, enum password_algorithm algorithm)
{
    if (i->kind == IDENTITY_OAUTH)
        return bytes_of(i->rest, i->mac_key_len);
    return long_term_key(&i->keys, algorithm);
}
