/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/nonce.h"

#include "mediaferry/base64.h"
#include "stun/hmac.h"

enum {
    TIME_SIZE = 3,
    TIME_RANGE = 1 << 24,
    MAC_SIZE = 5,
    FEATURES_SIZE = 3,
    BODY_TEXT_SIZE = 11,    /* base64 of time and MAC, without its padding */
    FEATURES_TEXT_SIZE = 4, /* base64 of the features */
};

/* RFC 8489, section 9.2: marks a server that knows the features. */
static const struct text cookie = {.data = "obMatJos2", .len = 9};

static bool compute_mac(const uint8_t key[NONCE_KEY_SIZE], unsigned features, uint32_t stamp,
    const struct address *client, uint8_t out[MAC_SIZE])
{
    uint8_t memory[FEATURES_SIZE + sizeof(stamp) + 1 + 2 + sizeof(client->ip)];
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

static void write_body(struct writer *w, const uint8_t body[TIME_SIZE + MAC_SIZE])
{
    char memory[BODY_TEXT_SIZE + 1];
    struct writer padded = writer_over(memory, sizeof(memory));
    base64_encode(&padded, bytes_of(body, TIME_SIZE + MAC_SIZE));
    writer_put(w, bytes_of(memory, BODY_TEXT_SIZE));
}

/* False also for text that decodes to the same, but is not what we wrote. */
static bool read_body(struct text text, uint8_t body[TIME_SIZE + MAC_SIZE])
{
    char memory[BODY_TEXT_SIZE];
    struct writer w = writer_over(body, TIME_SIZE + MAC_SIZE);
    struct writer again = writer_over(memory, sizeof(memory));
    if (!base64_decode(&w, text) || w.len != TIME_SIZE + MAC_SIZE)
        return false;
    write_body(&again, body);
    return text_equal(text, text_from_bytes(writer_bytes(&again)));
}

struct text nonce_write(const struct nonce_keys *keys, unsigned features,
    const struct address *client, int64_t now_s, char out[NONCE_MAX_SIZE])
{
    uint32_t stamp = (uint32_t)now_s & (TIME_RANGE - 1);
    uint8_t body[TIME_SIZE + MAC_SIZE] = {
        (uint8_t)(stamp >> 16), (uint8_t)(stamp >> 8), (uint8_t)stamp};
    struct writer w = writer_over(out, NONCE_MAX_SIZE);

    if (!compute_mac(keys->current, features, stamp, client, body + TIME_SIZE))
        return text_of(NULL, 0);
    if (features != 0) {
        const uint8_t set[FEATURES_SIZE] = {
            (uint8_t)(features >> 16), (uint8_t)(features >> 8), (uint8_t)features};
        writer_put(&w, text_bytes(cookie));
        base64_encode(&w, bytes_of(set, sizeof(set)));
    }
    write_body(&w, body);
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

/* The stamp has lost its upper bits: what it means is the time next to now. */
static int64_t age_of(uint32_t stamp, int64_t now_s)
{
    int64_t age_s = (now_s - (int64_t)stamp) & (TIME_RANGE - 1);
    return age_s < TIME_RANGE / 2 ? age_s : age_s - TIME_RANGE;
}

static bool is_fresh(uint32_t stamp, int64_t now_s, uint32_t lifetime_s)
{
    int64_t age_s = age_of(stamp, now_s);
    return lifetime_s == 0 || (age_s >= -NONCE_FUTURE_SKEW_S && age_s <= (int64_t)lifetime_s);
}

bool nonce_check(const struct nonce_keys *keys, struct text nonce, const struct address *client,
    int64_t now_s, uint32_t lifetime_s, unsigned *features)
{
    uint8_t body[TIME_SIZE + MAC_SIZE];
    unsigned given_with;

    if (!read_features(&nonce, &given_with) || !read_body(nonce, body))
        return false;

    uint32_t stamp = (uint32_t)body[0] << 16 | (uint32_t)body[1] << 8 | body[2];
    struct bytes mac = bytes_of(body + TIME_SIZE, MAC_SIZE);
    if (!is_fresh(stamp, now_s, lifetime_s))
        return false;
    if (!mac_is_right(keys->current, given_with, stamp, client, mac) &&
        (!keys->has_previous || !mac_is_right(keys->previous, given_with, stamp, client, mac)))
        return false;
    *features = given_with;
    return true;
}
