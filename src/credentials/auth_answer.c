/* SPDX-License-Identifier: Apache-2.0 */
/* What answers carry: challenges and signatures; revocations; credentials handed out. */
#include "credentials/auth_state.h"
#include "stun/integrity.h"

struct bytes auth_offered_algorithms(void)
{
    static const uint8_t list[] = {0, PASSWORD_SHA256, 0, 0, 0, PASSWORD_MD5, 0, 0};
    return bytes_of(list, sizeof(list));
}

static const struct realm *realm_of_origin(const struct auth *a, struct text origin)
{
    char name[AUTH_MAX_ORIGIN];
    if (origin.len > sizeof(name))
        return NULL;
    for (size_t i = 0; i < origin.len; i++)
        name[i] = text_lower(origin.data[i]);
    const struct map_node *node = map_find(&a->origin_map, bytes_of(name, origin.len));
    return node != NULL ? CONTAINER_OF(node, struct origin, by_name)->realm : NULL;
}

/* A client that is at home in a realm stays there; a new one is told by its page. */
static const struct realm *realm_for(const struct auth *a, const struct stun_message *request)
{
    struct bytes value;
    const struct realm *realm = NULL;
    if (stun_find(request, STUN_REALM, &value))
        realm = auth_find_realm(a, text_from_bytes(value));
    if (realm == NULL && stun_find(request, STUN_ORIGIN, &value))
        realm = realm_of_origin(a, text_from_bytes(value));
    return realm != NULL ? realm : &a->realms[0];
}

void auth_write_challenge(const struct auth *a, struct writer *w,
    const struct stun_message *request, const struct address *client, int64_t now_s)
{
    char memory[NONCE_MAX_SIZE];
    const struct realm *realm = realm_for(a, request);
    struct text nonce = nonce_write(&a->nonce_keys, realm->features, client, now_s, memory);

    stun_write_attr(w, STUN_REALM, text_bytes(realm->name));
    stun_write_attr(w, STUN_NONCE, text_bytes(nonce));
    if ((realm->features & NONCE_PASSWORD_ALGORITHMS) != 0)
        stun_write_attr(w, STUN_PASSWORD_ALGORITHMS, auth_offered_algorithms());
    if (a->oauth)
        stun_write_attr(w, STUN_THIRD_PARTY_AUTHORIZATION, text_bytes(a->server_name));
    if (nonce.len == 0)
        w->failed = true;
}

void auth_sign(struct writer *w, const struct auth_result *result)
{
    if (result->signature == AUTH_SIGN_SHA1)
        stun_write_integrity(w, result->key);
    else if (result->signature == AUTH_SIGN_SHA256)
        stun_write_integrity_sha256(w, result->key);
}

void auth_result_done(struct auth_result *result)
{
    auth_identity_unref(result->identity);
    result->identity = NULL;
}

static bool is_revoked(const struct auth *a, struct text realm, struct text user)
{
    return a->cache != NULL && user_cache_is_revoked(a->cache, realm, user);
}

bool auth_identity_is_revoked(const struct auth *a, const struct auth_identity *identity)
{
    struct text realm = auth_identity_realm(identity);
    return is_revoked(a, realm, auth_identity_username(identity)) ||
           is_revoked(a, realm, auth_identity_user(identity));
}

bool auth_issue(const struct auth *a, struct text realm_name, struct text user, int64_t expires_s,
    struct rest_credentials *out)
{
    const struct realm *realm =
        realm_name.len == 0 ? &a->realms[0] : auth_find_realm(a, realm_name);
    if (realm == NULL)
        return false;
    if (realm->secret_count > 0)
        return rest_issue(user, a->rest_separator, expires_s, realm->secrets[0], out);

    const struct secret_list *list =
        a->cache != NULL ? user_cache_secrets(a->cache, realm->name) : NULL;
    bool ok = list != NULL && rest_issue(user, a->rest_separator, expires_s, list->secrets[0], out);
    secret_list_unref(list);
    return ok;
}

struct text auth_default_realm(const struct auth *a)
{
    return a->realms[0].name;
}
