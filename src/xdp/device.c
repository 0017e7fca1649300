/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/device.h"

#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/if_link.h>

#include "xdp/card.h"
#include "xdp/failure.h"
#include "xdp/rings_state.h"

enum { RECEIVE_FRAMES = 4096, SEND_FRAMES = 2048 };

struct device {
    char name[IF_NAMESIZE];
    struct card card;
    struct xdp_program program;
    int link_fd;
    bool native;
    size_t workers;
    size_t queue_count;
    size_t send_queues; /* the first so many of them */
    size_t receive_frames;
    size_t send_frames;
    struct queue **queues;
    struct rings **rings; /* by queue, then worker */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Over how many queues the workers' sending is spread. */
static size_t spread(const struct device *device)
{
    assert(device->send_queues > 0); /* as card_read() promises */
    return device->send_queues;
}

/* Where a worker sends: a queue, and which one of its senders it is. */
static size_t send_queue(const struct device *device, size_t worker)
{
    return worker % spread(device);
}

static size_t sender_at(const struct device *device, size_t worker)
{
    return worker / spread(device);
}

/* How many workers send at a queue. */
static size_t count_senders(const struct device *device, size_t queue)
{
    if (queue >= spread(device) || queue >= device->workers)
        return 0;
    return (device->workers - queue - 1) / spread(device) + 1;
}

static struct rings **rings_at(const struct device *device, size_t queue, size_t worker)
{
    return &device->rings[queue * device->workers + worker];
}

/* From now on the program finds the worker's socket. */
static int show_to_program(
    const struct device *device, size_t queue, size_t worker, struct str *why)
{
    uint32_t index = (uint32_t)(queue * XDP_WORKERS_MAX + worker);
    int fd = rings_fd(*rings_at(device, queue, worker));
    int error = bpf_map_update_elem(device->program.sockets_fd, &index, &fd, BPF_ANY);
    return error == 0 ? 0 : xdp_failure(why, error, "put a socket into a BPF map");
}

static int open_queue(struct device *device, size_t index, struct str *why)
{
    const struct queue_config config = {
        .index = (unsigned)index,
        .senders = count_senders(device, index),
        .receive_frames = device->receive_frames,
        .send_frames = device->send_frames,
    };
    int error = queue_open(&config, &device->queues[index], why);
    for (size_t worker = 0; error == 0 && worker < device->workers; worker++) {
        const struct rings_config rings = {
            .interface = device->name,
            .queue = device->queues[index],
            /* A worker that does not come by must not have all frames of the others. */
            .receive_size =
                device->workers == 1 ? device->receive_frames : device->receive_frames / 2,
            .sends = index < device->send_queues && send_queue(device, worker) == index,
            .sender = sender_at(device, worker),
        };
        error = rings_open(&rings, rings_at(device, index, worker), why);
        if (error == 0)
            error = show_to_program(device, index, worker, why);
    }
    return error;
}

static int attach_as(struct device *device, bool native)
{
    /* Cleared whole: the library takes no other bytes where it knows of no member. */
    struct bpf_link_create_opts options;
    memset(&options, 0, sizeof(options));
    options.sz = sizeof(options);
    options.flags = native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
    int fd =
        bpf_link_create(device->program.program_fd, (int)device->card.ifindex, BPF_XDP, &options);
    if (fd < 0)
        return fd;
    device->link_fd = fd;
    device->native = native;
    return 0;
}

/* EEXIST: one that is attached in the other mode. */
static bool is_taken(int error)
{
    return error == -EBUSY || error == -EEXIST;
}

static int attach(struct device *device, enum device_attach how, struct str *why)
{
    int error = -EOPNOTSUPP;
    /* A bond gives the program to its members, and what enters by them cannot reach a socket of the
     * bond. */
    if (how != DEVICE_ATTACH_GENERIC && !device->card.bond)
        error = attach_as(device, true);
    if (error != 0 && how != DEVICE_ATTACH_NATIVE && !is_taken(error))
        error = attach_as(device, false);

    if (is_taken(error))
        str_add_string(why, "another XDP program is attached to it");
    else if (error != 0)
        xdp_failure(why, error, "attach an XDP program%s",
            how == DEVICE_ATTACH_NATIVE ? " in its driver" : "");
    return error;
}

static int open_all(
    struct device *device, const struct xdp_maps *maps, enum device_attach how, struct str *why)
{
    int error = xdp_program_load(maps, device->queue_count, &device->program, why);
    if (error == 0)
        error = attach(device, how, why);
    /* Until it finds sockets, it leaves all frames to the kernel. */
    for (size_t i = 0; error == 0 && i < device->queue_count; i++)
        error = open_queue(device, i, why);
    if (error != 0)
        return error;

