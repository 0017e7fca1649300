/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/turn_build.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "daemon/config_build.h"

/* A secret of any length becomes a key. */
static bool derive_key(struct text secret, uint8_t key[NONCE_KEY_SIZE])
{
    unsigned len = 0;
    return EVP_Digest(secret.data, secret.len, key, &len, EVP_sha256(), NULL) == 1 &&
           len == NONCE_KEY_SIZE;
}

static bool choose_nonce_keys(
    const struct turn_texts *secrets, const struct nonce_keys *own, struct nonce_keys *out)
{
    *out = *own;
    if (secrets->count == 0)
        return true;
    out->has_previous = secrets->count > 1;
    return derive_key(secrets->list[0], out->current) &&
           (!out->has_previous || derive_key(secrets->list[1], out->previous));
}

/* Users of all realms but the first: a key is made for one realm. */
static struct turn_users users_with_password(const struct turn_users *users)
{
    struct turn_users some = {.list = calloc(users->count + 1, sizeof(some.list[0]))};
    for (size_t i = 0; some.list != NULL && i < users->count; i++)
        if (!text_starts_with(users->list[i].stored, "0x"))
            some.list[some.count++] = users->list[i];
    return some;
}

static struct auth_realm_config *make_realms(
    const struct turn_lists *lists, const struct turn_users *others)
{
    struct auth_realm_config *realms = calloc(lists->realms.count + 1, sizeof(realms[0]));
    for (size_t i = 0; realms != NULL && i < lists->realms.count; i++) {
        const struct turn_users *users = i == 0 ? &lists->users : others;
        realms[i] = (struct auth_realm_config){
            .name = lists->realms.list[i],
            .users = users->list,
            .user_count = users->count,
            .secrets = lists->secrets.list,
            .secret_count = lists->secrets.count,
        };
    }
    return realms;
}

static int make_auth(const struct daemon_config *config, const struct auth_config *auth,
    struct auth **out, struct str *why)
{
    enum auth_config_error problem;
    struct text culprit;
    struct auth *made = auth_new(auth, &problem, &culprit);
    if (made == NULL && problem == AUTH_CONFIG_NO_MEMORY)
        return -ENOMEM;
    if (made == NULL)
        return config_blame(config, &config->turn.realm, why,
            "who may use TURN is not clear: '%.*s': %s", TEXT_ARG(culprit),
            auth_config_error_text(problem));
    *out = made;
    return 0;
}

int turn_build_auth(const struct daemon_config *config, const struct nonce_keys *own_keys,
    struct user_cache *cache, struct auth **out, struct str *why)
{
    const struct turn_options *turn = &config->turn;
    const struct turn_lists *lists = &config->turn_lists;
    struct turn_users others = users_with_password(&lists->users);
    struct auth_realm_config *realms = make_realms(lists, &others);
    struct text server_name = text_from(turn->server_name);
    struct auth_config auth = {
        .realms = realms,
        .realm_count = lists->realms.count,
        .origins = lists->origins.list,
        .origin_count = lists->origins.count,
        .nonce_lifetime_s = (uint32_t)turn->stale_nonce_s,
        .offer_sha256 = turn->password_algorithms == TURN_MD5_AND_SHA256,
        .offer_anonymity = turn->username_anonymity,
        .rest_separator = turn->rest_api_separator[0],
        .lookup = turn->redis_userdb[0] != '\0',
        .cache = cache,
        .oauth = turn->oauth,
        .server_name = server_name.len > 0 ? server_name : lists->realms.list[0],
        .oauth_keys = lists->oauth_keys.list,
        .oauth_key_count = lists->oauth_keys.count,
    };
    bool ok = realms != NULL && others.list != NULL &&
              choose_nonce_keys(&lists->nonce_secrets, own_keys, &auth.nonce_keys);
    int error = ok ? make_auth(config, &auth, out, why) : -ENOMEM;
    explicit_bzero(&auth.nonce_keys, sizeof(auth.nonce_keys));
    free(realms);
    free(others.list);
    return error;
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

int turn_build_tls(const struct daemon_config *config, void (*prepare)(struct ssl_ctx_st *context),
    struct tls_context **out, struct str *why)
{
    const struct turn_options *turn = &config->turn;
    const struct turn_certificates *certificates = &config->turn_lists.certificates;
    struct tls_config tls = {
        .pairs = certificates->list,
        .pair_count = certificates->count,
        .key_password = or_null(turn->pkey_pwd),
        .ciphers = or_null(turn->cipher_list),
        .client_ca = or_null(turn->ca_file),
        .prepare_datagrams = prepare,
    };
    struct str problem = {0};
    struct tls_context *made = NULL;
    int error = tls.pair_count > 0 ? tls_context_new(&tls, &made, &problem) : 0;
    if (error == -EINVAL)
        config_blame(config, &turn->cert, why, "%s", str_string(&problem));
    str_done(&problem);
    if (error == 0)
        *out = made;
    return error;
}

struct address turn_external_address(const struct turn_lists *lists, const struct address *local)
{
    struct address seen = *local;
    for (size_t i = 0; i < lists->external.count; i++) {
        const struct turn_mapping *m = &lists->external.list[i];
        bool is_meant = m->inner.family == ADDRESS_NONE ? m->outer.family == local->family
                                                        : address_same_ip(&m->inner, local);
        if (!is_meant)
            continue;
        seen = m->outer;
        seen.port = local->port;
        if (m->inner.family != ADDRESS_NONE)
            break; /* what names the address goes before what names its family */
    }
    return seen;
}
