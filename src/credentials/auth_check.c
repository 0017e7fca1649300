/* SPDX-License-Identifier: Apache-2.0 */
/* The check of a request (RFC 8489, section 9.2.4; RFC 7635, section 9; RFC 8656, section 5). */
#include <openssl/crypto.h>

#include "credentials/auth_state.h"
#include "stun/integrity.h"

/* What a request says of its sender. The views borrow from it. */
struct claim {
    const struct stun_message *request;
    enum auth_signature signature;
    enum password_algorithm algorithm;
    struct text username; /* empty when the name is hidden */
    struct bytes userhash;
    struct bytes token; /* of RFC 7635 */
    struct text realm;
    struct text nonce;
};

enum finding {
    FOUND_NOBODY,
    FOUND,     /* and proved */
    FOUND_ASK, /* the database may know */
};

/* The stronger one counts when there are both. */
static enum auth_signature signature_of(const struct stun_message *request)
{
    if (stun_has(request, STUN_MESSAGE_INTEGRITY_SHA256))
        return AUTH_SIGN_SHA256;
    return stun_has(request, STUN_MESSAGE_INTEGRITY) ? AUTH_SIGN_SHA1 : AUTH_UNSIGNED;
}

static bool find_text(
    const struct stun_message *request, uint16_t type, size_t max, struct text *out)
{
    struct bytes value;
    if (!stun_find(request, type, &value) || value.len == 0 || value.len > max)
        return false;
    *out = text_from_bytes(value);
    return true;
}

static bool find_name(struct claim *c)
{
    if (stun_has(c->request, STUN_USERNAME))
        return find_text(c->request, STUN_USERNAME, LONG_TERM_MAX_NAME, &c->username);
    return stun_find(c->request, STUN_USERHASH, &c->userhash) &&
           c->userhash.len == LONG_TERM_USERHASH_SIZE;
}

static bool find_attributes(struct claim *c)
{
    if (!find_name(c) || !find_text(c->request, STUN_REALM, LONG_TERM_MAX_REALM, &c->realm) ||
        !find_text(c->request, STUN_NONCE, LONG_TERM_MAX_REALM, &c->nonce))
        return false;
    if (!stun_find(c->request, STUN_ACCESS_TOKEN, &c->token))
        c->token = bytes_of(NULL, 0);
    return true;
}

/* Who was offered algorithms and knows of them must prove that he saw the whole offer, or somebody
 * between us could have taken the better ones out. */
static bool find_algorithm(struct claim *c, unsigned features)
{
    struct bytes chosen = {0}, offered = {0};
    bool has_chosen = stun_find(c->request, STUN_PASSWORD_ALGORITHM, &chosen);
    bool has_offered = stun_find(c->request, STUN_PASSWORD_ALGORITHMS, &offered);

    c->algorithm = PASSWORD_MD5;
    if ((features & NONCE_PASSWORD_ALGORITHMS) == 0 || (!has_chosen && !has_offered))
        return true;
    if (!bytes_equal(offered, auth_offered_algorithms()))
        return false;

    struct reader r = reader_over(chosen);
    uint16_t number = reader_u16(&r);
    uint16_t parameters_len = reader_u16(&r);
    if (!reader_ok(&r) || reader_left(&r) > 0 || parameters_len > 0 ||
        (number != PASSWORD_MD5 && number != PASSWORD_SHA256))
        return false;
    c->algorithm = (enum password_algorithm)number;
    return true;
}

/* TURN does not allow to cut MESSAGE-INTEGRITY-SHA256 (RFC 8489, section 14.6). */
static bool proves(const struct claim *c, struct bytes key)
{
    if (c->signature == AUTH_SIGN_SHA256)
        return stun_check_integrity_sha256(c->request, key, STUN_INTEGRITY_SHA256_SIZE) ==
               STUN_CHECK_RIGHT;
    return stun_check_integrity(c->request, key) == STUN_CHECK_RIGHT;
}

/* Takes the reference that is in `*who`, and leaves it there only when the claim proves it. */
static enum finding keep_if_proved(const struct claim *c, struct auth_identity **who)
{
    if (proves(c, auth_identity_key(*who, c->algorithm)))
        return FOUND;
    auth_identity_unref(*who);
    *who = NULL;
    return FOUND_NOBODY;
}

static enum finding find_static(
    const struct realm *realm, const struct claim *c, struct auth_identity **who)
{
    const struct auth_identity *user = c->username.len > 0 ? realm_find_user(realm, c->username)
                                                           : realm_find_hash(realm, c->userhash);
    if (user == NULL || !proves(c, auth_identity_key(user, c->algorithm)))
        return FOUND_NOBODY;
    *who = auth_identity_ref(user);
    return FOUND;
}

