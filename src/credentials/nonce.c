/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/nonce.h"

#include "mediaferry/base64.h"
#include "stun/hmac.h"

enum {
    TIME_SIZE = 4,
    MAC_SIZE = 8,
    FEATURES_SIZE = 3,
    BODY_TEXT_SIZE = 16,    /* base64 of time and MAC */
    FEATURES_TEXT_SIZE = 4, /* base64 of the features */
};

/* RFC 8489, section 9.2: marks a server that knows the features. */
static const struct text cookie = {.data = "obMatJos2", .len = 9};

static bool compute_mac(const uint8_t key[NONCE_KEY_SIZE], unsigned features, uint32_t stamp,
    const struct address *client, uint8_t out[MAC_SIZE])
{
    uint8_t memory[FEATURES_SIZE + TIME_SIZE + 1 + 2 + sizeof(client->ip)];
    uint8_t mac[HMAC_SHA256_SIZE];
    struct writer w = writer_over(memory, sizeof(memory));

    writer_u8(&w, (uint8_t)(features >> 16));
    writer_u16(&w, (uint16_t)features);
    writer_u32(&w, stamp);
    writer_u8(&w, (uint8_t)client->family);
    writer_u16(&w, client->port);
    writer_put(&w, bytes_of(client->ip, sizeof(client->ip)));

    const struct bytes input = writer_bytes(&w);
    if (!hmac_compute(HMAC_SHA256, bytes_of(key, NONCE_KEY_SIZE), &input, 1, mac))
        return false;
    memcpy(out, mac, MAC_SIZE);
    return true;
}

struct text nonce_write(const struct nonce_keys *keys, unsigned features,
    const struct address *client, int64_t now_s, char out[NONCE_MAX_SIZE])
{
    uint32_t stamp = (uint32_t)now_s;
    uint8_t body[TIME_SIZE + MAC_SIZE];
    struct writer b = writer_over(body, TIME_SIZE);
    struct writer w = writer_over(out, NONCE_MAX_SIZE);

    writer_u32(&b, stamp);
    if (!compute_mac(keys->current, features, stamp, client, body + TIME_SIZE))
        return text_of(NULL, 0);
    if (features != 0) {
        const uint8_t set[FEATURES_SIZE] = {
            (uint8_t)(features >> 16), (uint8_t)(features >> 8), (uint8_t)features};
        writer_put(&w, text_bytes(cookie));
        base64_encode(&w, bytes_of(set, sizeof(set)));
    }
    base64_encode(&w, bytes_of(body, sizeof(body)));
    return text_from_bytes(writer_bytes(&w));
}

/* Takes the cookie and the features off, if they are there. */
static bool read_features(struct text *nonce, unsigned *features)
{
    uint8_t set[FEATURES_SIZE];
    struct writer w = writer_over(set, sizeof(set));

    *features = 0;
    if (nonce->len == BODY_TEXT_SIZE)
        return true;
    if (nonce->len != NONCE_MAX_SIZE || !text_starts_with(*nonce, cookie.data))
        return false;
    *nonce = text_skip(*nonce, cookie.len);
    if (!base64_decode(&w, text_of(nonce->data, FEATURES_TEXT_SIZE)) || w.len != sizeof(set))
        return false;
    *nonce = text_skip(*nonce, FEATURES_TEXT_SIZE);
    *features = (unsigned)set[0] << 16 | (unsigned)set[1] << 8 | set[2];
    return *features != 0;
}

static bool mac_is_right(const uint8_t key[NONCE_KEY_SIZE], unsigned features, uint32_t stamp,
    const struct address *client, struct bytes mac)
{
    uint8_t expected[MAC_SIZE];
    return compute_mac(key, features, stamp, client, expected) &&
           bytes_equal_secret(mac, bytes_of(expected, sizeof(expected)));
}

bool nonce_check(const struct nonce_keys *keys, struct text nonce, const struct address *client,
    int64_t now_s, uint32_t lifetime_s, unsigned *features)
{
    uint8_t body[TIME_SIZE + MAC_SIZE];
    struct writer w = writer_over(body, sizeof(body));
    unsigned given_with;

    if (!read_features(&nonce, &given_with) || !base64_decode(&w, nonce) || w.len != sizeof(body))
        return false;

    struct reader r = reader_over(writer_bytes(&w));
    uint32_t stamp = reader_u32(&r);
    int64_t age_s = now_s - (int64_t)stamp;
    if (age_s < -NONCE_FUTURE_SKEW_S || (lifetime_s > 0 && age_s > (int64_t)lifetime_s))
        return false;
    if (!mac_is_right(keys->current, given_with, stamp, client, r.rest) &&
        (!keys->has_previous || !mac_is_right(keys->previous, given_with, stamp, client, r.rest)))
        return false;
    *features = given_with;
    return true;
}
