/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit/net/stream_world.h - streams on a loop that the test turns by hand, and peers that are plain
 * non-blocking sockets, with or without a TLS client.
 */
#ifndef UNIT_NET_STREAM_WORLD_H
#define UNIT_NET_STREAM_WORLD_H

#include <openssl/ssl.h>

#include "net/stream.h"
#include "net/tls_context.h"

enum { HEARD_MAX = 1 << 20 };

/* The owner of a stream: writes down what its hooks were told. */
struct side {
    struct stream *stream;
    unsigned opened, inputs, drained, ends;
    enum stream_end end;
    int error;
    size_t keep; /* leave so many bytes unread */
    size_t heard_len;
    uint8_t *heard;
    void (*in_input)(struct side *side); /* in place of reading all, when not NULL */
    void (*in_open)(struct side *side);
    void (*in_end)(struct side *side);
    struct side *other; /* for the test */
};

/* The other end of the wire. */
struct peer {
    int fd;
    SSL *ssl;
    bool has_failed, was_told_end;
    size_t heard_len;
    uint8_t *heard;
};

struct stream_world {
    uv_loop_t loop;
    struct stream_hub *hub;
    struct tls_context *tls;
    SSL_CTX *client_tls;
};

extern const struct stream_hooks side_hooks;

void stream_world_init(struct stream_world *w);
/* All streams are closed. */
void stream_world_done(struct stream_world *w);

/* Reads all but `keep`; what sides do when they are told nothing else. */
void side_read(struct side *side);
void side_done(struct side *side);
void side_write(struct side *side, const char *message);

/* A connected pair of TCP sockets, both non-blocking: ours in `fd`. */
void connect_pair(struct peer *peer, int *fd, struct address *client, struct address *local);

/* A stream that was accepted, its peer connected, nothing said. */
void accept_side(struct stream_world *w, const struct stream_accept_config *changes,
    struct side *side, struct peer *peer);

void peer_start_tls(struct stream_world *w, struct peer *peer);
/* Sends all; the loop must not be needed for that. */
void peer_write(struct peer *peer, const void *data, size_t len);
void peer_say(struct peer *peer, const char *words);
/* One step: handshake, reading. */
void peer_go_on(struct peer *peer);
bool peer_has_heard(const struct peer *peer, const char *words);
bool side_has_heard(const struct side *side, const char *words);
/* Closes with a FIN, or with a RST. */
void peer_close(struct peer *peer);
void peer_reset(struct peer *peer);

/* Turns the loop, and gives the peer (may be NULL) its steps, until a condition holds; fails after
 * ten seconds. */
#define run_until(w, peer, condition)                                                              \
    do {                                                                                           \
        uint64_t began_ = uv_hrtime();                                                             \
        while (!(condition)) {                                                                     \
            world_turn((w), (peer));                                                               \
            if (uv_hrtime() - began_ > 10000000000ull)                                             \
                fail_msg("never: %s", #condition);                                                 \
        }                                                                                          \
    } while (0)

void world_turn(struct stream_world *w, struct peer *peer);
/* Some turns, for what must not happen. */
void world_turns(struct stream_world *w, struct peer *peer);

#endif
