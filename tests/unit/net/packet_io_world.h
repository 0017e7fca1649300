/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet_io_world.h - a packet back end with a peer, for tests that each of them must pass.
 */
#ifndef TESTS_PACKET_IO_WORLD_H
#define TESTS_PACKET_IO_WORLD_H

#include "back_ends.h"

/* Of the test that runs. */
extern struct pool pool;
extern struct packet_io_counters counters;
extern struct packet_io *io;
extern struct packet_batch batch; /* given back by receive() and in the end */
extern int peer_fd;
extern struct address peer;

enum { PACKET_IO_TESTS_MAX = 20 };

struct packet_io_test {
    const char *name;
    CMUnitTestFunction run;
    CMFixtureFunction set_up;
    bool needs_sockets_apart; /* is only for back ends that keep them so */
};

/* With packets enough; with 4; and not started, so that another thread may. */
int set_up(void **state);
int set_up_poor(void **state);
int set_up_unstarted(void **state);

/* A descriptor bound to a port near, and one far. */
int open_udp(struct address *local);
int open_peer(struct address *local);

struct packet_socket *open_socket(void *user);

/* From the peer. */
void send_to(const struct packet_socket *socket, const void *data, size_t len);

bool is_readable(int fd, int timeout_ms);

void give_back(void);

/* Receives until the batch is full or there is no more. */
void receive(void);

/* Runs the tests with each back end that works on this machine; for main() to return. */
int run_with_each(const char *group, const struct packet_io_test *tests, size_t test_count);

#endif