    error = device_set_mac(device, device->card.mac);
    return error == 0 ? 0 : xdp_failure(why, error, "tell a BPF map the hardware address");
}

/* Learns how many queues there are and makes place for what is there at each. */
static int prepare(struct device *device, const struct device_config *config, struct str *why)
{
    int error = card_read(config->interface, &device->card, why);
    if (error != 0)
        return error;
    if (!device->card.ethernet) {
        str_add_string(why, "it is no Ethernet interface");
        return -EOPNOTSUPP;
    }
    memcpy(device->name, config->interface, strlen(config->interface) + 1);
    device->workers = config->workers;
    device->queue_count = smaller(device->card.receive_queues, XDP_QUEUES_MAX);
    device->send_queues = smaller(device->card.send_queues, device->queue_count);
    device->receive_frames = config->receive_frames != 0 ? config->receive_frames : RECEIVE_FRAMES;
    device->send_frames = config->send_frames != 0 ? config->send_frames : SEND_FRAMES;

    device->queues = calloc(device->queue_count, sizeof(struct queue *));
    device->rings = calloc(device->queue_count * device->workers, sizeof(struct rings *));
    if (device->queues == NULL || device->rings == NULL)
        return xdp_failure(why, -ENOMEM, "open it");
    return 0;
}

static bool is_power_of_two(size_t n)
{
    return (n & (n - 1)) == 0;
}

int device_open(
    struct xdp_maps *maps, const struct device_config *config, struct device **out, struct str *why)
{
    assert(config->workers > 0 && config->workers <= XDP_WORKERS_MAX);
    assert(is_power_of_two(config->receive_frames) && is_power_of_two(config->send_frames));
    struct device *device = malloc(sizeof(*device));
    if (device == NULL)
        return xdp_failure(why, -ENOMEM, "open a device");
    *device = (struct device){.program = {-1, -1, -1}, .link_fd = -1};

    struct str reason;
    str_init(&reason);
    int error = prepare(device, config, &reason);
    if (error == 0)
        error = open_all(device, maps, config->attach, &reason);
    if (error == 0) {
        *out = device;
    } else {
        str_addf(why, "%s: %s", config->interface, str_string(&reason));
        device_close(device);
    }
    str_done(&reason);
    return error;
}

static void close_rings(struct device *device)
{
    for (size_t i = 0; device->rings != NULL && i < device->queue_count * device->workers; i++)
        rings_close(device->rings[i]);
    for (size_t i = 0; device->queues != NULL && i < device->queue_count; i++)
        queue_close(device->queues[i]);
}

void device_close(struct device *device)
{
    if (device == NULL)
        return;
    if (device->link_fd >= 0)
        close(device->link_fd);
    close_rings(device);
    xdp_program_unload(&device->program);
    free(device->rings);
    free(device->queues);
    free(device);
}

const char *device_name(const struct device *device)
{
    return device->name;
}

unsigned device_ifindex(const struct device *device)
{
    return device->card.ifindex;
}

size_t device_queues(const struct device *device)
{
    return device->queue_count;
}

bool device_is_native(const struct device *device)
{
    return device->native;
}

struct rings *device_rings(const struct device *device, size_t queue, size_t worker)
{
    assert(queue < device->queue_count && worker < device->workers);
    return *rings_at(device, queue, worker);
}

struct rings *device_send_rings(const struct device *device, size_t worker)
{
    return device_rings(device, send_queue(device, worker), worker);
}

int device_set_mac(struct device *device, const uint8_t mac[6])
{
    struct xdp_card card = {.ifindex = device->card.ifindex, .generic = !device->native};
    memcpy(card.mac, mac, sizeof(card.mac));
    return xdp_program_set_card(&device->program, &card);
}
