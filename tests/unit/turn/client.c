/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <assert.h>
#include <stdlib.h>

#include "mediaferry/channel_data.h"
#include "stun/integrity.h"

/* --- writing --- */

static size_t unhex(struct text hex, uint8_t *out, size_t capacity)
{
    size_t len = hex.len / 2;
    assert(len <= capacity);
    for (size_t i = 0; i < len; i++) {
        char digits[] = {hex.data[2 * i], hex.data[2 * i + 1], '\0'};
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return len;
}

static uint32_t number_of(struct text value, int base)
{
    char digits[24] = "";
    assert(value.len < sizeof(digits));
    if (value.len > 0)
        memcpy(digits, value.data, value.len);
    return (uint32_t)strtoul(digits, NULL, base);
}

static void write_hex(struct writer *w, uint16_t type, struct text hex)
{
    uint8_t bytes[512];
    stun_write_attr(w, type, bytes_of(bytes, unhex(hex, bytes, sizeof(bytes))));
}

static void write_peer(struct writer *w, struct text value)
{
    struct address peer;
    bool ok = address_parse_with_port(value, 0, &peer);
    assert(ok);
    (void)ok;
    stun_write_xor_address(w, STUN_XOR_PEER_ADDRESS, &peer);
}

static void client_key(const struct client *c, struct long_term_keys *keys)
{
    bool ok =
        long_term_derive(text_from(c->user), text_from(c->realm), text_from(c->password), keys);
    assert(ok);
    (void)ok;
}

/* With SHA-256 the keys are MD5 still: a client that ignores PASSWORD-ALGORITHMS. */
static void sign(const struct client *c, struct writer *w)
{
    struct long_term_keys keys;
    client_key(c, &keys);
    stun_write_attr(w, STUN_USERNAME, text_bytes(text_from(c->user)));
    stun_write_attr(w, STUN_REALM, text_bytes(text_from(c->realm)));
    stun_write_attr(w, STUN_NONCE, bytes_of(c->nonce, c->nonce_len));
    if (c->sha256)
        stun_write_integrity_sha256(w, bytes_of(keys.md5, sizeof(keys.md5)));
    else
        stun_write_integrity(w, bytes_of(keys.md5, sizeof(keys.md5)));
}

static const struct {
    const char *name;
    uint16_t type;
    char shape; /* b: a byte and three, n: a number, h: hex digits, t: text, c: channel, p: peer */
} words[] = {
    {"transport", STUN_REQUESTED_TRANSPORT, 'b'},
    {"family", STUN_REQUESTED_ADDRESS_FAMILY, 'b'},
    {"additional", STUN_ADDITIONAL_ADDRESS_FAMILY, 'b'},
    {"lifetime", STUN_LIFETIME, 'n'},
    {"id", STUN_CONNECTION_ID, 'n'},
    {"even", STUN_EVEN_PORT, 'h'},
    {"token", STUN_RESERVATION_TOKEN, 'h'},
    {"ticket", STUN_MOBILITY_TICKET, 'h'},
    {"df", STUN_DONT_FRAGMENT, 'h'},
    {"data", STUN_DATA_ATTR, 't'},
    {"origin", STUN_ORIGIN, 't'},
    {"channel", STUN_CHANNEL_NUMBER, 'c'},
    {"peer", STUN_XOR_PEER_ADDRESS, 'p'},
};

static void write_word(struct writer *w, struct text name, struct text value)
{
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (!text_is(name, words[i].name))
            continue;
        uint16_t type = words[i].type;
        switch (words[i].shape) {
        case 'b':
            stun_write_u32(w, type, number_of(value, 10) << 24);
            return;
        case 'n':
            stun_write_u32(w, type, number_of(value, 10));
            return;
        case 'h':
            write_hex(w, type, value);
            return;
        case 't':
            stun_write_attr(w, type, text_bytes(value));
            return;
        case 'c':
            stun_write_u32(w, type, number_of(value, 16) << 16);
            return;
        default:
            write_peer(w, value);
            return;
        }
    }
    assert(text_is(name, "raw"));
    uint16_t type = (uint16_t)number_of(text_cut(&value, ':'), 16);
    write_hex(w, type, value);
}

/* Returns whether the line said where to sign. */
static bool write_line(const struct client *c, struct writer *w, const char *line)
{
    struct text rest = text_from(line);
    bool is_signed = false;
    while (rest.len > 0) {
        struct text word = text_word(&rest, ' ');
        if (text_is(word, "sign")) {
            sign(c, w);
            is_signed = true;
        } else if (word.len > 0) {
            struct text name = text_cut(&word, '=');
            write_word(w, name, word);
        }
    }
    return is_signed;
}

static void write_id(struct client *c, uint8_t id[STUN_ID_SIZE])
{
    if (!c->repeat)
        c->ids++;
    c->repeat = false;
    memset(id, 0x55, STUN_ID_SIZE);
    memcpy(id, &c->ids, sizeof(c->ids));
    id[11] = (uint8_t)c->path.client.port;
}

size_t client_write(
    struct client *c, enum stun_method method, const char *line, uint8_t *out, size_t capacity)
{
    uint8_t id[STUN_ID_SIZE];
    struct writer w = writer_over(out, capacity);
    write_id(c, id);
    stun_begin(&w, stun_type(method, STUN_REQUEST), bytes_of(id, sizeof(id)));
    if (!write_line(c, &w, line) && c->nonce_len > 0)
        sign(c, &w);
    if (c->fingerprint)
        stun_write_fingerprint(&w);
    assert(writer_ok(&w));
    return w.len;
}

/* --- the answer --- */

