/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mediaferry/proxy_protocol.h - the PROXY protocol, version 2: what a load balancer puts before a
 * stream, or at the head of each datagram, to tell whom it speaks for.
 *
 * Pure functions over memory the caller owns. Only a trusted neighbour may be asked for a header:
 * it says whatever its sender likes.
 */
#ifndef MEDIAFERRY_PROXY_PROTOCOL_H
#define MEDIAFERRY_PROXY_PROTOCOL_H

#include "mediaferry/address.h"

enum {
    PROXY_FIXED_SIZE = 16, /* enough to know the length of the whole header */
    PROXY_MAX_SIZE = 4096, /* longer headers are refused: no balancer sends them */
};

enum proxy_status {
    PROXY_OK,
    PROXY_NEED_MORE, /* so far it may be a header; more bytes are needed */
    PROXY_NOT_PROXY, /* the signature is missing */
    PROXY_BAD,       /* the signature is there, but what follows breaks the format */
};

enum proxy_transport { PROXY_UNSPECIFIED, PROXY_STREAM, PROXY_DATAGRAM };

struct proxy_header {
    size_t size; /* of the header with its extensions: where the payload starts */
    enum proxy_transport transport;
    /* Of the family ADDRESS_NONE when the balancer speaks for itself (LOCAL), or for something
     * that has no IP address: the connection's own addresses count then. */
    struct address source;
    struct address destination;
};

/* Reads the header at the head of `input`. `out` is written on PROXY_OK only; `needed` (may be
 * NULL) on PROXY_NEED_MORE: so many bytes must have come before asking again. */
NODISCARD enum proxy_status proxy_parse(
    struct bytes input, struct proxy_header *out, size_t *needed);

#endif
