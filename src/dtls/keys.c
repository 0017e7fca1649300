/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/keys.h"

#include <openssl/crypto.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>

static const struct {
    unsigned long id;
    size_t key_len;
    size_t salt_len;
} profiles[] = {
    {SRTP_AES128_CM_SHA1_80, 16, 14},
    {SRTP_AES128_CM_SHA1_32, 16, 14},
    {SRTP_AEAD_AES_128_GCM, 16, 12},
    {SRTP_AEAD_AES_256_GCM, 32, 12},
};

static bool find_profile(SSL *ssl, struct dtls_srtp_keys *out)
{
    const SRTP_PROTECTION_PROFILE *chosen = SSL_get_selected_srtp_profile(ssl);
    for (size_t i = 0; chosen != NULL && i < COUNT_OF(profiles); i++) {
        if (profiles[i].id != chosen->id)
            continue;
        *out = (struct dtls_srtp_keys){.profile = (uint16_t)chosen->id,
            .key_len = profiles[i].key_len,
            .salt_len = profiles[i].salt_len};
        return true;
    }
    return false;
}

bool dtls_keys_export(SSL *ssl, enum dtls_role role, struct dtls_srtp_keys *out)
{
    static const char label[] = "EXTRACTOR-dtls_srtp";
    struct dtls_srtp_keys keys;
    uint8_t block[2 * (sizeof(keys.tx_key) + sizeof(keys.tx_salt))];

    if (!find_profile(ssl, &keys))
        return false;
    size_t len = 2 * (keys.key_len + keys.salt_len);
    if (SSL_export_keying_material(ssl, block, len, label, sizeof(label) - 1, NULL, 0, 0) != 1)
        return false;

    /* client key, server key, client salt, server salt; the active side is the client. */
    bool is_client = role == DTLS_ROLE_ACTIVE;
    struct reader r = reader_over(bytes_of(block, len));
    memcpy(is_client ? keys.tx_key : keys.rx_key, reader_take(&r, keys.key_len).data, keys.key_len);
    memcpy(is_client ? keys.rx_key : keys.tx_key, reader_take(&r, keys.key_len).data, keys.key_len);
    memcpy(is_client ? keys.tx_salt : keys.rx_salt, reader_take(&r, keys.salt_len).data,
        keys.salt_len);
    memcpy(is_client ? keys.rx_salt : keys.tx_salt, reader_take(&r, keys.salt_len).data,
        keys.salt_len);
    *out = keys;
    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(&keys, sizeof(keys));
    return true;
}