static bool is_signed(const struct client *c)
{
    struct long_term_keys keys;
    client_key(c, &keys);
    struct bytes key = bytes_of(keys.md5, sizeof(keys.md5));
    enum stun_check check =
        c->sha256 ? stun_check_integrity_sha256(&c->reply, key, STUN_INTEGRITY_SHA256_SIZE)
                  : stun_check_integrity(&c->reply, key);
    return check == STUN_CHECK_RIGHT;
}

unsigned client_read(struct client *c, struct bytes answer, uint16_t request_type)
{
    struct bytes value;
    unsigned code = 0;
    struct text reason;

    assert(answer.len <= sizeof(c->reply_bytes));
    memcpy(c->reply_bytes, answer.data, answer.len);
    c->reply_len = answer.len;
    if (stun_parse(bytes_of(c->reply_bytes, c->reply_len), &c->reply) != STUN_OK ||
        stun_method_of(c->reply.type) != stun_method_of(request_type) ||
        stun_check_fingerprint(&c->reply) !=
            (c->fingerprint ? STUN_CHECK_RIGHT : STUN_CHECK_ABSENT))
        return ASK_STRANGE;
    c->reply_is_signed = is_signed(c);
    if (stun_class_of(c->reply.type) == STUN_SUCCESS)
        return 0;
    if (stun_class_of(c->reply.type) != STUN_ERROR ||
        !stun_find(&c->reply, STUN_ERROR_CODE, &value) || !stun_read_error(value, &code, &reason))
        return ASK_STRANGE;
    return code;
}

static unsigned read_reply(struct client *c, const struct sent *sent, uint16_t request_type)
{
    assert(sent->kind == SENT_TO_CLIENT);
    assert(address_equal(&sent->path.client, &c->path.client));
    return client_read(c, bytes_of(sent->data, sent->len), request_type);
}

unsigned ask(struct client *c, enum stun_method method, const char *line)
{
    uint8_t request[PACKET_DATA_MAX];
    struct world *w = c->world;
    size_t len = client_write(c, method, line, request, sizeof(request));

    world_forget(w);
    c->reply_len = 0;
    switch (world_from_client(w, &c->path, bytes_of(request, len), 0)) {
    case TURN_DONE:
        break;
    case TURN_ANOTHER:
        return ASK_ANOTHER;
    case TURN_NOT_FOUND:
        return ASK_NOT_FOUND;
    case TURN_LOOKUP:
        return ASK_LOOKUP;
    }
    if (w->sent_count == 0)
        return ASK_SILENCE;
    return read_reply(c, world_last(w), stun_type(method, STUN_REQUEST));
}

bool reply_has(const struct client *c, uint16_t type)
{
    return stun_has(&c->reply, type);
}

uint32_t reply_u32(const struct client *c, uint16_t type)
{
    struct bytes value;
    uint32_t number = UINT32_MAX;
    if (stun_find(&c->reply, type, &value) && stun_read_u32(value, &number))
        return number;
    return UINT32_MAX;
}

struct address reply_address(const struct client *c, uint16_t type)
{
    struct bytes value;
    struct address a = {.family = ADDRESS_NONE};
    if (stun_find(&c->reply, type, &value) && stun_read_xor_address(&c->reply, value, &a))
        return a;
    return (struct address){.family = ADDRESS_NONE};
}

/* --- data --- */

enum drop_reason send_indication(struct client *c, const char *line)
{
    uint8_t message[PACKET_DATA_MAX], id[STUN_ID_SIZE];
    struct writer w = writer_over(message, sizeof(message));
    write_id(c, id);
    stun_begin(&w, stun_type(STUN_SEND, STUN_INDICATION), bytes_of(id, sizeof(id)));
    write_line(c, &w, line);
    if (c->fingerprint)
        stun_write_fingerprint(&w);
    world_forget(c->world);
    world_from_client(c->world, &c->path, writer_bytes(&w), 0);
    return c->world->drop;
}

enum drop_reason send_channel(struct client *c, uint16_t number, const char *text)
{
    uint8_t message[PACKET_DATA_MAX];
    size_t len = strlen(text);
    channel_data_header(message, number, (uint16_t)len);
    memcpy(message + CHANNEL_HEADER_SIZE, text, len);
    world_forget(c->world);
    world_from_client(c->world, &c->path, bytes_of(message, CHANNEL_HEADER_SIZE + len), 0);
    return c->world->drop;
}

/* --- life --- */

void client_start(
    struct client *c, struct world *w, enum turn_transport transport, const char *address)
{
    *c = (struct client){.world = w, .user = "alice", .password = "wonder", .realm = "example.org"};
    c->path.transport = transport;
    c->path.client = c->path.hop = world_address(address);
    c->path.server =
        world_address(c->path.client.family == ADDRESS_IP6 ? "[2600:2::2]:3478" : "20.0.0.9:3478");
    c->path.link_id = transport == TURN_UDP ? 0 : c->path.client.port;
    client_challenge(c);
}

void client_challenge(struct client *c)
{
    struct bytes nonce;
    size_t packet_limit = c->world->packet_limit;
    c->world->packet_limit = SIZE_MAX;
    c->nonce_len = 0;
    unsigned code = ask(c, STUN_ALLOCATE, "transport=17");
    c->world->packet_limit = packet_limit;
    bool ok = code == 401 && stun_find(&c->reply, STUN_NONCE, &nonce);
    assert(ok && nonce.len <= sizeof(c->nonce));
    (void)ok;
    memcpy(c->nonce, nonce.data, nonce.len);
    c->nonce_len = nonce.len;
}
