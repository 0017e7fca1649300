/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/client_hello.h"

#include "dtls/record.h"

enum { HELLO_VERIFY_REQUEST = 3, HANDSHAKE_HEADER = 12, DTLS_1_0 = 0xfeff };

/* The part of the message that this record has. */
static bool read_fragment(struct bytes body, struct bytes *out)
{
    struct reader r = reader_over(body);
    uint8_t type = reader_u8(&r);
    uint32_t length = reader_u24(&r);
    reader_u16(&r); /* message number: 0, and 1 with a cookie; OpenSSL judges it */
    uint32_t offset = reader_u24(&r);
    uint32_t fragment_length = reader_u24(&r);
    *out = reader_take(&r, fragment_length);
    return reader_ok(&r) && type == DTLS_HANDSHAKE_CLIENT_HELLO && offset == 0 &&
           fragment_length <= length;
}

bool dtls_client_hello_parse(struct bytes datagram, struct dtls_client_hello *out)
{
    struct reader records = reader_over(datagram);
    struct dtls_record record;
    struct bytes fragment;
    if (!dtls_next_record(&records, &record) || record.type != DTLS_RECORD_HANDSHAKE ||
        record.epoch != 0 || !read_fragment(record.body, &fragment))
        return false;

    struct reader header = reader_over(record.whole);
    reader_take(&header, 3); /* type and version */
    struct reader r = reader_over(fragment);
    struct dtls_client_hello hello = {.sequence = reader_take(&header, 8)};
    reader_u16(&r); /* the highest version it knows */
    hello.random = reader_take(&r, DTLS_HELLO_RANDOM_SIZE);
    reader_take(&r, reader_u8(&r)); /* session id */
    hello.cookie = reader_take(&r, reader_u8(&r));
    if (!reader_ok(&r))
        return false;
    *out = hello;
    return true;
}

/* RFC 6347, section 4.2.1: the number of the record is that of the ClientHello's, the version is
 * 1.0 whatever will be chosen, the number of the message is 0. */
void dtls_write_hello_verify(
    struct writer *w, const struct dtls_client_hello *hello, struct bytes cookie)
{
    uint16_t body = (uint16_t)(2 + 1 + cookie.len);
    writer_u8(w, DTLS_RECORD_HANDSHAKE);
    writer_u16(w, DTLS_1_0);
    writer_put(w, hello->sequence);
    writer_u16(w, (uint16_t)(HANDSHAKE_HEADER + body));

    writer_u8(w, HELLO_VERIFY_REQUEST);
    writer_u8(w, 0);
    writer_u16(w, body);
    writer_u16(w, 0); /* message number */
    writer_u8(w, 0);
    writer_u16(w, 0); /* offset */
    writer_u8(w, 0);
    writer_u16(w, body);

    writer_u16(w, DTLS_1_0);
    writer_u8(w, (uint8_t)cookie.len);
    writer_put(w, cookie);
}
