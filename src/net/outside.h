/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/outside.h - by which address the world sees one of this machine, as a STUN server tells it
 * (RFC 8489): for machines behind a 1:1 NAT, as in clouds.
 */
#ifndef NET_OUTSIDE_H
#define NET_OUTSIDE_H

#include "mediaferry/address.h"

enum { OUTSIDE_STUN_PORT = 3478, OUTSIDE_PROBLEM_SIZE = 160 };

struct outside_question {
    struct address bind;                /* asked from this IP, from any port */
    struct text server;                 /* IP, [IP] or HOST, with or without :PORT; borrowed */
    struct address seen;                /* the answer, port 0; family NONE when there is none */
    char problem[OUTSIDE_PROBLEM_SIZE]; /* then: why, as the end of a sentence */
};

/* Whether it can be a server: says nothing about its being there. */
bool outside_is_server(struct text server);

/*
 * Asks all at the same time, each again and again, and returns how many are answered when all are
 * or `wait_ms` are over. Blocks; the system's resolver, where a server has a name, may take longer.
 */
size_t outside_ask(struct outside_question *questions, size_t count, unsigned wait_ms);

#endif