/* Only what is proved becomes an identity: a guess costs two hashes and no memory. */
static enum finding try_secret(const struct realm *realm, const struct claim *c,
    const struct rest_name *name, struct text secret, struct auth_identity **who)
{
    char password[REST_PASSWORD_SIZE];
    struct identity_config config = {
        .kind = IDENTITY_REST,
        .username = c->username,
        .user = name->user.len > 0 ? name->user : c->username,
        .realm = realm->name,
        .expires_s = name->expires_s,
    };
    if (!rest_password(c->username, secret, password) ||
        !long_term_derive(
            c->username, realm->name, text_of(password, sizeof(password)), &config.keys))
        return FOUND_NOBODY;

    if (proves(c, long_term_key(&config.keys, c->algorithm)))
        *who = auth_identity_new(&config);
    OPENSSL_cleanse(password, sizeof(password));
    long_term_wipe(&config.keys);
    return *who != NULL ? FOUND : FOUND_NOBODY;
}

static enum finding try_secrets(const struct realm *realm, const struct claim *c,
    const struct rest_name *name, const struct text *secrets, size_t count,
    struct auth_identity **who)
{
    enum finding finding = FOUND_NOBODY;
    for (size_t i = 0; i < count && finding != FOUND; i++)
        finding = try_secret(realm, c, name, secrets[i], who);
    return finding;
}

static enum finding find_rest(const struct auth *a, const struct realm *realm,
    const struct claim *c, int64_t now_s, struct auth_identity **who)
{
    struct rest_name name;
    if (c->username.len == 0 || !rest_parse(c->username, a->rest_separator, &name) ||
        name.expires_s <= now_s)
        return FOUND_NOBODY;

    enum finding finding = try_secrets(realm, c, &name, realm->secrets, realm->secret_count, who);
    if (finding == FOUND || a->cache == NULL)
        return finding;
    const struct secret_list *list = user_cache_secrets(a->cache, realm->name);
    if (list != NULL)
        finding = try_secrets(realm, c, &name, list->secrets, list->count, who);
    secret_list_unref(list);
    return finding;
}

static enum finding find_in_cache(const struct auth *a, const struct realm *realm,
    const struct claim *c, int64_t now_s, struct auth_identity **who)
{
    if (a->cache == NULL)
        return FOUND_NOBODY;
    if (c->username.len == 0) {
        if (user_cache_find_hash(a->cache, realm->name, c->userhash, now_s, who) ==
            USER_CACHE_PRESENT)
            return keep_if_proved(c, who);
        return FOUND_NOBODY;
    }
    switch (user_cache_find(a->cache, realm->name, c->username, now_s, who)) {
    case USER_CACHE_PRESENT:
        return keep_if_proved(c, who);
    case USER_CACHE_UNKNOWN:
        return a->lookup ? FOUND_ASK : FOUND_NOBODY;
    case USER_CACHE_ABSENT:
        break;
    }
    return FOUND_NOBODY;
}

static const struct oauth_key *find_oauth_key(const struct auth *a, struct text kid)
{
    for (size_t i = 0; i < a->oauth_key_count; i++)
        if (text_equal(a->oauth_keys[i].kid, kid))
            return &a->oauth_keys[i];
    return NULL;
}

/* What of the token's key the request is signed with; empty: nothing. Clients made with coturn's
 * library take 16 bytes of it, however long it is. */
static struct bytes proving_mac_key(const struct claim *c, const struct oauth_token *token)
{
    const struct bytes whole = bytes_of(token->mac_key, token->mac_key_len);
    const struct bytes part = bytes_of(token->mac_key, LONG_TERM_MD5_SIZE);
    if (proves(c, whole))
        return whole;
    return whole.len > part.len && proves(c, part) ? part : bytes_of(NULL, 0);
}

static enum finding find_by_token(const struct auth *a, const struct realm *realm,
    const struct claim *c, int64_t now_s, struct auth_identity **who)
{
    struct oauth_token token;
    const struct oauth_key *key = find_oauth_key(a, c->username);
    if (key == NULL || !oauth_key_is_valid(key, now_s) ||
        !oauth_open(key, a->server_name, c->token, &token))
        return FOUND_NOBODY;

    const struct identity_config config = {
        .kind = IDENTITY_OAUTH,
        .username = c->username,
        .user = c->username,
        .realm = realm->name,
        .expires_s = token.issued_s + token.lifetime_s,
        .mac_key = proving_mac_key(c, &token),
    };
    if (oauth_token_is_valid(&token, now_s) && config.mac_key.len > 0)
        *who = auth_identity_new(&config);
    OPENSSL_cleanse(&token, sizeof(token));
    return *who != NULL ? FOUND : FOUND_NOBODY;
}

