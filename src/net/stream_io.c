/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <openssl/err.h>

#include "net/stream_state.h"

/* What a call of OpenSSL that did not succeed means. */
static int tls_error(struct stream *s, int result)
{
    int system_error = errno;
    int kind = SSL_get_error(s->ssl, result);
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
        return -EAGAIN;
    if (kind == SSL_ERROR_SYSCALL && ERR_peek_error() == 0)
        return system_error != 0 ? -system_error : -ECONNRESET;
    s->tls_reason = ERR_reason_error_string(ERR_peek_last_error());
    if (s->tls_reason == NULL)
        s->tls_reason = "unknown";
    ERR_clear_error();
    return -EPROTO;
}

static void before_tls(void)
{
    ERR_clear_error();
    errno = 0;
}

enum stream_end stream_io_end(const struct stream *s)
{
    return s->tls_reason != NULL ? STREAM_TLS_ERROR : STREAM_RESET;
}

static ssize_t tls_read(struct stream *s, uint8_t *to, size_t capacity)
{
    size_t len;
    before_tls();
    int result = SSL_read_ex(s->ssl, to, capacity, &len);
    s->wants_write = result != 1 && SSL_want_write(s->ssl);
    if (result == 1)
        return (ssize_t)len;
    if (SSL_get_error(s->ssl, result) == SSL_ERROR_ZERO_RETURN)
        return 0;
    return tls_error(s, result);
}

ssize_t stream_io_read(struct stream *s, uint8_t *to, size_t capacity)
{
    if (s->ssl != NULL)
        return tls_read(s, to, capacity);
    ssize_t len = recv(s->fd, to, capacity, 0);
    return len < 0 ? -errno : len;
}

/* One record after another. */
static ssize_t tls_write(struct stream *s, struct bytes b)
{
    size_t done = 0;
    while (done < b.len) {
        size_t len;
        before_tls();
        int result = SSL_write_ex(s->ssl, b.data + done, b.len - done, &len);
        if (result != 1) {
            int error = tls_error(s, result);
            return done > 0 && error == -EAGAIN ? (ssize_t)done : error;
        }
        done += len;
    }
    return (ssize_t)done;
}

ssize_t stream_io_write(struct stream *s, struct bytes b)
{
    if (s->ssl != NULL)
        return tls_write(s, b);
    ssize_t len = send(s->fd, b.data, b.len, MSG_NOSIGNAL);
    return len < 0 ? -errno : len;
}

ssize_t stream_io_write_parts(struct stream *s, const struct bytes *parts, size_t count)
{
    struct iovec data[STREAM_PARTS_MAX];
    struct msghdr message = {.msg_iov = data, .msg_iovlen = count};

    if (s->ssl != NULL) {
        struct writer w = writer_over(s->watch->hub->output, sizeof(s->watch->hub->output));
        for (size_t i = 0; i < count; i++)
            writer_put(&w, parts[i]);
        return writer_ok(&w) ? tls_write(s, writer_bytes(&w)) : -EAGAIN;
    }
    for (size_t i = 0; i < count; i++)
        data[i] = (struct iovec){.iov_base = (void *)parts[i].data, .iov_len = parts[i].len};
    ssize_t len = sendmsg(s->fd, &message, MSG_NOSIGNAL);
    return len < 0 ? -errno : len;
}

int stream_io_handshake(struct stream *s)
{
    uint64_t began = uv_hrtime();
    before_tls();
    int result = SSL_do_handshake(s->ssl);
    stream_hub_spend(s->watch->hub, uv_hrtime() - began);
    s->wants_write = result != 1 && SSL_want_write(s->ssl);
    return result == 1 ? 0 : tls_error(s, result);
}

int stream_io_shutdown(struct stream *s)
{
    if (s->ssl != NULL) {
        before_tls();
        int result = SSL_shutdown(s->ssl);
        if (result < 0 && tls_error(s, result) == -EAGAIN)
            return -EAGAIN;
    }
    return shutdown(s->fd, SHUT_WR) == 0 ? 0 : -errno;
}
