/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "mediaferry/proxy_protocol.h"
#include "net/sockaddr.h"
#include "net/stream_state.h"
#include "net/tcp_socket.h"
#include "net/tls_context.h"

enum { TLS_HANDSHAKE_RECORD = 22, TLS_RECORD_HEADER = 5, TLS_RECORD_MAX = 16384 };

static int finish_connect(struct stream *s, enum stream_end *end)
{
    *end = STREAM_CONNECT_FAILED;
    int error = tcp_socket_error(s->fd);
    if (error != 0)
        return error;
    s->phase = STREAM_PHASE_OPEN;
    return address_of_socket(s->fd, &s->local);
}

/* Reads not a byte more than belongs to the header. */
static int read_proxy_bytes(struct stream *s, size_t needed, enum stream_end *end)
{
    uint8_t *block = realloc(s->input_block, needed);
    if (block == NULL) {
        *end = STREAM_NO_MEMORY;
        return -ENOMEM;
    }
    s->input_block = block;
    s->input.data = block;
    ssize_t len = recv(s->fd, block + s->input.len, needed - s->input.len, 0);
    if (len <= 0) {
        *end = len == 0 ? STREAM_PEER_CLOSED : STREAM_RESET;
        return len == 0 ? -ECONNRESET : -errno;
    }
    s->input.len += (size_t)len;
    return 0;
}

static int read_proxy_header(struct stream *s, enum stream_end *end)
{
    for (;;) {
        struct proxy_header header;
        size_t needed;
        enum proxy_status status = proxy_parse(s->input, &header, &needed);
        if (status == PROXY_NEED_MORE) {
            int error = read_proxy_bytes(s, needed, end);
            if (error != 0)
                return error;
            continue;
        }
        free(s->input_block);
        s->input_block = NULL;
        s->input = bytes_of(NULL, 0);
        if (status != PROXY_OK) {
            *end = STREAM_PROXY_ERROR;
            return -EPROTO;
        }
        if (header.source.family != ADDRESS_NONE)
            s->client = header.source;
        s->phase = STREAM_PHASE_SNIFF;
        return 0;
    }
}

static int begin_tls(struct stream *s)
{
    s->ssl = SSL_new(tls_context_stream(s->tls));
    if (s->ssl == NULL || SSL_set_fd(s->ssl, s->fd) != 1)
        return -ENOMEM;
    SSL_set_accept_state(s->ssl);
    s->phase = STREAM_PHASE_HANDSHAKE;
    return 0;
}

/*
 * Whether the first record of TLS has come as a whole, which is asked of the kernel: a handshake of
 * OpenSSL's holds tens of KiB, so who sends a byte a minute does not get one. Woken before that,
 * the peer has ended, and OpenSSL may find out.
 */
static bool first_record_is_here(struct stream *s)
{
    uint8_t header[TLS_RECORD_HEADER];
    size_t needed = TLS_RECORD_HEADER;
    if (recv(s->fd, header, sizeof(header), MSG_PEEK) == TLS_RECORD_HEADER)
        needed += (size_t)(header[3] << 8 | header[4]);
    bool is_here =
        needed > TLS_RECORD_MAX || needed == s->awaited || tcp_socket_available(s->fd) >= needed;
    s->awaited = is_here ? 1 : needed;
    tcp_socket_wake_at(s->fd, s->awaited);
    return is_here;
}

static int sniff(struct stream *s, enum stream_end *end)
{
    uint8_t first;
    ssize_t len = recv(s->fd, &first, 1, MSG_PEEK);
    if (len <= 0) {
        *end = len == 0 ? STREAM_PEER_CLOSED : STREAM_RESET;
        return len == 0 ? -ECONNRESET : -errno;
    }
    bool is_tls = s->tls != NULL && first == TLS_HANDSHAKE_RECORD;
    if (is_tls && !first_record_is_here(s))
        return -EAGAIN;
    *end = STREAM_NO_MEMORY;
    s->phase = STREAM_PHASE_OPEN;
    int error = is_tls ? begin_tls(s) : 0;
    tls_context_unref(s->tls);
    s->tls = NULL;
    return error;
}

static int shake_hands(struct stream *s, enum stream_end *end)
{
    struct stream_counters *counters = &s->watch->hub->counters;
    if (!stream_hub_has_time(s->watch->hub))
        return -EAGAIN;
    int error = stream_io_handshake(s);
    if (error == 0) {
        s->phase = STREAM_PHASE_OPEN;
        counter_add(&counters->tls_opened, 1);
    } else if (error != -EAGAIN) {
        *end = stream_io_end(s);
    }
    return error;
}

int stream_start(struct stream *s, enum stream_end *end)
{
    int error = 0;
    if (s->phase == STREAM_PHASE_CONNECT)
        error = finish_connect(s, end);
    if (error == 0 && s->phase == STREAM_PHASE_PROXY)
        error = read_proxy_header(s, end);
    if (error == 0 && s->phase == STREAM_PHASE_SNIFF)
        error = sniff(s, end);
    if (error == 0 && s->phase == STREAM_PHASE_HANDSHAKE)
        error = shake_hands(s, end);
    return error;
}