static enum finding find_anybody(const struct auth *a, const struct claim *c, int64_t now_s,
    struct text *realm_name, struct auth_identity **who)
{
    const struct realm *realm = auth_find_realm(a, c->realm);
    if (realm == NULL)
        return FOUND_NOBODY;
    *realm_name = realm->name;
    if (a->oauth && c->token.len > 0)
        return find_by_token(a, realm, c, now_s, who);

    enum finding finding = find_static(realm, c, who);
    if (finding == FOUND_NOBODY)
        finding = find_rest(a, realm, c, now_s, who);
    if (finding == FOUND_NOBODY)
        finding = find_in_cache(a, realm, c, now_s, who);
    return finding;
}

/* Whether the claim is about the name of `known`, in its realm. */
static bool names(const struct claim *c, const struct auth_identity *known)
{
    uint8_t hash[LONG_TERM_USERHASH_SIZE];
    struct text realm = auth_identity_realm(known), username = auth_identity_username(known);
    if (!text_equal(c->realm, realm))
        return false;
    if (c->username.len > 0)
        return text_equal(c->username, username);
    return long_term_userhash(username, realm, hash) &&
           bytes_equal(c->userhash, bytes_of(hash, sizeof(hash)));
}

/* The name of a token's key is shared by many, so another token may be another user's. It renews
 * the allocation of the same client address only, not one that somebody wants to carry over to
 * another (RFC 8016). */
static bool renews(const struct stun_message *request)
{
    return stun_method_of(request->type) == STUN_REFRESH &&
           !stun_has(request, STUN_MOBILITY_TICKET);
}

/* A user who has a new password is still the same. */
static bool is_same_user(
    const struct claim *c, const struct auth_identity *a, const struct auth_identity *b)
{
    bool a_has_token = auth_identity_kind(a) == IDENTITY_OAUTH;
    bool b_has_token = auth_identity_kind(b) == IDENTITY_OAUTH;
    if (a_has_token || b_has_token)
        return a_has_token && b_has_token && renews(c->request);
    return text_equal(auth_identity_username(a), auth_identity_username(b)) &&
           text_equal(auth_identity_realm(a), auth_identity_realm(b));
}

static void refuse(struct auth_result *out, enum stun_error code)
{
    *out = (struct auth_result){
        .verdict = AUTH_REFUSED,
        .code = code,
        .challenge = code == STUN_UNAUTHORIZED || code == STUN_STALE_NONCE,
    };
}

/* Takes `who`, who was proved. */
static void decide(const struct auth *a, const struct claim *c, struct auth_identity *who,
    const struct auth_identity *known, struct auth_result *out)
{
    if (auth_identity_is_revoked(a, who)) {
        auth_identity_unref(who);
        refuse(out, STUN_UNAUTHORIZED);
        return;
    }
    bool other = known != NULL && known != who && !is_same_user(c, known, who);
    *out = (struct auth_result){
        .verdict = other ? AUTH_REFUSED : AUTH_OK,
        .code = other ? STUN_WRONG_CREDENTIALS : (enum stun_error)0,
        .identity = who,
        .signature = c->signature,
        .key = auth_identity_key(who, c->algorithm),
    };
}

static void check_identity(const struct auth *a, const struct claim *c, int64_t now_s,
    const struct auth_identity *known, struct auth_result *out)
{
    struct auth_identity *who = NULL;
    struct text realm = {0};

    if (known != NULL && names(c, known) && proves(c, auth_identity_key(known, c->algorithm))) {
        decide(a, c, auth_identity_ref(known), known, out);
        return;
    }
    switch (find_anybody(a, c, now_s, &realm, &who)) {
    case FOUND:
        decide(a, c, who, known, out);
        return;
    case FOUND_ASK:
        *out =
            (struct auth_result){.verdict = AUTH_LOOKUP, .realm = realm, .username = c->username};
        return;
    case FOUND_NOBODY:
        break;
    }
    refuse(out, STUN_UNAUTHORIZED);
}

void auth_check(const struct auth *auth, const struct stun_message *request,
    const struct address *client, int64_t now_s, const struct auth_identity *known,
    struct auth_result *out)
{
    struct claim claim = {.request = request, .signature = signature_of(request)};
    unsigned features;

    if (claim.signature == AUTH_UNSIGNED)
        refuse(out, STUN_UNAUTHORIZED);
    else if (!find_attributes(&claim))
        refuse(out, STUN_BAD_REQUEST);
    else if (!nonce_check(
                 &auth->nonce_keys, claim.nonce, client, now_s, auth->nonce_lifetime_s, &features))
        refuse(out, STUN_STALE_NONCE);
    else if (!find_algorithm(&claim, features))
        refuse(out, STUN_BAD_REQUEST);
    else
        check_identity(auth, &claim, now_s, known, out);
}
