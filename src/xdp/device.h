/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/device.h - a network interface whose media goes past the kernel's UDP stack.
 *
 * Opening it loads the program (xdp/program.h), opens an AF_XDP socket for each worker at each of
 * its receive queues (xdp/rings.h) and attaches the program: from then on frames arrive. Packets
 * are copied between the card and the sockets' memory (XDP_COPY). The attachment belongs to the
 * process: when it dies, the kernel takes it off.
 *
 * Needs Linux 5.15, an Ethernet interface, and CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF; without
 * CAP_IPC_LOCK also enough RLIMIT_MEMLOCK. All functions are for the control thread; none logs.
 *
 * The interface may go down or away at any time: then nothing arrives, and rings say that they
 * cannot send. A new one of the same name is not taken up. Queues that are added later are the
 * kernel's.
 *
 * In generic mode, packets of the same machine take the kernel's way where their checksums are left
 * to a card, as those of other containers are: some of them may be several in one. Packets that
 * were put together from fragment lists (rx-gro-list, which no system sets by itself) are lost.
 */
#ifndef XDP_DEVICE_H
#define XDP_DEVICE_H

#include "xdp/program.h"

struct rings;
struct device;

enum device_attach {
    DEVICE_ATTACH_AUTO,    /* in the driver, else generic */
    DEVICE_ATTACH_NATIVE,  /* in the driver */
    DEVICE_ATTACH_GENERIC, /* behind it: any driver, less gain */
};

struct device_config {
    const char *interface;
    enum device_attach attach;
    size_t workers; /* 1 to XDP_WORKERS_MAX */

    /* Frames of XDP_FRAME_SIZE bytes, powers of two; 0: a default. This memory is pinned. */
    size_t receive_frames; /* of a queue, for all workers; 4096 */
    size_t send_frames;    /* of a worker; 2048 */
};

/* Returns 0 and a new device in `out`, or a negative errno and the reason in words in `why`, with
 * the interface's name. Takes up to half a second where a queue is not free yet that a process has
 * just left. */
NODISCARD int device_open(struct xdp_maps *maps, const struct device_config *config,
    struct device **out, struct str *why);

/* Detaches and frees, rings too; accepts NULL. The workers' threads have ended or let go of the
 * rings. */
void device_close(struct device *device);

const char *device_name(const struct device *device);
unsigned device_ifindex(const struct device *device);
size_t device_queues(const struct device *device);
bool device_is_native(const struct device *device);

/* The rings at which a worker receives: one for each queue below device_queues(). Borrowed. */
struct rings *device_rings(const struct device *device, size_t queue, size_t worker);

/* The one of them at which the worker sends: workers are spread over the queues. */
struct rings *device_send_rings(const struct device *device, size_t worker);

/* The interface has a new hardware address; without being told, its packets take the kernel's way.
 * Returns 0 or a negative errno. */
NODISCARD int device_set_mac(struct device *device, const uint8_t mac[6]);

#endif
