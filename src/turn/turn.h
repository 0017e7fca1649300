/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/turn.h - the STUN and TURN server of one worker as a protocol machine (RFC 8489, RFC 8656,
 * RFC 6062, RFC 8016, RFC 5780).
 *
 * No sockets, threads or clock: messages, packets and `now_ms` come in as arguments, and all it
 * wants done goes out through `struct turn_host`. Everything belongs to one worker's thread.
 *
 *     client --path--> turn_from_client() --> permission, channel, limits --> host.to_peer()
 *     peer ---relay--> turn_from_peer()   --> permission, channel, limits --> host.to_client()
 *
 * Nothing is kept for a source that has not proven itself with a valid nonce and credentials.
 */
#ifndef TURN_TURN_H
#define TURN_TURN_H

#include "base/map.h"
#include "base/timers.h"
#include "credentials/auth.h"
#include "net/packet.h"
#include "turn/counters.h"
#include "turn/settings.h"

enum turn_transport { TURN_UDP, TURN_TCP, TURN_TLS, TURN_DTLS };

/* "udp", "tcp", "tls", "dtls". */
const char *turn_transport_name(enum turn_transport transport);

/*
 * How a client reaches the server: its 5-tuple and where answers go. A value; allocations keep a
 * copy. Two paths are the same when transport, client and server are.
 */
struct turn_path {
    enum turn_transport transport;
    struct address client; /* as the world sees it: behind a PROXY header, the address in it */
    struct address server; /* the local address it came to; answers leave from it */
    struct address hop;    /* of datagrams: where they are sent; `client` unless proxied */
    void *link;            /* the host's: packet socket, DTLS session or stream */
    uint64_t link_id; /* names the link for ever, also when the pointer is stale; 0: a socket */
};

static inline bool turn_path_is_stream(const struct turn_path *path)
{
    return path->transport == TURN_TCP || path->transport == TURN_TLS;
}

/* --- what the host has -------------------------------------------------------------------------
 */

enum { TURN_TOKEN_SIZE = 8 };

/* Names an allocation for its whole life, also in other processes: "udp CLIENT SERVER RELAYED", as
 * they were when it was made. Terminated. */
enum { TURN_ID_SIZE = 5 + 3 * ADDRESS_TEXT_SIZE };

/* A relayed transport address that a client asks for. */
struct turn_relay_wish {
    enum address_family family;
    bool tcp;                             /* RFC 6062: a listening TCP port */
    bool even;                            /* EVEN-PORT */
    bool reserve_next;                    /* its R bit: hold the port after it */
    const uint8_t *token;                 /* RESERVATION-TOKEN, TURN_TOKEN_SIZE bytes; NULL: none */
    const struct auth_identity *identity; /* for whom */
};

/* The host's socket on a relayed transport address; embedded in its own structure. */
struct turn_relay {
    struct address local;              /* bound */
    struct address relayed;            /* as clients and peers see it */
    uint8_t reserved[TURN_TOKEN_SIZE]; /* the token, when reserve_next was asked for */
    struct turn_allocation *owner;     /* the core's; set when it is opened */
};

/* A TCP connection between a relayed address and a peer (RFC 6062); embedded in the host's own
 * structure, all zeros but for `peer`. */
struct turn_peer_connection {
    struct address peer;
    uint32_t id;                   /* CONNECTION-ID; 0 until the core has named it */
    struct turn_allocation *owner; /* the core's */
    struct list link;              /* the core's, in the allocation's list */
    struct u64_node by_id;         /* the core's */
    struct tcp_request *asked;     /* the core's: the Connect that is not answered yet */
    uint64_t deadline_ms;          /* the core's */
    uint8_t state;                 /* the core's */
    bool is_incoming;              /* the core's */
};

/* Why an allocation has ended. */
enum turn_end {
    TURN_END_DELETED,     /* by its client */
    TURN_END_EXPIRED,     /* not refreshed */
    TURN_END_CLOSED,      /* the client's connection has ended */
    TURN_END_KILLED,      /* by the operator */
    TURN_END_REVOKED,     /* its user may not use the server any more */
    TURN_END_CREDENTIALS, /* their time is over, with strict_expiry */
    TURN_END_STOPPED,     /* the server stops */
    TURN_END_SAVED,       /* it goes on elsewhere */
    TURN_END_TAKEN,       /* it has gone on elsewhere */
};

struct turn_report;

struct turn_host {
    void *owner;

    /* An empty packet, or NULL when there is none; goes to one of the two below, or to discard. */
    struct packet *(*packet)(void *owner);
    void (*discard)(void *owner, struct packet *p);

