/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/stream.h - one TCP connection on a loop, plain or TLS.
 *
 *                    first byte 0x16, TLS on            handshake done
 *     stream_accept ------------------------> (TLS) ---------------------+
 *        | (PROXY header first, when asked)                              v
 *        +---------------------------------------------------------->  OPEN  ---> ENDED
 *     stream_connect ----------------------- connected --------------^
 *
 * Hooks are called by the loop only, never from inside a call of the owner; within a hook all is
 * allowed, also to close or detach the stream. A stream lives until stream_close(): after on_end
 * too. It has no timers: the owner closes what takes too long.
 *
 * Input: bytes are kept until the owner consumes them. An owner that cannot go on pauses; bytes
 * that reach the input limit while it is not paused end the stream. Output: what the kernel does
 * not take is queued, up to a limit; a write is taken whole or not at all.
 *
 * A stream may leave its loop with all it holds (descriptor, TLS state, unread input, unsent
 * output) and go on in the loop of another thread: stream_detach(), hand over, stream_attach().
 *
 * TLS writes with write(2): the process must ignore SIGPIPE.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "mediaferry/address.h"
#include "net/stream_hub.h"

struct stream;
struct tls_context;

enum stream_transport { STREAM_TCP, STREAM_TLS };

enum stream_end {
    STREAM_PEER_CLOSED,    /* no more input; writing is still possible */
    STREAM_RESET,          /* reset, unreachable, timed out in the kernel */
    STREAM_CONNECT_FAILED, /* of stream_connect() */
    STREAM_TLS_ERROR,      /* handshake failed or broken record: stream_tls_reason() */
    STREAM_PROXY_ERROR,    /* not the PROXY header that must come first */
    STREAM_OVERFLOW,       /* input limit reached */
    STREAM_NO_MEMORY,
};

/* The longest message that is framed over TCP, a STUN message of 20 + 65,532 bytes, and some. */
enum { STREAM_INPUT_MAX = 66 * 1024, STREAM_PARTS_MAX = 4 };

struct stream_hooks {
    /* Accepted and its transport and client are known, or connected. May be NULL. */
    void (*on_open)(void *owner);
    /* There is more in stream_input(). */
    void (*on_input)(void *owner);
    /* Nothing is unsent any more, after something was. May be NULL. */
    void (*on_drained)(void *owner);
    /* `error`: a negative errno, or 0. After STREAM_PEER_CLOSED it may be called once more, with
     * another end, when sending fails; otherwise it is the last hook. Unread input stays. */
    void (*on_end)(void *owner, enum stream_end end, int error);
};

struct stream_limits {
    size_t input;  /* unread bytes, at most STREAM_INPUT_MAX; 0: that */
    size_t output; /* unsent bytes; 0: 128 KiB */
};

enum stream_opening {
    STREAM_SNIFF, /* TLS or plain, by the first byte */
    STREAM_RAW,   /* plain, open at once, whatever comes: on_open is not called */
};

struct stream_accept_config {
    int fd; /* non-blocking; the stream takes it, on failure too */
    struct address client;
    struct address local;
    enum stream_opening opening;
    struct tls_context *tls; /* the stream takes a reference of its own; NULL: plain only */
    bool expects_proxy;      /* the client is a trusted proxy: a PROXY v2 header comes first */
    struct stream_limits limits;
    const struct stream_hooks *hooks; /* borrowed */
    void *owner;                      /* borrowed */
};

/* Returns 0 and a new stream in `out`, or a negative errno or UV_E code. */
NODISCARD int stream_accept(
    struct stream_hub *hub, const struct stream_accept_config *config, struct stream **out);

struct stream_connect_config {
    struct address local; /* bound with SO_REUSEADDR and SO_REUSEPORT; no family: any */
    struct address remote;
    struct stream_limits limits;
    const struct stream_hooks *hooks; /* borrowed */
    void *owner;                      /* borrowed */
};

/* Connects, plain. Returns 0 and a new stream in `out`, for which on_open or on_end will tell the
 * outcome; or a negative errno or UV_E code when it has failed at once. */
NODISCARD int stream_connect(
    struct stream_hub *hub, const struct stream_connect_config *config, struct stream **out);

/* Closes the connection, frees, drops what is unsent. No hook any more. Accepts NULL. */
void stream_close(struct stream *s);

/* Whether bytes of the owner's protocol may pass: handshake, PROXY header or connect() is over. */
bool stream_is_open(const struct stream *s);

enum stream_transport stream_transport(const struct stream *s);

/* Who the client is: as the PROXY header says when there was one. For stream_connect(): the peer.
 */
const struct address *stream_client(const struct stream *s);

/* Our end of the connection. */
const struct address *stream_local(const struct stream *s);

/* Why TLS failed, a constant string; NULL when it did not. */
const char *stream_tls_reason(const struct stream *s);

void stream_set_limits(struct stream *s, const struct stream_limits *limits);

/* The unread bytes. Valid until the hook returns, or outside of hooks until the loop goes on; also
 * when they are consumed, but not when the stream is closed or detached. */
struct bytes stream_input(const struct stream *s);

/* The first `len` of the unread bytes are done with. */
void stream_consume(struct stream *s, size_t len);

/* Reads no more, and so sees no end either, until resumed. */
void stream_pause_input(struct stream *s);

/* on_input follows from the loop, when there are unread bytes. */
void stream_resume_input(struct stream *s);

/*
 * Sends the parts in a row, as one message, at most STREAM_PARTS_MAX. Returns 0, or, with nothing
 * sent: -ENOBUFS when they do not fit under the output limit, -ENOTCONN when not open, -EPIPE when
 * the stream has failed (on_end tells) or was shut down.
 */
NODISCARD int stream_write(struct stream *s, const struct bytes *parts, size_t count);

/* Bytes that the kernel has not taken yet. */
size_t stream_unsent(const struct stream *s);

/* No more writes; the peer sees the end (TLS: after close_notify) behind what is unsent. */
void stream_shutdown_write(struct stream *s);

/* Takes an open stream from its loop; no hook until it is attached. Until then only
 * stream_attach() and stream_close() are for it, in any one thread. Returns 0; or -ENOTCONN (not
 * open) or -ENOMEM, then nothing has changed. */
NODISCARD int stream_detach(struct stream *s);

/* Puts a detached stream on the loop of this thread. on_input follows when there are unread bytes;
 * input is not paused. Returns 0, or a negative errno or UV_E code; it stays detached then. */
NODISCARD int stream_attach(
    struct stream *s, struct stream_hub *hub, const struct stream_hooks *hooks, void *owner);

#endif
