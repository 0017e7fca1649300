/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/xdp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cache_line.h"
#include "xdp/packet_io.h"

struct xdp {
    struct xdp_common common;
    struct routes *routes;
    struct xdp_worker *workers[XDP_WORKERS_MAX]; /* apart from each other: each writes its own */
};

/* What a new socket has an option set to. */
static int default_of(int family, int level, int option, int fallback)
{
    int value = fallback;
    socklen_t len = sizeof(value);
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fallback;
    if (getsockopt(fd, level, option, &value, &len) != 0)
        value = fallback;
    close(fd);
    return value;
}

static void read_manners(struct xdp_common *common)
{
    int discover = default_of(AF_INET, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT);
    common->ip4 = (struct xdp_manner){
        .hop_limit = (uint8_t)default_of(AF_INET, IPPROTO_IP, IP_TTL, 64),
        .dont_fragment = discover == IP_PMTUDISC_WANT || discover == IP_PMTUDISC_DO ||
                         discover == IP_PMTUDISC_PROBE,
    };
    common->ip6.hop_limit = (uint8_t)default_of(AF_INET6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64);
}

static void begin_sentence(struct str *why)
{
    if (str_text(why).len > 0)
        str_add_string(why, "; ");
}

/* What does not fit goes by the kernel. */
static int add_addresses(
    struct xdp_common *common, const struct xdp_config *config, struct str *why)
{
    for (size_t i = 0; i < config->address_count; i++) {
        struct address ip = config->addresses[i];
        ip.port = 0;
        if (address_is_unspecified(&ip))
            continue;
        int index = xdp_maps_add_address(common->maps, &ip);
        if (index < 0) {
            begin_sentence(why);
            str_addf(why, "cannot take another local address: %s", strerror(-index));
            return index == -ENOSPC ? 0 : index;
        }
        common->addresses[index] = ip;
        if ((unsigned)index >= common->address_count)
            common->address_count = (unsigned)index + 1;
    }
    return 0;
}

static int open_devices(struct xdp_common *common, const struct xdp_config *config, struct str *why)
{
    int error = -EINVAL;
    for (size_t i = 0; i < config->interface_count && common->device_count < XDP_DEVICES_MAX; i++) {
        struct device_config device = {
            .interface = config->interfaces[i],
            .attach = config->attach,
            .workers = config->workers,
        };
        struct str reason = {.data = NULL};
        int failed =
            device_open(common->maps, &device, &common->devices[common->device_count], &reason);
        if (failed == 0) {
            common->device_count++;
        } else {
            error = failed;
            begin_sentence(why);
            str_add(why, str_text(&reason));
        }
        str_done(&reason);
    }
    return common->device_count > 0 ? 0 : error;
}

/* When that fails, frames to the new address are left to the kernel. */
static void on_device(void *owner, const struct routes_device *changed)
{
    const struct xdp *xdp = owner;
    int error = 0;
    for (size_t i = 0; i < xdp->common.device_count && changed->exists; i++)
        if (device_ifindex(xdp->common.devices[i]) == changed->ifindex)
            error = device_set_mac(xdp->common.devices[i], changed->mac);
    (void)error;
}

static int open_routes(struct xdp *xdp, uv_loop_t *loop)
{
    unsigned ifindexes[XDP_DEVICES_MAX];
    for (size_t i = 0; i < xdp->common.device_count; i++)
        ifindexes[i] = device_ifindex(xdp->common.devices[i]);
    xdp->common.hops = next_hops_new(0);
    if (xdp->common.hops == NULL)
        return -ENOMEM;
    struct routes_config routes = {
        .hops = xdp->common.hops,
        .ifindexes = ifindexes,
        .count = xdp->common.device_count,
        .on_device = on_device,
        .owner = xdp,
    };
    return routes_open(loop, &routes, &xdp->routes);
}

static int add_workers(struct xdp *xdp)
{
    for (size_t i = 0; i < xdp->common.workers; i++) {
        struct xdp_worker *worker = cache_line_calloc(1, sizeof(*worker));
        if (worker == NULL)
            return -ENOMEM;
        worker->common = &xdp->common;
        worker->index = (unsigned)i;
        xdp->workers[i] = worker;
    }
    return 0;
}

static int open_all(struct xdp *xdp, const struct xdp_config *config, struct str *why)
{
    if (config->workers > XDP_WORKERS_MAX) {
        str_addf(why, "more than %d workers", XDP_WORKERS_MAX);
        return -E2BIG;
    }
    xdp->common.workers = config->workers;
    read_manners(&xdp->common);
    int error = add_workers(xdp);
    if (error == 0)
        error = xdp_maps_open(&xdp->common.maps, why);
    if (error == 0)
        error = add_addresses(&xdp->common, config, why);
    if (error == 0)
        error = open_devices(&xdp->common, config, why);
    if (error != 0)
        return error;
    error = open_routes(xdp, config->loop);
    if (error != 0) {
        begin_sentence(why);
        str_addf(why, "cannot ask the kernel for its routes: %s", uv_strerror(error));
    }
    return error;
}

int xdp_open(const struct xdp_config *config, struct xdp **out, struct str *why)
{
    struct xdp *xdp = calloc(1, sizeof(*xdp));
    if (xdp == NULL)
        return -ENOMEM;
    int error = open_all(xdp, config, why);
    if (error != 0) {
        xdp_close(xdp);
        return error;
    }
    *out = xdp;
    return 0;
}

void xdp_close(struct xdp *xdp)
{
    if (xdp == NULL)
        return;
    routes_close(xdp->routes);
    for (size_t i = 0; i < xdp->common.device_count; i++)
        device_close(xdp->common.devices[i]);
    xdp_maps_close(xdp->common.maps);
    next_hops_free(xdp->common.hops);
    for (size_t i = 0; i < XDP_WORKERS_MAX; i++)
        free(xdp->workers[i]);
    free(xdp);
}

struct xdp_worker *xdp_worker(struct xdp *xdp, size_t index)
{
    return xdp->workers[index];
}

size_t xdp_device_count(const struct xdp *xdp)
{
    return xdp->common.device_count;
}

const struct device *xdp_device(const struct xdp *xdp, size_t index)
{
    return xdp->common.devices[index];
}

const char *xdp_detour_name(unsigned detour)
{
    static const char *const names[] = {
        [XDP_DETOUR_TOO_LONG] = "too-long",
        [XDP_DETOUR_RING_FULL] = "ring-full",
        [XDP_DETOUR_ADDRESS] = "address",
    };
    return detour < NEXT_HOP_STATE_COUNT ? next_hop_state_name((enum next_hop_state)detour)
                                         : names[detour];
}

void xdp_sum(const struct xdp *xdp, struct xdp_counters *out)
{
    *out = (struct xdp_counters){.received_packets = {0}};
    for (size_t i = 0; i < xdp->common.workers; i++) {
        const struct xdp_counters *c = &xdp->workers[i]->counters;
        counter_add(&out->received_packets, counter_get(&c->received_packets));
        counter_add(&out->sent_packets, counter_get(&c->sent_packets));
        for (unsigned n = 0; n < XDP_DETOUR_COUNT; n++)
            counter_add(&out->detours[n], counter_get(&c->detours[n]));
    }
}

void xdp_next_hops(const struct xdp *xdp, size_t out[NEXT_HOP_STATE_COUNT])
{
    next_hops_count(xdp->common.hops, out);
}

const struct routes_counters *xdp_routes(const struct xdp *xdp)
{
    return routes_counters(xdp->routes);
}
