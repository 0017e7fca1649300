/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/channel.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

struct redis_channel {
    SSL *ssl;
    BIO *received; /* owned by `ssl`, as the next */
    BIO *to_send;
    bool is_open;
    const char *why;
};

struct redis_channel *redis_channel_new(struct redis_tls *tls, const char *host)
{
    struct redis_channel *channel = calloc(1, sizeof(*channel));
    if (channel == NULL)
        return NULL;
    channel->ssl = redis_tls_connection(tls, host);
    channel->received = BIO_new(BIO_s_mem());
    channel->to_send = BIO_new(BIO_s_mem());
    if (channel->ssl == NULL || channel->received == NULL || channel->to_send == NULL) {
        BIO_free(channel->received);
        BIO_free(channel->to_send);
        SSL_free(channel->ssl);
        free(channel);
        return NULL;
    }
    SSL_set_bio(channel->ssl, channel->received, channel->to_send);
    channel->why = "TLS: closed";
    return channel;
}

void redis_channel_free(struct redis_channel *channel)
{
    if (channel == NULL)
        return;
    SSL_free(channel->ssl);
    free(channel);
}

bool redis_channel_feed(struct redis_channel *channel, struct bytes received)
{
    return received.len <= INT_MAX &&
           BIO_write(channel->received, received.data, (int)received.len) == (int)received.len;
}

/* --- steps --- */

static const char *reason_of(const SSL *ssl)
{
    long verified = SSL_get_verify_result(ssl);
    if (verified != X509_V_OK && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE)
        return X509_verify_cert_error_string(verified);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != NULL ? reason : "TLS failed";
}

/* What OpenSSL's answer to a call of ours means for the next. */
static enum redis_channel_step end_or_wait(struct redis_channel *channel, int result)
{
    int error = SSL_get_error(channel->ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return REDIS_CHANNEL_WAITS;
    if (error != SSL_ERROR_ZERO_RETURN)
        channel->why = reason_of(channel->ssl);
    ERR_clear_error();
    return REDIS_CHANNEL_ENDED;
}

enum redis_channel_step redis_channel_read(
    struct redis_channel *channel, uint8_t *to, size_t capacity, size_t *len)
{
    ERR_clear_error();
    if (!channel->is_open) {
        int result = SSL_do_handshake(channel->ssl);
        if (result != 1)
            return end_or_wait(channel, result);
        channel->is_open = true;
        return REDIS_CHANNEL_OPENED;
    }
    int result = SSL_read_ex(channel->ssl, to, capacity, len);
    return result == 1 ? REDIS_CHANNEL_READ : end_or_wait(channel, result);
}

bool redis_channel_write(struct redis_channel *channel, struct bytes plain)
{
    size_t written;
    ERR_clear_error();
    int result = SSL_write_ex(channel->ssl, plain.data, plain.len, &written);
    if (result == 1)
        return true;
    channel->why = reason_of(channel->ssl);
    ERR_clear_error();
    return false;
}

bool redis_channel_output(struct redis_channel *channel, struct redis_block **out)
{
    size_t len = BIO_ctrl_pending(channel->to_send);
    *out = NULL;
    if (len == 0)
        return true;
    *out = redis_block_new(len);
    if (*out == NULL)
        return false;
    size_t taken = 0;
    int result = BIO_read_ex(channel->to_send, (*out)->data, len, &taken);
    if (result == 1 && taken == len)
        return true;
    redis_block_unref(*out);
    *out = NULL;
    return false;
}

const char *redis_channel_why(const struct redis_channel *channel)
{
    return channel->why;
}
