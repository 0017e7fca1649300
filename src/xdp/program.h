/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/program.h - the program that sorts frames where they enter, and the tables it reads.
 *
 * It hands a frame to a worker's AF_XDP socket when it is a plain UDP packet to an address and
 * port that a worker has registered, and leaves all else to the kernel: fragments, IP options,
 * extension headers, VLAN tags, other hardware addresses, frames beyond XDP_FRAME_MAX, lengths
 * that contradict each other, ports of others; and behind the driver, what may be several packets
 * in one (see is_unfinished() there). What is wrong here is thus never lost, it only takes the
 * kernel's way; only that a frame is shorter than its headers say is left to the worker, who drops
 * it as the kernel would.
 *
 * The tables of addresses and ports are one per process, the program and its table of sockets are
 * one per device. All functions but xdp_maps_set_port() are for the control thread.
 */
#ifndef XDP_PROGRAM_H
#define XDP_PROGRAM_H

#include "base/str.h"
#include "mediaferry/address.h"
#include "xdp/program_layout.h"

struct xdp_maps;

/* Makes the tables, empty. Returns 0 and new ones in `out`, which xdp_maps_close() frees, or a
 * negative errno and the reason in words in `why`. */
NODISCARD int xdp_maps_open(struct xdp_maps **out, struct str *why);

/* Accepts NULL. Devices that use them are closed before. */
void xdp_maps_close(struct xdp_maps *maps);

/* Makes the IP of `ip` a local one. Returns its index, the same when it is known already, or
 * -ENOSPC beyond XDP_ADDRESSES_MAX, -EAFNOSUPPORT when it has no IP, or another negative errno. */
NODISCARD int xdp_maps_add_address(struct xdp_maps *maps, const struct address *ip);

/* Packets to this port of an address go to `worker` (below XDP_WORKERS_MAX) from now on, or to the
 * kernel when it is negative. One store into memory, in any thread. */
void xdp_maps_set_port(struct xdp_maps *maps, unsigned address, uint16_t port, int worker);

/* A program that is loaded, with its own tables; the descriptors are its own. */
struct xdp_program {
    int program_fd;
    int sockets_fd; /* XSKMAP: queue * XDP_WORKERS_MAX + worker */
    int card_fd;
};

/* Loads the program for a device of `queues` queues. Returns 0, and what xdp_program_unload()
 * closes in `out`, or a negative errno and the reason in words. */
NODISCARD int xdp_program_load(
    const struct xdp_maps *maps, size_t queues, struct xdp_program *out, struct str *why);

void xdp_program_unload(struct xdp_program *program);

/* Only frames that come in by this interface for this hardware address are taken; before it is
 * told, none are. Returns 0 or a negative errno. */
NODISCARD int xdp_program_set_card(const struct xdp_program *program, const struct xdp_card *card);

#endif
