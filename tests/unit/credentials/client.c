/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"
#include "stun/integrity.h"

struct address client_address(void)
{
    struct address a;
    assert_true(address_parse_with_port(TEXT("192.0.2.1:5000"), 0, &a));
    return a;
}

static void write_if_any(struct writer *w, uint16_t type, struct bytes value)
{
    if (value.len > 0)
        stun_write_attr(w, type, value);
}

static void write_algorithms(struct writer *w, const struct client_request *r)
{
    if (r->algorithms != NULL) {
        struct bytes list = from_hex(r->algorithms);
        stun_write_attr(w, STUN_PASSWORD_ALGORITHMS, list);
        free((void *)list.data);
    }
    if (r->algorithm != 0)
        stun_write_u32(w, STUN_PASSWORD_ALGORITHM, r->algorithm << 16);
}

struct stun_message client_write(const struct client_request *r, uint8_t memory[2048])
{
    struct writer w = writer_over(memory, 2048);
    struct stun_message m;

    stun_begin(&w, stun_type(r->refresh ? STUN_REFRESH : STUN_ALLOCATE, STUN_REQUEST),
        bytes_of("0123456789ab", 12));
    if (r->ticket)
        stun_write_u64(&w, STUN_MOBILITY_TICKET, 1);
    if (!r->late_username)
        write_if_any(&w, STUN_USERNAME, text_bytes(r->username));
    write_if_any(&w, STUN_USERHASH, r->userhash);
    write_if_any(&w, STUN_REALM, text_bytes(r->realm));
    write_if_any(&w, STUN_NONCE, text_bytes(r->nonce));
    write_algorithms(&w, r);
    write_if_any(&w, STUN_ACCESS_TOKEN, r->token);
    write_if_any(&w, STUN_ORIGIN, text_bytes(r->origin));
    if (r->sha1)
        stun_write_integrity(&w, r->key);
    if (r->sha256)
        stun_write_integrity_sha256(&w, r->key);
    if (r->late_username)
        write_if_any(&w, STUN_USERNAME, text_bytes(r->username));
    assert_int_equal(stun_parse(writer_bytes(&w), &m), STUN_OK);
    return m;
}

struct auth_result client_ask(const struct auth *auth, const struct client_request *request,
    int64_t now_s, const struct auth_identity *known)
{
    uint8_t memory[2048];
    struct stun_message m = client_write(request, memory);
    struct address address = client_address();
    struct auth_result result;
    auth_check(auth, &m, &address, now_s, known, &result);
    if (result.verdict == AUTH_LOOKUP)
        result.username = request->username; /* it was in `memory` */
    return result;
}

struct text client_nonce(const struct auth *auth, int64_t now_s, char memory[NONCE_MAX_SIZE])
{
    uint8_t asked[2048], answered[512];
    const struct client_request bare = {.username = text_of(NULL, 0)};
    struct stun_message request = client_write(&bare, asked), answer;
    struct address address = client_address();
    struct writer w = writer_over(answered, sizeof(answered));
    struct bytes nonce;

    stun_begin(&w, stun_type(STUN_ALLOCATE, STUN_ERROR), request.id);
    auth_write_challenge(auth, &w, &request, &address, now_s);
    assert_int_equal(stun_parse(writer_bytes(&w), &answer), STUN_OK);
    assert_true(stun_find(&answer, STUN_NONCE, &nonce) && nonce.len <= NONCE_MAX_SIZE);
    memcpy(memory, nonce.data, nonce.len);
    return text_of(memory, nonce.len);
}

struct auth_result client_log_in(const struct auth *auth, struct text username, struct text realm,
    struct text password, const struct auth_identity *known)
{
    char nonce[NONCE_MAX_SIZE];
    struct long_term_keys keys;
    assert_true(long_term_derive(username, realm, password, &keys));
    const struct client_request request = {
        .username = username,
        .realm = realm,
        .nonce = client_nonce(auth, CLIENT_NOW_S, nonce),
        .key = long_term_key(&keys, PASSWORD_MD5),
        .sha1 = true,
    };
    return client_ask(auth, &request, CLIENT_NOW_S, known);
}
