/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dtls/transport.h - the OpenSSL BIO that stands for "the network" of one association.
 *
 * It keeps the borders of datagrams: each write by OpenSSL is one datagram to send, and one read
 * gives one whole datagram. It buffers nothing.
 */
#ifndef DTLS_TRANSPORT_H
#define DTLS_TRANSPORT_H

#include "mediaferry/bytes.h"

struct bio_st;
struct bio_method_st;

/* Embedded in the association, which outlives the BIO. */
struct dtls_transport {
    struct bytes input; /* the datagram to read next, borrowed; empty: none */
    void (*send)(void *owner, struct bytes datagram);
    void *owner;
};

/* Returns a new method for dtls_transport_bio(), or NULL when out of memory; it must outlive its
 * BIOs and is freed with BIO_meth_free(). */
NODISCARD struct bio_method_st *dtls_transport_method(void);

/* Returns a new BIO over `transport`, or NULL when out of memory. */
NODISCARD struct bio_st *dtls_transport_bio(
    const struct bio_method_st *method, struct dtls_transport *transport);

#endif
