/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane.h - the AF_XDP back end at the near end of the cable (veth_world.h), behind ../net's
 * back_ends.h. Next hops are told by the test, not asked of the kernel.
 *
 * A program that never sent nor received a frame this way has tested nothing: its exit status says
 * so.
 */
#ifndef TESTS_LANE_H
#define TESTS_LANE_H

#include "back_ends.h"
#include "veth_world.h"
#include "xdp/packet_io.h"

extern struct xdp_common lane;        /* of the device that is open */
extern struct xdp_worker lane_worker; /* its only one */

/* The table of next hops is new, and empty. For when no back end is open. */
void lane_forget_next_hops(void);

/* The way from one address to the other, and whatever else was asked for, is over the cable with
 * this MTU; found out so many milliseconds ago. */
void lane_learn(
    const struct address *near, const struct address *far, uint16_t mtu, unsigned age_ms);

/* Whole frames at the far end: a descriptor that is non-blocking, and to send one. */
int open_far_frames(void);
void send_far_frame(int fd, struct bytes frame);

#endif
