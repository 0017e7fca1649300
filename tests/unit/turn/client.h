/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/client.h - a TURN client that writes its messages from a line of text and reads the answer.
 *
 * A line is words `name=value`, in the order they are written:
 *
 *     transport=17  family=1  additional=2  lifetime=600  even=80  token=HEX  df  ticket=HEX
 *     peer=IP:PORT  channel=4000  data=TEXT  id=7 (CONNECTION-ID)  origin=TEXT
 *     raw=TYPE:HEX   any other attribute, numbers in hex
 *     sign           here stands MESSAGE-INTEGRITY; what follows is behind it
 *
 * Without the word `sign` a request is signed at its end when the client knows a nonce.
 */
#ifndef TURN_CLIENT_H
#define TURN_CLIENT_H

#include "mediaferry/stun.h"
#include "world.h"

/* What came of a request, beside the error codes and 0 for success. */
enum { ASK_SILENCE = 1, ASK_NOT_FOUND, ASK_ANOTHER, ASK_LOOKUP, ASK_STRANGE };

struct client {
    struct world *world;
    struct turn_path path;
    const char *user;
    const char *password;
    const char *realm;
    char nonce[NONCE_MAX_SIZE];
    size_t nonce_len; /* 0: requests are not signed */
    bool sha256;      /* MESSAGE-INTEGRITY-SHA256 */
    bool fingerprint;
    bool repeat; /* the next request has the transaction id of the last one */
    uint64_t ids;

    /* The answer to the last request. */
    size_t reply_len;
    uint8_t reply_bytes[PACKET_DATA_MAX];
    struct stun_message reply;
    bool reply_is_signed; /* with the key of the user, as asked */
};

/* A client at `address` (of the transport), alice, with a nonce it was given. */
void client_start(
    struct client *c, struct world *w, enum turn_transport transport, const char *address);

/* Asks without credentials and takes the nonce of the answer. */
void client_challenge(struct client *c);

/* Sends a request. Returns 0 for success, the code of an error, or one of ASK_. */
unsigned ask(struct client *c, enum stun_method method, const char *line);

/* Writes what ask() sends. */
size_t client_write(
    struct client *c, enum stun_method method, const char *line, uint8_t *out, size_t capacity);

/* Takes an answer, for who has sent the request himself. Returns as ask(). */
unsigned client_read(struct client *c, struct bytes answer, uint16_t request_type);

/* Sends an indication, or ChannelData. Returns why it was dropped. */
enum drop_reason send_indication(struct client *c, const char *line);
enum drop_reason send_channel(struct client *c, uint16_t number, const char *text);

/* An attribute of the answer; false when it is not there. */
bool reply_has(const struct client *c, uint16_t type);
uint32_t reply_u32(const struct client *c, uint16_t type);
struct address reply_address(const struct client *c, uint16_t type);

#endif
