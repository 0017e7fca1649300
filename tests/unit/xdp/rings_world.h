/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rings_world.h - a device at the near end of a cable, and at the far end a socket that talks to
 * its rings.
 *
 * Ports from FIRST_PORT on are the workers' one by one, at both families.
 */
#ifndef TESTS_RINGS_WORLD_H
#define TESTS_RINGS_WORLD_H

#include "veth_world.h"
#include "xdp/device.h"
#include "xdp/rings_state.h"

enum { FIRST_PORT = 40000, UNREGISTERED_PORT = 50000, PATIENCE_MS = 2000 };

struct rings_world {
    enum device_attach attach;
    unsigned queues;
    size_t workers;
    size_t receive_frames, send_frames; /* 0: the default */
};

/* Of the test that runs. */
extern struct device *device;
extern struct xdp_maps *maps;

void rings_world_open(const struct rings_world *config);
void rings_world_close(void);

/* A socket at "far"; its address goes into `local`, whose family chooses. */
int open_far_of(enum address_family family, struct address *local);

/* From a far socket to a port at "near". False when its device is down. */
bool send_from_far(int fd, enum address_family family, uint16_t port, const void *data, size_t len);

/* Writes a datagram from a worker's port to a far socket, to leave with the next kick; false when
 * there is no frame for it. */
bool write_to_far(
    struct rings *rings, size_t worker, const struct address *to, const void *data, size_t len);

/* Receives exactly `len` bytes, in one datagram; its source goes into `from`. */
void expect_datagram(int fd, const void *data, size_t len, struct address *from);

/* Whether frames come within the time that a test has. */
bool wait_for_frames(const struct rings *rings, int timeout_ms);

/* Kicks until the kernel has taken all and returns what is sent; fails after a second. */
void kick_all(struct rings *rings);

struct rings_statistics read_statistics(struct rings *rings);

#endif
