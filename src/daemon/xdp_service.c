/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/xdp_service.h"

#include <stdlib.h>

#include "base/log.h"
#include "xdp/xdp.h"

/* Local IPs that sockets are bound to, each as often as it is told. */
struct addresses {
    struct address *list;
    size_t count;
};

/* More than interfaces have: a name that is too long is to be told of, not to be left out. */
enum { NAME_SIZE = 64 };

/* Names of interfaces, each once. */
struct names {
    char list[XDP_DEVICES_MAX][NAME_SIZE];
    const char *views[XDP_DEVICES_MAX];
    size_t count;
};

static void add_all(struct addresses *to, const struct address *list, size_t count)
{
    if (count > 0)
        memcpy(to->list + to->count, list, count * sizeof(*list));
    to->count += count;
}

/* Of media, of TURN's listeners and of relayed addresses. False when out of memory. */
static bool find_addresses(const struct daemon_config *config, struct addresses *out)
{
    const struct interfaces *media = config->interfaces;
    const struct turn_addresses *listening = &config->turn_lists.listening;
    const struct turn_addresses *relay = &config->turn_lists.relay;
    size_t count = media->bind_count + listening->count + relay->count;
    *out = (struct addresses){.list = calloc(count, sizeof(*out->list))};
    if (out->list == NULL)
        return false;
    add_all(out, media->binds, media->bind_count);
    add_all(out, listening->list, listening->count);
    add_all(out, relay->list, relay->count);
    return true;
}

static void add_name(struct names *names, struct text name)
{
    for (size_t i = 0; i < names->count; i++)
        if (text_is(name, names->list[i]))
            return;
    if (names->count == XDP_DEVICES_MAX || name.len == 0)
        return;
    size_t len = name.len < NAME_SIZE ? name.len : NAME_SIZE - 1;
    char *to = names->list[names->count];
    memcpy(to, name.data, len);
    to[len] = '\0';
    names->views[names->count++] = to;
}

/* Those that have the addresses. */
static void find_names(
    const struct host_addresses *host, const struct addresses *addresses, struct names *out)
{
    for (size_t i = 0; i < addresses->count; i++)
        for (size_t n = 0; n < host->count; n++)
            if (!host->list[n].is_loopback &&
                address_same_ip(&host->list[n].ip, &addresses->list[i]))
                add_name(out, text_from(host->list[n].nic));
}

static void choose_names(const struct daemon_config *config, const struct host_addresses *host,
    const struct addresses *addresses, struct names *out)
{
    struct text told = text_from(config->media.xdp_interface);
    out->count = 0;
    while (told.len > 0)
        add_name(out, text_trim(text_cut(&told, ';')));
    if (out->count == 0)
        find_names(host, addresses, out);
}

/* What it is, and what could not be had beside it. */
static void say_open(const struct xdp *xdp, size_t workers, const struct str *problem)
{
    struct str interfaces = {.data = NULL};
    for (size_t i = 0; i < xdp_device_count(xdp); i++) {
        const struct device *device = xdp_device(xdp, i);
        str_addf(&interfaces, "%s%s (%s, %zu queues)", i > 0 ? ", " : "", device_name(device),
            device_is_native(device) ? "native" : "generic", device_queues(device));
    }
    log_event(LOG_NOTICE, LOG_NO_CALL, "packet-io",
        "use=xdp why=\"as configured\" interfaces=%s workers=%zu",
        LOG_QUOTED(str_text(&interfaces)), workers);
    str_done(&interfaces);
    if (str_text(problem).len > 0)
        log_event(LOG_WARNING, LOG_NO_CALL, "xdp-partial", "why=%s", LOG_QUOTED(str_text(problem)));
}

static struct xdp *open_with(uv_loop_t *loop, const struct daemon_config *config,
    const struct addresses *addresses, const struct names *names, struct str *why)
{
    struct xdp *xdp = NULL;
    struct xdp_config xdp_config = {
        .loop = loop,
        .interfaces = names->views,
        .interface_count = names->count,
        .addresses = addresses->list,
        .address_count = addresses->count,
        .attach = config->media.xdp_attach,
        .workers = (size_t)config->process.num_threads,
    };
    if (names->count == 0) {
        str_add_string(why, "no network interface has the addresses for media");
        return NULL;
    }
    int error = xdp_open(&xdp_config, &xdp, why);
    if (error != 0 && str_text(why).len == 0)
        str_addf(why, "AF_XDP: %s", uv_strerror(error));
    return error == 0 ? xdp : NULL;
}

struct xdp *xdp_service_open(uv_loop_t *loop, const struct daemon_config *config,
    const struct host_addresses *host, struct str *why)
{
    struct addresses addresses;
    struct names names;
    if (!find_addresses(config, &addresses)) {
        str_add_string(why, "no memory");
        return NULL;
    }
    choose_names(config, host, &addresses, &names);
    struct xdp *xdp = open_with(loop, config, &addresses, &names, why);
    free(addresses.list);
    if (xdp != NULL)
        say_open(xdp, (size_t)config->process.num_threads, why);
    return xdp;
}

void xdp_service_close(struct xdp *xdp)
{
    xdp_close(xdp);
}

packet_io_maker *xdp_service_maker(void)
{
    return packet_io_new_xdp;
}

void *xdp_service_context(struct xdp *xdp, size_t worker)
{
    return xdp_worker(xdp, worker);
}
