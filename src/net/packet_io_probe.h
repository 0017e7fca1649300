/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/packet_io_probe.h - whether a packet back end works on this machine: it is tried.
 */
#ifndef NET_PACKET_IO_PROBE_H
#define NET_PACKET_IO_PROBE_H

#include "net/packet_io.h"

/* Makes a back end and lets it send a datagram to itself over the loopback interface, with all that
 * relays ask of it. Returns 0, or a negative errno: of making it, or -ENOTSUP when what it received
 * is not what was sent. Blocks, a second at most and some milliseconds as a rule. */
NODISCARD int packet_io_probe(packet_io_maker *make);

#endif
