/* SPDX-License-Identifier: Apache-2.0 */
/* Any request against a snapshot with users of every kind: who is let in has signed with the key of
 * the one he says he is. The first byte chooses how much is done for the request: without a right
 * nonce and a right signature none would get far. */
#include "../require.h"
#include "credentials/auth.h"
#include "stun/integrity.h"

enum { NOW_S = 1700000000 };

/* Bits of the first byte. */
enum { SIGNED = 1, SHA256 = 2, OTHER_KEY = 4, KNOWN = 8, FRESH_NONCE = 16, FORMER_KEY = 32 };

static struct auth *auth;
static struct auth_identity *alice;
static const struct text realm = {.data = "example.org", .len = 11};

static void make_auth(void)
{
    const struct auth_user_config users[] = {
        {TEXT("alice"), TEXT("secret")}, {TEXT("bob"), TEXT("0x00112233445566778899aabbccddeeff")}};
    const struct text secrets[] = {TEXT("new"), TEXT("old")};
    const struct auth_realm_config realms[] = {
        {realm, users, COUNT_OF(users), secrets, COUNT_OF(secrets)}};
    const struct auth_origin_config origins[] = {{TEXT("https://example.org"), realm}};
    const struct oauth_key keys[] = {{.kid = TEXT("north"), .key = {1}}};
    struct auth_config config = {
        .realms = realms,
        .realm_count = 1,
        .origins = origins,
        .origin_count = 1,
        .nonce_keys = {.current = {1}, .previous = {2}, .has_previous = true},
        .nonce_lifetime_s = 600,
        .offer_sha256 = true,
        .cache = user_cache_new(16),
        .lookup = true,
        .oauth = true,
        .server_name = TEXT("turn.example.org"),
        .oauth_keys = keys,
        .oauth_key_count = 1,
    };
    enum auth_config_error error;
    struct text culprit;

    require(config.cache != NULL);
    require(user_cache_put(config.cache, realm, TEXT("carol"), TEXT("pw"), INT64_MAX));
    user_cache_put_absent(config.cache, realm, TEXT("dora"), INT64_MAX);
    require(user_cache_revoke(config.cache, realm, TEXT("emil")));
    auth = auth_new(&config, &error, &culprit);
    require(auth != NULL);
    user_cache_unref(config.cache);

    struct identity_config identity = {
        .username = TEXT("alice"), .user = TEXT("alice"), .realm = realm};
    require(long_term_derive(TEXT("alice"), realm, TEXT("secret"), &identity.keys));
    alice = auth_identity_new(&identity);
    require(alice != NULL);
}

/* Copies the message with a nonce that is good, and signs it. */
static struct stun_message improve(
    const struct stun_message *m, uint8_t how, const struct address *client, struct writer *w)
{
    const struct nonce_keys former = {.current = {2}}, current = {.current = {1}};
    struct reader r = reader_over(m->attrs);
    struct stun_attr attr;
    struct stun_message better;
    char nonce[NONCE_MAX_SIZE];

    stun_begin(w, m->type, m->id);
    if ((how & FRESH_NONCE) != 0)
        stun_write_attr(w, STUN_NONCE,
            text_bytes(nonce_write((how & FORMER_KEY) != 0 ? &former : &current,
                NONCE_PASSWORD_ALGORITHMS, client, NOW_S, nonce)));
    while (stun_next_attr(&r, &attr)) {
        bool signature = attr.type == STUN_MESSAGE_INTEGRITY ||
                         attr.type == STUN_MESSAGE_INTEGRITY_SHA256 ||
                         attr.type == STUN_FINGERPRINT;
        if (!signature || (how & SIGNED) == 0)
            stun_write_attr(w, attr.type, attr.value);
    }
    struct bytes key =
        auth_identity_key(alice, (how & OTHER_KEY) != 0 ? PASSWORD_SHA256 : PASSWORD_MD5);
    if ((how & SIGNED) != 0 && (how & SHA256) != 0)
        stun_write_integrity_sha256(w, key);
    else if ((how & SIGNED) != 0)
        stun_write_integrity(w, key);
    require(!writer_ok(w) || stun_parse(writer_bytes(w), &better) == STUN_OK);
    return writer_ok(w) ? better : *m;
}

static void require_proof(const struct stun_message *m, const struct auth_result *result)
{
    struct bytes name;
    require(result->key.len > 0 && result->identity != NULL);
    require(result->signature != AUTH_UNSIGNED);
    enum stun_check check = result->signature == AUTH_SIGN_SHA1
                                ? stun_check_integrity(m, result->key)
                                : stun_check_integrity_sha256(m, result->key, 32);
    require(check == STUN_CHECK_RIGHT);

    struct text proved = auth_identity_username(result->identity);
    if (stun_find(m, STUN_USERNAME, &name))
        require(bytes_equal(name, text_bytes(proved)));
    require(stun_find(m, STUN_REALM, &name) && bytes_equal(name, text_bytes(realm)));
    require(!text_is(proved, "dora") && !text_is(proved, "emil"));
    require(stun_has(m, STUN_NONCE));
}

static void judge(const struct stun_message *m, uint8_t how, const struct address *client)
{
    const struct auth_identity *known = (how & KNOWN) != 0 ? alice : NULL;
    struct auth_result result;
    uint8_t memory[1024];
    struct writer w = writer_over(memory, sizeof(memory));

    auth_check(auth, m, client, NOW_S, known, &result);
    switch (result.verdict) {
    case AUTH_OK:
        require_proof(m, &result);
        if (known != NULL)
            require(text_is(auth_identity_username(result.identity), "alice"));
        break;
    case AUTH_LOOKUP:
        require(lies_within(text_bytes(result.username), m->whole) && result.username.len > 0);
        require(text_equal(result.realm, realm));
        break;
    case AUTH_REFUSED:
        require(result.code == 400 || result.code == 401 || result.code == 438 ||
                (result.code == 441 && known != NULL));
        require(result.challenge == (result.code == 401 || result.code == 438));
        if (result.code == 441)
            require_proof(m, &result);
        else
            require(result.signature == AUTH_UNSIGNED && result.identity == NULL);
        stun_begin(&w, stun_type(STUN_ALLOCATE, STUN_ERROR), m->id);
        auth_write_challenge(auth, &w, m, client, NOW_S);
        auth_sign(&w, &result);
        require(writer_ok(&w) && w.len < 200);
        break;
    }
    auth_result_done(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[1 << 17];
    const struct address client = {.family = ADDRESS_IP4, .port = 5000, .ip = {192, 0, 2, 1}};
    struct writer w = writer_over(memory, sizeof(memory));
    struct stun_message m;

    if (auth == NULL)
        make_auth();
    if (size == 0 || stun_parse(bytes_of(data + 1, size - 1), &m) != STUN_OK)
        return 0;
    judge(&m, data[0], &client);
    m = improve(&m, data[0], &client, &w);
    judge(&m, data[0], &client);
    return 0;
}
