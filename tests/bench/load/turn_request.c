/* SPDX-License-Identifier: Apache-2.0 */
#include "turn_request.h"

#include <openssl/evp.h>

#include "stun/integrity.h"

enum { UDP_PROTOCOL = 17, KEY_INPUT_MAX = 512, TURN_SEND_MAX = 2048 };

/* RFC 8489, section 9.2.2. */
bool turn_account_init(
    struct turn_account *account, struct text user, struct text realm, struct text password)
{
    uint8_t room[KEY_INPUT_MAX];
    struct writer w = writer_over(room, sizeof(room));
    writer_put(&w, text_bytes(user));
    writer_u8(&w, ':');
    writer_put(&w, text_bytes(realm));
    writer_u8(&w, ':');
    writer_put(&w, text_bytes(password));
    *account = (struct turn_account){.user = user, .realm = realm};
    return writer_ok(&w) && EVP_Digest(room, w.len, account->key, NULL, EVP_md5(), NULL) == 1;
}

static void sign(struct writer *w, const struct turn_signature *by)
{
    if (by->nonce.len == 0)
        return;
    stun_write_attr(w, STUN_USERNAME, text_bytes(by->account->user));
    stun_write_attr(w, STUN_REALM, text_bytes(by->account->realm));
    stun_write_attr(w, STUN_NONCE, by->nonce);
    stun_write_integrity(w, bytes_of(by->account->key, sizeof(by->account->key)));
}

void turn_write_allocate(struct writer *w, struct bytes id, const struct turn_signature *by)
{
    stun_begin(w, stun_type(STUN_ALLOCATE, STUN_REQUEST), id);
    stun_write_u32(w, STUN_REQUESTED_TRANSPORT, (uint32_t)UDP_PROTOCOL << 24);
    sign(w, by);
}

void turn_write_permission(
    struct writer *w, struct bytes id, const struct address *peer, const struct turn_signature *by)
{
    stun_begin(w, stun_type(STUN_CREATE_PERMISSION, STUN_REQUEST), id);
    stun_write_xor_address(w, STUN_XOR_PEER_ADDRESS, peer);
    sign(w, by);
}

void turn_write_channel_bind(struct writer *w, struct bytes id, uint16_t channel,
    const struct address *peer, const struct turn_signature *by)
{
    stun_begin(w, stun_type(STUN_CHANNEL_BIND, STUN_REQUEST), id);
    stun_write_u32(w, STUN_CHANNEL_NUMBER, (uint32_t)channel << 16);
    stun_write_xor_address(w, STUN_XOR_PEER_ADDRESS, peer);
    sign(w, by);
}

void turn_write_refresh(
    struct writer *w, struct bytes id, uint32_t lifetime_s, const struct turn_signature *by)
{
    stun_begin(w, stun_type(STUN_REFRESH, STUN_REQUEST), id);
    stun_write_u32(w, STUN_LIFETIME, lifetime_s);
    sign(w, by);
}

uint8_t *turn_write_send(
    struct writer *w, struct bytes id, const struct address *peer, size_t data_len)
{
    static const uint8_t zeros[TURN_SEND_MAX];
    if (data_len > sizeof(zeros))
        return NULL;
    stun_begin(w, stun_type(STUN_SEND, STUN_INDICATION), id);
    stun_write_xor_address(w, STUN_XOR_PEER_ADDRESS, peer);
    size_t at = w->len + STUN_ATTR_HEADER_SIZE;
    stun_write_attr(w, STUN_DATA_ATTR, bytes_of(zeros, data_len));
    return writer_ok(w) ? w->data + at : NULL;
}

bool turn_read_data(struct bytes datagram, struct bytes *out)
{
    struct stun_message m;
    return stun_parse(datagram, &m) == STUN_OK && m.type == stun_type(STUN_DATA, STUN_INDICATION) &&
           stun_find(&m, STUN_DATA_ATTR, out);
}