    /* Takes a packet with data (also one of the batch in hand) and sends it. ChannelData on a
     * stream is padded by the host. Never calls back into the core. */
    void (*to_client)(void *owner, const struct turn_path *path, struct packet *p);
    /* `p->peer`, `p->tos` and `p->dont_fragment` say how. */
    void (*to_peer)(void *owner, struct turn_relay *relay, struct packet *p);
    /* RFC 5780: like to_client(), from another of our addresses. */
    void (*reply_from)(void *owner, const struct turn_path *path, const struct address *from,
        const struct address *to, struct packet *p);

    /* Returns 0, or: -EAFNOSUPPORT (440), -ENOENT (no such reservation: 508), any other: 508. */
    int (*open_relay)(void *owner, const struct turn_relay_wish *wish, const struct turn_path *path,
        struct turn_relay **out);
    /* Closes the socket and frees; the port is free when it is closed. */
    void (*close_relay)(void *owner, struct turn_relay *relay);

    /* Charges one allocation to the user of `identity`, process-wide; false: 486. */
    bool (*quota_take)(void *owner, const struct auth_identity *identity);
    void (*quota_give)(void *owner, const struct auth_identity *identity);

    /* The 5-tuple belongs to this worker from now on, or no more: for packets that come to
     * another worker. */
    void (*path_added)(void *owner, const struct turn_path *path);
    void (*path_removed)(void *owner, const struct turn_path *path);

    /* RFC 6062. connect() returns 0 and a connection whose outcome comes with
     * turn_peer_connected(), or a negative errno. splice() joins it with the client's stream,
     * which no longer comes to the core; either end closing is told by turn_connection_closed(). */
    int (*connect)(void *owner, struct turn_relay *relay, const struct address *peer,
        struct turn_peer_connection **out);
    void (*splice)(
        void *owner, const struct turn_path *path, struct turn_peer_connection *connection);
    /* Frees; closes both sides when spliced. */
    void (*close_connection)(void *owner, struct turn_peer_connection *connection);

    /* Ends a stream or DTLS session whose allocation has ended by force. */
    void (*close_path)(void *owner, const struct turn_path *path);

    /* For the log; what they point to is valid during the call. NULL: nobody wants to know. */
    void (*made)(void *owner, const struct turn_report *report);
    void (*ended)(void *owner, const struct turn_report *report, enum turn_end why);
    /* Of allocations that turn_save() can save; `name` as in struct turn_saved. It is new, or has
     * changed since it was saved: told once until it is saved, or again when that returns false.
     * NULL: nobody wants to know, as of the next. */
    bool (*changed)(void *owner, uint64_t id, const char *name);
    /* One that changed() was told of is over, and nobody else goes on with it. */
    void (*over)(void *owner, uint64_t id, const char *name);
    /* A request whose sender has proven who he is, and that was answered with an error. */
    void (*refused)(void *owner, const struct turn_path *path, unsigned method, unsigned code,
        const struct auth_identity *identity);
    /* One with credentials that are wrong. */
    void (*unproven)(void *owner, const struct turn_path *path, struct text username);
};

struct former_tickets;
struct source_limit;

struct turn_config {
    struct turn_host host;
    struct timers *timers;                   /* of the worker; borrowed */
    struct turn_settings *settings;          /* the server takes a reference of its own */
    struct source_limit *binding_limit;      /* shared by all workers; borrowed; NULL: none */
    struct source_limit *unauthorized_limit; /* likewise */
    struct former_tickets *former_tickets;   /* likewise */
    unsigned worker;                         /* index; goes into ids and tickets */
    size_t max_allocations;                  /* of this worker */
};

struct turn_server;

/* Returns a new server, or NULL when out of memory. */
NODISCARD struct turn_server *turn_server_new(const struct turn_config *config);

/* Ends all allocations, frees; accepts NULL. */
void turn_server_free(struct turn_server *server);

/* New settings for all that happens from now on; takes a reference of its own. Allocations whose
 * user was revoked, and permissions that the new policy forbids, end now. */
void turn_server_set_settings(struct turn_server *server, struct turn_settings *settings);

/* --- what happens ------------------------------------------------------------------------------
 */

enum turn_verdict {
    TURN_DONE,      /* dealt with: answered, sent, or dropped with `p->drop` set */
    TURN_ANOTHER,   /* belongs to `elsewhere->worker`: hand it over as it is */
    TURN_NOT_FOUND, /* no allocation on this path here; another worker may have it. Asked for
                     * once; when nobody has it, call again with `is_final` */
    TURN_LOOKUP,    /* the user must be looked up first; then call again with the same packet */
};

struct turn_arrival {
    const struct turn_path *path;
    struct packet *packet; /* a datagram, DTLS record or frame of a stream: STUN or ChannelData */
    uint64_t now_ms;       /* the worker's clock */
    int64_t unix_s;        /* wall clock, for credentials and nonces */
    bool is_final;         /* no other worker has this path: answer 437, drop data */
    bool is_early;         /* its allocation may be restored yet: no 437, the client asks again */
};

