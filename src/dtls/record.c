/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/record.h"

enum { HEADER_SIZE = 13, VERSION_MAJOR = 0xfe };

bool dtls_next_record(struct reader *r, struct dtls_record *out)
{
    struct bytes start = r->rest;
    uint8_t type = reader_u8(r);
    uint8_t version_major = reader_u8(r);
    reader_u8(r); /* minor version: 1.0 in a first ClientHello, 1.2 later; OpenSSL judges it */
    uint16_t epoch = reader_u16(r);
    reader_take(r, 6); /* sequence number */
    uint16_t len = reader_u16(r);
    struct bytes body = reader_take(r, len);

    if (!reader_ok(r) || version_major != VERSION_MAJOR || type < DTLS_RECORD_CHANGE_CIPHER_SPEC ||
        type > DTLS_RECORD_APPLICATION_DATA)
        return false;
    *out = (struct dtls_record){.type = type,
        .epoch = epoch,
        .body = body,
        .whole = bytes_of(start.data, HEADER_SIZE + (size_t)len)};
    return true;
}

static bool is_client_hello(const struct dtls_record *record)
{
    return record->type == DTLS_RECORD_HANDSHAKE && record->epoch == 0 && record->body.len > 0 &&
           record->body.data[0] == DTLS_HANDSHAKE_CLIENT_HELLO;
}

bool dtls_has_client_hello(struct bytes datagram)
{
    struct reader r = reader_over(datagram);
    struct dtls_record record;
    while (dtls_next_record(&r, &record))
        if (is_client_hello(&record))
            return true;
    return false;
}
