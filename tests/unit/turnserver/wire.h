/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turnserver/wire.h - a TURN client on a socket, over UDP, TCP, TLS or DTLS. What it sends is
 * written by turn/client.h, from lines of text.
 *
 * For any thread, one client each; never asserts, so that it may be used where cmocka may not.
 */
#ifndef TURNSERVER_WIRE_H
#define TURNSERVER_WIRE_H

#include <openssl/ssl.h>

#include "client.h"

enum { WIRE_WAIT_MS = 3000 };

struct wire {
    struct client client;
    int fd;   /* -1: closed */
    SSL *ssl; /* NULL: UDP, TCP */
    uint16_t asked;
    int wait_ms; /* for answers; 0 when it is opened: WIRE_WAIT_MS */
    size_t input_len;
    uint8_t input[16384]; /* of a stream: what is not a whole message yet */
    size_t message_len;   /* of the message read last */
};

/* The memory is all zeros, or was used before. Connects `user` ("alice", "bob", or another with the
 * password "cheshire") from `local`, its port chosen by the kernel. False when that fails; then it
 * is closed. */
bool wire_open(struct wire *w, enum turn_transport transport, const struct address *local,
    const struct address *server, const char *user);
void wire_close(struct wire *w);

/* The same and asks for a nonce. */
bool wire_start(struct wire *w, enum turn_transport transport, const struct address *local,
    const struct address *server, const char *user);

/* Sends a request and waits for its answer; a datagram is repeated. Returns 0 for success, the code
 * of an error, or ASK_SILENCE. Data that comes meanwhile is lost. */
unsigned wire_ask(struct wire *w, enum stun_method method, const char *line);

/* The two halves, without repetition. */
void wire_request(struct wire *w, enum stun_method method, const char *line);
unsigned wire_answer(struct wire *w);

/* Any bytes, as they are. */
bool wire_send(struct wire *w, struct bytes bytes);

/* ChannelData, or a Send indication to `peer`. */
void wire_send_channel(struct wire *w, uint16_t number, const char *text);
void wire_send_data(struct wire *w, const struct address *peer, const char *text);

/* Waits for a message, of any kind; empty when none comes. Good until the next call. */
struct bytes wire_receive(struct wire *w);

/* Waits for data: whether these bytes came, from this peer or by this channel. Other messages are
 * skipped. */
bool wire_hears_data(struct wire *w, const struct address *peer, const char *text);
bool wire_hears_channel(struct wire *w, uint16_t number, const char *text);

/* Whether the server closes the connection, or the DTLS session. */
bool wire_is_closed(struct wire *w);

/* The relayed address in the answer read last. */
struct address wire_relayed(const struct wire *w);

/* Formats a line with an address in it: "peer=%s". */
const char *wire_line(char out[128], const char *format, const struct address *a);

#endif
