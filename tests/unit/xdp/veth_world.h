/* SPDX-License-Identifier: Apache-2.0 */
/*
 * veth_world.h - two network namespaces of the test's own and a cable between them.
 *
 * The test runs in that of "near", 192.0.2.1 and 2001:db8::1, where devices are opened; at "far",
 * 192.0.2.2 and 2001:db8::2, a kernel and its sockets answer. All of it is gone with the process.
 */
#ifndef TESTS_VETH_WORLD_H
#define TESTS_VETH_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "mediaferry/address.h"

#define NEAR_NAME "near"

extern const struct address near4, near6, far4, far6; /* ports are 0 */

/* Whether the process may have namespaces and BPF; if not, skip_all() says so, for main() to
 * return.
 */
bool veth_world_is_possible(void);
int skip_all(void);

/* Lays the cable, with so many queues. */
void veth_world_open(unsigned queues);
void veth_world_close(void);

/* Runs a shell command at "near" that must succeed. */
void run_near(const char *command);
void run_far(const char *command);

/* A socket at "far", or near, bound to a port that the kernel chooses, which is put into `local`;
 * receiving from it fails after two seconds. */
int open_far(struct address *local);
int open_near(struct address *local);

/* Whether "far" sends whole checksums and whole packets, as one on a wire does, or leaves both to
 * the card as it does at first. */
void let_far_finish(bool finish);

/* The hardware addresses of the two ends. */
void read_macs(uint8_t near[6], uint8_t far[6]);

#endif