/* After TURN_ANOTHER and TURN_LOOKUP. */
struct turn_elsewhere {
    unsigned worker;
    char username[LONG_TERM_MAX_NAME + 1]; /* of TURN_LOOKUP */
    char realm[LONG_TERM_MAX_REALM + 1];
};

/*
 * A message or data of a client. The packet is sent on, answered (in a packet of the host's), or
 * left alone, with a drop verdict, for the caller to give back.
 */
enum turn_verdict turn_from_client(struct turn_server *server, const struct turn_arrival *arrival,
    struct turn_elsewhere *elsewhere);

/* A datagram (or, by `p->kind`, an ICMP error) from a peer at a relayed address. Same rules. */
void turn_from_peer(
    struct turn_server *server, struct turn_relay *relay, struct packet *p, uint64_t now_ms);

/* A stream or DTLS session has ended: so does its allocation, unless it is mobile. */
void turn_path_closed(struct turn_server *server, const struct turn_path *path);

/* RFC 6062: the outcome of host.connect(): 0 or a negative errno. */
void turn_peer_connected(struct turn_server *server, struct turn_peer_connection *connection,
    int error, uint64_t now_ms);

/* A peer has connected to a relayed address: false when it is not permitted; the host closes it. */
NODISCARD bool turn_peer_arrived(struct turn_server *server, struct turn_relay *relay,
    struct turn_peer_connection *connection, uint64_t now_ms);

/* How many of `len` bytes may pass now between a client and a peer whose connections are joined, by
 * the limit of the allocation; they are counted. With none the host waits a while. */
size_t turn_connection_pass(
    struct turn_peer_connection *connection, bool from_client, size_t len, uint64_t now_ms);

/* One side has closed; the core forgets it, the host frees it. */
void turn_connection_closed(struct turn_server *server, struct turn_peer_connection *connection);

/* Once a second: expiry of credentials, counters of what lives. */
void turn_tick(struct turn_server *server, uint64_t now_ms, int64_t unix_s);

/* --- allocations that go on elsewhere ----------------------------------------------------------
 *
 * Those whose client comes over UDP, and mobile ones; never those of RFC 6062.
 */

struct turn_saved;

/* Fills `out` (all zeros), to be released with turn_saved_done(). False: there is no allocation of
 * that id that can be saved, or memory is short; then there is nothing in it. */
NODISCARD bool turn_save(struct turn_server *server, uint64_t id, uint64_t now_ms, int64_t unix_us,
    struct turn_saved *out);

/* The id of an allocation that was restored. */
static inline uint64_t turn_restored_id(unsigned worker, uint64_t number)
{
    return (uint64_t)worker << 48 | UINT64_C(1) << 47 | number;
}

struct turn_restoring {
    const struct turn_saved *saved; /* borrowed; its times are aged */
    uint64_t id;                    /* turn_restored_id() of this worker and an unused number */
    struct turn_relay *relays[2];   /* open, as `saved->relays`; NULL: none, or its time is over */
    void *link, *coming_link;       /* of its paths: sockets */
    uint64_t age_ms;                /* since it was made */
    uint64_t now_ms;
    int64_t unix_s;
};

/* Makes an allocation of it, with a reference to its identity, whose quota is taken already; takes
 * the relays. False: its path belongs to another one, there are too many, or memory is short;
 * relays and quota are the caller's then. */
NODISCARD bool turn_restore(struct turn_server *server, const struct turn_restoring *restoring);

/* Ends it here, for TURN_END_SAVED or TURN_END_TAKEN; does nothing when there is none. */
void turn_hand_on(struct turn_server *server, uint64_t id, enum turn_end why);

/* The ids of those that can be saved, at most `max`; returns how many. */
size_t turn_ids(const struct turn_server *server, uint64_t *out, size_t max);

/* --- for the operator --------------------------------------------------------------------------
 */

struct turn_report {
    uint64_t id; /* unique in the process */
    const struct turn_path *path;
    const struct auth_identity *identity;
    struct address relayed[2]; /* family NONE: none */
    bool is_tcp, is_mobile;
    uint64_t age_ms, expires_in_ms;
    uint32_t permissions, channels, connections;
    uint64_t client_packets, client_bytes, peer_packets, peer_bytes; /* received from each */
};

/* Calls `tell` for each allocation. */
void turn_each(const struct turn_server *server, uint64_t now_ms,
    void (*tell)(void *owner, const struct turn_report *report), void *owner);

/* Ends allocations: the one with `id`, or (id 0) all of a user (and realm, when not empty).
 * Returns how many. */
size_t turn_kill(struct turn_server *server, uint64_t id, struct text username, struct text realm);

size_t turn_allocation_count(const struct turn_server *server);

const struct turn_counters *turn_server_counters(const struct turn_server *server);

#endif
