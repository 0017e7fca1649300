/* SPDX-License-Identifier: Apache-2.0 */
/*
 * back_ends.h - the packet back ends that tests are about, and a network for them: near, where
 * they are, and far, where their peers are.
 *
 * Here near and far are one machine, and the back ends are those of net. In ../xdp there is a cable
 * between them, and the back end is that of AF_XDP.
 */
#ifndef TESTS_BACK_ENDS_H
#define TESTS_BACK_ENDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "net/packet_io.h"

struct back_end {
    const char *name;
    packet_io_maker *make;
    void *context;            /* its */
    bool keeps_sockets_apart; /* what arrives waits in the buffer of its socket, and in no other */
};

enum { BACK_ENDS_MAX = 2, NETWORK_MTU = 1500 };

/* Those that work on this machine; it says what is wrong with others. */
size_t back_ends_find(struct back_end out[BACK_ENDS_MAX]);

/* The network becomes one of the tests' own, as narrow as Ethernet, before anything is opened.
 * False when that is not allowed. */
bool back_ends_enter_namespace(void);

/* How long something may be under way. */
extern const int network_ms;

/* A descriptor, non-blocking and bound to a port that the kernel chooses. */
int open_near_udp(enum address_family family, struct address *local);
int open_far_udp(enum address_family family, struct address *local);

int open_far_raw(enum address_family family, int protocol);

#endif
