/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/afterglow.h"

#include "dtls/record.h"

static void append(struct dtls_afterglow *g, struct bytes record)
{
    struct writer w = writer_over(g->flight, sizeof(g->flight));
    w.len = g->flight_len;
    writer_put(&w, record);
    if (writer_ok(&w))
        g->flight_len = (uint16_t)w.len;
}

void dtls_afterglow_watch(struct dtls_afterglow *g, struct bytes datagram)
{
    struct reader r = reader_over(datagram);
    struct dtls_record record;
    while (dtls_next_record(&r, &record)) {
        if (record.type == DTLS_RECORD_CHANGE_CIPHER_SPEC)
            g->flight_len = 0; /* a flight begins, or begins again */
        else if (record.type != DTLS_RECORD_HANDSHAKE || record.epoch == 0)
            continue;
        append(g, record.whole);
    }
}

void dtls_afterglow_keep_farewell(struct dtls_afterglow *g, struct bytes datagram)
{
    struct writer w = writer_over(g->farewell, sizeof(g->farewell));
    writer_put(&w, datagram);
    g->farewell_len = (uint16_t)writer_bytes(&w).len;
}

/* Encrypted handshake records of a client are its Finished: there is nothing else it could say. */
static bool has_finished(struct bytes datagram)
{
    struct reader r = reader_over(datagram);
    struct dtls_record record;
    while (dtls_next_record(&r, &record))
        if (record.type == DTLS_RECORD_HANDSHAKE && record.epoch > 0)
            return true;
    return false;
}

struct bytes dtls_afterglow_answer(struct dtls_afterglow *g, struct bytes datagram, uint64_t now_ms)
{
    if (g->repeats >= DTLS_REPEATS_MAX || now_ms < g->repeat_not_before_ms ||
        !has_finished(datagram))
        return bytes_of(NULL, 0);
    g->repeats++;
    g->repeat_not_before_ms = now_ms + DTLS_REPEAT_MIN_MS;
    return bytes_of(g->flight, g->flight_len);
}
