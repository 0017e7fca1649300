/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/program.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "xdp/failure.h"
#include "xdp/program_bytes.h"

enum {
    SLOT_COUNT = XDP_ADDRESSES_MAX * XDP_SLOTS_PER_ADDRESS,
    PORTS_SIZE = SLOT_COUNT * sizeof(struct xdp_port_slot),
};

struct xdp_maps {
    int addresses_fd;
    int ports_fd;
    struct xdp_port_slot *ports; /* the kernel's memory */
    size_t count;
    struct address known[XDP_ADDRESSES_MAX];
};

/* Where the library's words go: the first line of them says what is wrong. */
static _Thread_local struct str *heard;

static int hear(enum libbpf_print_level level, const char *format, va_list arguments)
{
    if (heard != NULL && level == LIBBPF_WARN && str_text(heard).len == 0)
        str_vaddf(heard, format, arguments);
    return 0;
}

static int open_addresses(struct xdp_maps *maps, struct str *why)
{
    maps->addresses_fd = bpf_map_create(BPF_MAP_TYPE_HASH, "addresses",
        sizeof(struct xdp_address_key), sizeof(uint32_t), XDP_ADDRESSES_MAX, NULL);
    if (maps->addresses_fd < 0)
        return xdp_failure(why, maps->addresses_fd, "make a BPF map of addresses");
    return 0;
}

static int open_ports(struct xdp_maps *maps, struct str *why)
{
    /* Cleared whole: the library takes no other bytes where it knows of no member. */
    struct bpf_map_create_opts options;
    memset(&options, 0, sizeof(options));
    options.sz = sizeof(options);
    options.map_flags = BPF_F_MMAPABLE;
    maps->ports_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ports", sizeof(uint32_t),
        sizeof(struct xdp_port_slot), SLOT_COUNT, &options);
    if (maps->ports_fd < 0)
        return xdp_failure(why, maps->ports_fd, "make a BPF map of ports");

    void *memory = mmap(NULL, PORTS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, maps->ports_fd, 0);
    if (memory == MAP_FAILED)
        return xdp_failure(why, -errno, "see the memory of a BPF map");
    maps->ports = memory;
    return 0;
}

int xdp_maps_open(struct xdp_maps **out, struct str *why)
{
    libbpf_set_print(hear);
    struct xdp_maps *maps = malloc(sizeof(*maps));
    if (maps == NULL)
        return xdp_failure(why, -ENOMEM, "make BPF maps");
    *maps = (struct xdp_maps){.addresses_fd = -1, .ports_fd = -1};

    int error = open_addresses(maps, why);
    if (error == 0)
        error = open_ports(maps, why);
    if (error != 0) {
        xdp_maps_close(maps);
        return error;
    }
    *out = maps;
    return 0;
}

static void close_descriptor(int fd)
{
    if (fd >= 0)
        close(fd);
}

void xdp_maps_close(struct xdp_maps *maps)
{
    if (maps == NULL)
        return;
    if (maps->ports != NULL)
        munmap(maps->ports, PORTS_SIZE);
    close_descriptor(maps->ports_fd);
    close_descriptor(maps->addresses_fd);
    free(maps);
}

int xdp_maps_add_address(struct xdp_maps *maps, const struct address *ip)
{
    if (ip->family == ADDRESS_NONE)
        return -EAFNOSUPPORT;
    for (size_t i = 0; i < maps->count; i++)
        if (address_same_ip(&maps->known[i], ip))
            return (int)i;
    if (maps->count == XDP_ADDRESSES_MAX)
        return -ENOSPC;

    struct xdp_address_key key = {.family = ip->family == ADDRESS_IP4 ? 4 : 6};
    memcpy(key.ip, ip->ip, address_ip_len(ip));
    uint32_t index = (uint32_t)maps->count;
    int error = bpf_map_update_elem(maps->addresses_fd, &key, &index, BPF_ANY);
    if (error != 0)
        return error;
    maps->known[maps->count++] = *ip;
    return (int)index;
}

