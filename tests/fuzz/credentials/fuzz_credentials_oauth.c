/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: none opens that was not sealed, and none that was opens after a change. */
#include "../require.h"
#include "credentials/oauth.h"

static const struct text server = {.data = "turn.example.org", .len = 16};

static struct oauth_key key_of(enum oauth_algorithm algorithm)
{
    return (struct oauth_key){.algorithm = algorithm, .key = {1, 2, 3}};
}

static bool same(const struct oauth_token *a, const struct oauth_token *b)
{
    return a->issued_s == b->issued_s && a->lifetime_s == b->lifetime_s &&
           bytes_equal(bytes_of(a->mac_key, a->mac_key_len), bytes_of(b->mac_key, b->mac_key_len));
}

/* What opens as it came is what sealing gives again (but for fractions of a second). */
static void open_as_it_is(struct bytes input)
{
    for (unsigned algorithm = OAUTH_A256GCM; algorithm <= OAUTH_A128GCM; algorithm++) {
        struct oauth_key key = key_of((enum oauth_algorithm)algorithm);
        struct oauth_token token, again;
        uint8_t memory[512];
        struct writer w = writer_over(memory, sizeof(memory));
        if (!oauth_open(&key, server, input, &token))
            continue;
        struct reader r = reader_over(input);
        struct bytes nonce = reader_take(&r, reader_u16(&r));
        require(token.mac_key_len > 0 && token.mac_key_len <= OAUTH_MAX_MAC_KEY);
        oauth_seal(&key, server, nonce, &token, &w);
        require(w.len == input.len && oauth_open(&key, server, writer_bytes(&w), &again));
        require(same(&token, &again));
    }
}

/* The input is what a token says: nonce, key, times. */
static void seal_and_open(struct reader r)
{
    struct oauth_key key = key_of(reader_u8(&r) % 2 == 0 ? OAUTH_A256GCM : OAUTH_A128GCM);
    struct bytes nonce = reader_take(&r, reader_u8(&r));
    struct bytes mac_key = reader_take(&r, reader_u8(&r));
    struct oauth_token token = {.mac_key_len = mac_key.len,
        .issued_s = (int64_t)(reader_u64(&r) >> 16),
        .lifetime_s = reader_u32(&r)};
    uint16_t place = reader_u16(&r);
    uint8_t memory[512];
    struct writer w = writer_over(memory, sizeof(memory));
    struct oauth_token opened;

    if (!reader_ok(&r) || nonce.len == 0 || nonce.len > OAUTH_MAX_NONCE || mac_key.len == 0 ||
        mac_key.len > OAUTH_MAX_MAC_KEY)
        return;
    memcpy(token.mac_key, mac_key.data, mac_key.len);
    oauth_seal(&key, server, nonce, &token, &w);
    require(writer_ok(&w) && oauth_open(&key, server, writer_bytes(&w), &opened));
    require(same(&token, &opened));
    (void)oauth_token_is_valid(&opened, token.issued_s);

    memory[place % w.len] ^= (uint8_t)(1 << place % 8);
    require(!oauth_open(&key, server, writer_bytes(&w), &opened));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    open_as_it_is(bytes_of(data, size));
    seal_and_open(reader_over(bytes_of(data, size)));
    return 0;
}
