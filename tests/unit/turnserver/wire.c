/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "mediaferry/channel_data.h"
#include "net/sockaddr.h"

enum { REPEAT_MS = 500 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_stream(const struct wire *w)
{
    return turn_path_is_stream(&w->client.path);
}

/* --- connecting --- */

static bool connect_socket(
    struct wire *w, const struct address *local, const struct address *server)
{
    struct sockaddr_storage from, to;
    int one = 1;
    w->fd = socket(server->family == ADDRESS_IP6 ? AF_INET6 : AF_INET,
        is_stream(w) ? SOCK_STREAM : SOCK_DGRAM, 0);
    if (w->fd < 0)
        return false;
    setsockopt(w->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
    if (is_stream(w))
        setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return bind(w->fd, (struct sockaddr *)&from, sockaddr_from_address(local, &from)) == 0 &&
           connect(w->fd, (struct sockaddr *)&to, sockaddr_from_address(server, &to)) == 0 &&
           address_of_socket(w->fd, &w->client.path.client) == 0;
}

static bool shake_hands(struct wire *w, const struct address *server)
{
    bool is_tls = w->client.path.transport == TURN_TLS;
    struct timeval wait = {.tv_sec = w->wait_ms / 1000, .tv_usec = w->wait_ms % 1000 * 1000};
    struct sockaddr_storage to;
    SSL_CTX *context = SSL_CTX_new(is_tls ? TLS_client_method() : DTLS_client_method());
    if (context == NULL)
        return false;
    w->ssl = SSL_new(context);
    SSL_CTX_free(context);
    if (w->ssl == NULL)
        return false;
    if (is_tls) {
        SSL_set_fd(w->ssl, w->fd);
    } else {
        BIO *bio = BIO_new_dgram(w->fd, BIO_NOCLOSE);
        sockaddr_from_address(server, &to);
        BIO_ctrl_set_connected(bio, &to);
        SSL_set_bio(w->ssl, bio, bio);
    }
    setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    return SSL_connect(w->ssl) == 1 && fcntl(w->fd, F_SETFL, O_NONBLOCK) == 0;
}

bool wire_open(struct wire *w, enum turn_transport transport, const struct address *local,
    const struct address *server, const char *user)
{
    bool is_alice = strcmp(user, "alice") == 0, is_bob = strcmp(user, "bob") == 0;
    *w = (struct wire){.wait_ms = w->wait_ms > 0 ? w->wait_ms : WIRE_WAIT_MS, .fd = -1};
    w->client = (struct client){
        .user = user,
        .password = is_alice ? "wonder"
                    : is_bob ? "builder"
                             : "cheshire",
        .realm = "example.org",
        .path = {.transport = transport, .server = *server},
    };
    bool is_safe = transport == TURN_TLS || transport == TURN_DTLS;
    if (connect_socket(w, local, server) && (!is_safe || shake_hands(w, server)))
        return true;
    wire_close(w);
    return false;
}

void wire_close(struct wire *w)
{
    if (w->ssl != NULL)
        SSL_shutdown(w->ssl);
    SSL_free(w->ssl);
    w->ssl = NULL;
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

bool wire_start(struct wire *w, enum turn_transport transport, const struct address *local,
    const struct address *server, const char *user)
{
    struct bytes nonce;
    if (!wire_open(w, transport, local, server, user))
        return false;
    if (wire_ask(w, STUN_ALLOCATE, "transport=17") != STUN_UNAUTHORIZED ||
        !stun_find(&w->client.reply, STUN_NONCE, &nonce) || nonce.len > sizeof(w->client.nonce)) {
        wire_close(w);
        return false;
    }
    memcpy(w->client.nonce, nonce.data, nonce.len);
    w->client.nonce_len = nonce.len;
    return true;
}

/* --- sending --- */

bool wire_send(struct wire *w, struct bytes bytes)
{
    if (w->ssl != NULL)
        return SSL_write(w->ssl, bytes.data, (int)bytes.len) == (int)bytes.len;
    return send(w->fd, bytes.data, bytes.len, MSG_NOSIGNAL) == (ssize_t)bytes.len;
}

void wire_request(struct wire *w, enum stun_method method, const char *line)
{
    uint8_t request[PACKET_DATA_MAX];
    size_t len = client_write(&w->client, method, line, request, sizeof(request));
    w->asked = stun_type(method, STUN_REQUEST);
    (void)wire_send(w, bytes_of(request, len));
}

static void send_padded(struct wire *w, uint8_t *message, size_t len)
{
    size_t padding = is_stream(w) ? channel_data_padding(len) : 0;
    memset(message + len, 0, padding);
    (void)wire_send(w, bytes_of(message, len + padding));
}

void wire_send_channel(struct wire *w, uint16_t number, const char *text)
{
    uint8_t message[1500];
    size_t len = strlen(text);
    channel_data_header(message, number, (uint16_t)len);
    memcpy(message + CHANNEL_HEADER_SIZE, text, len);
    send_padded(w, message, CHANNEL_HEADER_SIZE + len);
}

void wire_send_data(struct wire *w, const struct address *peer, const char *text)
{
    static const uint8_t id[STUN_ID_SIZE];
    uint8_t message[1500];
    struct writer writer = writer_over(message, sizeof(message));
    stun_begin(&writer, stun_type(STUN_SEND, STUN_INDICATION), bytes_of(id, sizeof(id)));
    stun_write_xor_address(&writer, STUN_XOR_PEER_ADDRESS, peer);
    stun_write_attr(&writer, STUN_DATA_ATTR, text_bytes(text_from(text)));
    (void)wire_send(w, writer_bytes(&writer));
}

/* --- receiving --- */

/* Returns the bytes read, 0 at the end of a stream or session, or -1 when there is nothing now. */
static ssize_t read_some(struct wire *w, uint8_t *out, size_t capacity)
{
    if (w->ssl != NULL) {
        int len = SSL_read(w->ssl, out, (int)capacity);
        int error = len > 0 ? SSL_ERROR_NONE : SSL_get_error(w->ssl, len);
        return len > 0 ? len : error == SSL_ERROR_WANT_READ ? -1 : 0;
    }
    ssize_t len = recv(w->fd, out, capacity, MSG_DONTWAIT);
    bool is_over = is_stream(w) && len < 0 && errno != EAGAIN;
    return is_over ? 0 : len == 0 && !is_stream(w) ? -1 : len;
}

static bool wait_readable(struct wire *w, int64_t until_ms)
{
    struct pollfd wait = {.fd = w->fd, .events = POLLIN};
    int64_t left_ms = until_ms - now_ms();
    return left_ms > 0 && poll(&wait, 1, (int)left_ms) >= 0;
}

/* The first whole message of a stream, taken out of the input when the next one is asked for. */
static bool take_frame(struct wire *w, struct bytes *out)
{
    struct turn_frame frame = turn_frame_at(bytes_of(w->input, w->input_len));
    if (frame.kind != TURN_FRAME_STUN && frame.kind != TURN_FRAME_CHANNEL_DATA)
        return false;
    w->message_len = frame.size;
    *out = bytes_of(w->input, frame.len);
    return true;
}

static void drop_last(struct wire *w)
{
    w->input_len -= w->message_len;
    memmove(w->input, w->input + w->message_len, w->input_len);
    w->message_len = 0;
}

static struct bytes receive_until(struct wire *w, int64_t until_ms)
{
    struct bytes message;
    drop_last(w);
    for (;;) {
        if (is_stream(w) && take_frame(w, &message))
            return message;
        ssize_t len = read_some(w, w->input + w->input_len, sizeof(w->input) - w->input_len);
        if (len > 0)
            w->input_len += (size_t)len;
        if (len > 0 && !is_stream(w)) {
            w->message_len = w->input_len;
            return bytes_of(w->input, w->input_len);
        }
        if (len == 0 || (len < 0 && !wait_readable(w, until_ms)))
            return bytes_of(NULL, 0);
    }
}

struct bytes wire_receive(struct wire *w)
{
    return receive_until(w, now_ms() + w->wait_ms);
}

static bool is_answer(const struct wire *w, struct bytes message)
{
    struct stun_message m;
    return stun_parse(message, &m) == STUN_OK && stun_class_of(m.type) >= STUN_SUCCESS &&
           stun_method_of(m.type) == stun_method_of(w->asked) &&
           memcmp(m.id.data, &w->client.ids, sizeof(w->client.ids)) == 0;
}

static unsigned answer_until(struct wire *w, int64_t until_ms)
{
    for (;;) {
        struct bytes message = receive_until(w, until_ms);
        if (message.len == 0)
            return ASK_SILENCE;
        if (is_answer(w, message))
            return client_read(&w->client, message, w->asked);
    }
}

unsigned wire_answer(struct wire *w)
{
    return answer_until(w, now_ms() + w->wait_ms);
}

unsigned wire_ask(struct wire *w, enum stun_method method, const char *line)
{
    int64_t end_ms = now_ms() + w->wait_ms;
    for (;;) {
        int64_t repeat_ms = now_ms() + REPEAT_MS;
        bool is_last = is_stream(w) || repeat_ms >= end_ms;
        wire_request(w, method, line);
        unsigned code = answer_until(w, is_last ? end_ms : repeat_ms);
        if (code != ASK_SILENCE || is_last)
            return code;
        w->client.repeat = true;
    }
}

static bool is_data(struct bytes message, const struct address *peer, const char *text)
{
    struct stun_message m;
    struct bytes value, data;
    struct address from;
    return stun_parse(message, &m) == STUN_OK && m.type == stun_type(STUN_DATA, STUN_INDICATION) &&
           stun_find(&m, STUN_XOR_PEER_ADDRESS, &value) &&
           stun_read_xor_address(&m, value, &from) && address_equal(&from, peer) &&
           stun_find(&m, STUN_DATA_ATTR, &data) && bytes_equal(data, text_bytes(text_from(text)));
}

bool wire_hears_data(struct wire *w, const struct address *peer, const char *text)
{
    int64_t end_ms = now_ms() + w->wait_ms;
    for (;;) {
        struct bytes message = receive_until(w, end_ms);
        if (message.len == 0)
            return false;
        if (is_data(message, peer, text))
            return true;
    }
}

bool wire_hears_channel(struct wire *w, uint16_t number, const char *text)
{
    int64_t end_ms = now_ms() + w->wait_ms;
    for (;;) {
        struct bytes message = receive_until(w, end_ms);
        struct channel_data data;
        if (message.len == 0)
            return false;
        if (channel_data_parse(message, &data) && data.number == number &&
            bytes_equal(data.data, text_bytes(text_from(text))))
            return true;
    }
}

bool wire_is_closed(struct wire *w)
{
    int64_t end_ms = now_ms() + w->wait_ms;
    uint8_t rest[4096];
    for (;;) {
        ssize_t len = read_some(w, rest, sizeof(rest));
        if (len == 0)
            return true;
        if (len < 0 && !wait_readable(w, end_ms))
            return false;
    }
}

struct address wire_relayed(const struct wire *w)
{
    return reply_address(&w->client, STUN_XOR_RELAYED_ADDRESS);
}

const char *wire_line(char out[128], const char *format, const struct address *a)
{
    char text[ADDRESS_TEXT_SIZE];
    address_text(a, text);
    snprintf(out, 128, format, text);
    return out;
}