void xdp_maps_set_port(struct xdp_maps *maps, unsigned address, uint16_t port, int worker)
{
    assert(address < XDP_ADDRESSES_MAX && worker < XDP_WORKERS_MAX);
    struct xdp_port_slot *slot =
        &maps->ports[address * XDP_SLOTS_PER_ADDRESS + port / XDP_PORTS_PER_SLOT];
    uint8_t value = worker < 0 ? 0 : (uint8_t)(worker + 1);
    __atomic_store_n(&slot->worker[port % XDP_PORTS_PER_SLOT], value, __ATOMIC_RELEASE);
}

/* Has the object use the process's maps, and its sockets fit the device. */
static int prepare(struct bpf_object *object, const struct xdp_maps *maps, size_t queues)
{
    struct bpf_map *addresses = bpf_object__find_map_by_name(object, "addresses");
    struct bpf_map *ports = bpf_object__find_map_by_name(object, "ports");
    struct bpf_map *sockets = bpf_object__find_map_by_name(object, "sockets");
    assert(addresses != NULL && ports != NULL && sockets != NULL);

    int error = bpf_map__reuse_fd(addresses, maps->addresses_fd);
    if (error == 0)
        error = bpf_map__reuse_fd(ports, maps->ports_fd);
    if (error == 0)
        error = bpf_map__set_max_entries(sockets, (uint32_t)(queues * XDP_WORKERS_MAX));
    return error == 0 ? bpf_object__load(object) : error;
}

/* Descriptors of our own: those of the object go with it. */
static int take_descriptors(const struct bpf_object *object, struct xdp_program *out)
{
    const struct bpf_program *program = bpf_object__find_program_by_name(object, "sort_frame");
    assert(program != NULL);
    *out = (struct xdp_program){
        .program_fd = fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 0),
        .sockets_fd = fcntl(bpf_object__find_map_fd_by_name(object, "sockets"), F_DUPFD_CLOEXEC, 0),
        .card_fd = fcntl(bpf_object__find_map_fd_by_name(object, "card"), F_DUPFD_CLOEXEC, 0),
    };
    if (out->program_fd >= 0 && out->sockets_fd >= 0 && out->card_fd >= 0)
        return 0;
    int error = -errno;
    xdp_program_unload(out);
    return error;
}

static int load(const struct xdp_maps *maps, size_t queues, struct xdp_program *out)
{
    struct bpf_object_open_opts options;
    memset(&options, 0, sizeof(options));
    options.sz = sizeof(options);
    options.object_name = "mediaferry";
    struct bpf_object *object = bpf_object__open_mem(xdp_program_bytes, xdp_program_size, &options);
    if (object == NULL)
        return -errno;

    int error = prepare(object, maps, queues);
    if (error == 0)
        error = take_descriptors(object, out);
    bpf_object__close(object);
    return error;
}

static struct text first_line(struct text t)
{
    const char *end = t.len == 0 ? NULL : memchr(t.data, '\n', t.len);
    return end == NULL ? t : text_of(t.data, (size_t)(end - t.data));
}

int xdp_program_load(
    const struct xdp_maps *maps, size_t queues, struct xdp_program *out, struct str *why)
{
    assert(queues > 0 && queues <= XDP_QUEUES_MAX);
    struct str words;
    str_init(&words);
    heard = &words;
    int error = load(maps, queues, out);
    heard = NULL;

    if (error != 0) {
        xdp_failure(why, error, "load the XDP program");
        struct text line = first_line(str_text(&words));
        if (line.len > 0)
            str_addf(why, ", %.*s", TEXT_ARG(line));
    }
    str_done(&words);
    return error;
}

void xdp_program_unload(struct xdp_program *program)
{
    close_descriptor(program->program_fd);
    close_descriptor(program->sockets_fd);
    close_descriptor(program->card_fd);
    *program = (struct xdp_program){.program_fd = -1, .sockets_fd = -1, .card_fd = -1};
}

int xdp_program_set_card(const struct xdp_program *program, const struct xdp_card *card)
{
    uint32_t key = 0;
    return bpf_map_update_elem(program->card_fd, &key, card, BPF_ANY);
}
