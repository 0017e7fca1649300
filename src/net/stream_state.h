/* SPDX-License-Identifier: Apache-2.0 */
/* net/stream_state.h - what the files of the stream share; for nobody else. */
#ifndef NET_STREAM_STATE_H
#define NET_STREAM_STATE_H

#include <openssl/ssl.h>

#include "base/list.h"
#include "net/stream.h"
#include "net/stream_queue.h"

enum stream_phase {
    STREAM_PHASE_CONNECT,   /* connect() is under way */
    STREAM_PHASE_PROXY,     /* a PROXY header is to come */
    STREAM_PHASE_SNIFF,     /* the first byte is to come */
    STREAM_PHASE_HANDSHAKE, /* TLS */
    STREAM_PHASE_OPEN,
    STREAM_PHASE_ENDED, /* nothing passes any more */
};

/*
 * What ties a stream to a loop. It outlives the tie until libuv gives the handle back, so that code
 * that has called a hook can see whether the stream still is its own: after `stream` has become
 * NULL it may be freed, or run in another thread.
 */
struct stream_watch {
    uv_poll_t poll;
    struct stream_hub *hub;
    struct stream *stream;
    struct list ready; /* in the list of the hub */
    int events;        /* polled for */
};

struct stream {
    struct stream_watch *watch; /* NULL: detached */
    const struct stream_hooks *hooks;
    void *owner;
    SSL *ssl;
    struct tls_context *tls; /* until the first byte is known */
    int fd;
    enum stream_phase phase;
    size_t awaited; /* bytes of the first record of TLS to be woken at; 0: not known yet */
    struct stream_limits limits;
    struct address client;
    struct address local;

    struct bytes input;   /* unread: in `input_block`, or for the time of a hook in the hub */
    uint8_t *input_block; /* or NULL */
    struct stream_queue output;

    bool counts_half_open;
    bool input_paused;
    bool peer_closed;
    bool shut_asked; /* by the owner */
    bool shut_done;
    bool wants_write; /* TLS must write before it can read */
    bool end_due;     /* on_end is to be called */
    enum stream_end end;
    int error;
    const char *tls_reason;
};

struct stream_hub {
    uv_loop_t *loop;
    uv_idle_t idle;       /* runs while `ready` has members */
    uv_prepare_t prepare; /* marks the turns of the loop */
    unsigned handles;
    struct list ready;     /* watches with work put off */
    uint64_t handshake_ns; /* spent in this turn */
    struct stream_counters counters;
    uint8_t input[STREAM_INPUT_MAX];
    uint8_t output[STREAM_INPUT_MAX];
};

/* --- stream_hub.c --- */

/* Lets stream_run_ready() be called for the watch, from the loop. */
void stream_hub_put_off(struct stream_watch *watch);

/* Whether another handshake may go on in this turn, and what one has cost. */
bool stream_hub_has_time(const struct stream_hub *hub);
void stream_hub_spend(struct stream_hub *hub, uint64_t ns);

/* --- stream_io.c: 0 or more bytes, or a negative errno; -EAGAIN: later. --- */

/* 0: the peer sends no more. */
NODISCARD ssize_t stream_io_read(struct stream *s, uint8_t *to, size_t capacity);
NODISCARD ssize_t stream_io_write(struct stream *s, struct bytes b);
NODISCARD ssize_t stream_io_write_parts(struct stream *s, const struct bytes *parts, size_t count);
NODISCARD int stream_io_handshake(struct stream *s);
NODISCARD int stream_io_shutdown(struct stream *s);

/* Which end of a stream an error of these is. */
enum stream_end stream_io_end(const struct stream *s);

/* --- stream_start.c --- */

/* Goes on until it is open, ended, or has to wait. Calls no hook. Returns 0 when it is open, else
 * -EAGAIN or, with `*end` written, another negative errno. */
NODISCARD int stream_start(struct stream *s, enum stream_end *end);

/* --- stream_loop.c --- */

/* Gives the stream a watch on the loop of the hub. Returns 0, or a negative errno or UV_E code. */
NODISCARD int stream_tie(struct stream *s, struct stream_hub *hub);
void stream_untie(struct stream *s);

/* Asks the loop for what the stream waits for now. */
void stream_update_events(struct stream *s);

/* Moves what is unread out of the work space of the hub, frees what is read. Returns 0 or -ENOMEM.
 */
NODISCARD int stream_keep_input(struct stream *s);

/* Ends the stream from within a call of the owner: the hook comes from the loop. */
void stream_end_later(struct stream *s, enum stream_end end, int error);

/* Sends the end of the stream, when it was asked for and nothing is before it. */
void stream_finish_output(struct stream *s);

/* What was put off. */
void stream_run_ready(struct stream_watch *watch);

#endif
