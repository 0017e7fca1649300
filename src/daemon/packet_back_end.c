/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/packet_back_end.h"

#include "base/log.h"
#include "daemon/xdp_service.h"

/* One that works with sockets. `problem`: why it is not the one that was asked for. */
static void choose_sockets(
    struct packet_back_end *b, const struct daemon_config *config, struct text problem)
{
    struct packet_io_choice choice;
    enum packet_io_kind wanted = config->media.packet_io;
    if (wanted == PACKET_IO_XDP)
        wanted = PACKET_IO_AUTO;
    /* Where each packet wakes the worker, epoll is cheaper. */
    bool never_gathers = wanted == PACKET_IO_AUTO && config->media.batch_wait_us == 0;
    bool is_wanted = packet_io_choose(never_gathers ? PACKET_IO_EPOLL : wanted, &choice);
    struct text why = text_from(never_gathers ? "batch-wait is 0" : choice.reason);
    if (problem.len > 0)
        why = problem;
    log_event(is_wanted && problem.len == 0 ? LOG_NOTICE : LOG_WARNING, LOG_NO_CALL, "packet-io",
        "use=%s why=%s", choice.name, LOG_QUOTED(why));
    b->make = choice.make;
    b->name = choice.name;
}

void packet_back_end_open(struct packet_back_end *b, uv_loop_t *loop,
    const struct daemon_config *config, const struct host_addresses *host)
{
    struct str problem = {.data = NULL};
    *b = (struct packet_back_end){.make = xdp_service_maker(), .name = "xdp"};
    if (config->media.packet_io == PACKET_IO_XDP)
        b->xdp = xdp_service_open(loop, config, host, &problem);
    if (b->xdp == NULL)
        choose_sockets(b, config, str_text(&problem));
    str_done(&problem);
}

void *packet_back_end_context(const struct packet_back_end *b, size_t worker)
{
    return b->xdp != NULL ? xdp_service_context(b->xdp, worker) : NULL;
}

void packet_back_end_metrics(const struct packet_back_end *b, struct str *out)
{
    if (b->xdp != NULL)
        xdp_service_metrics(b->xdp, out);
}

void packet_back_end_close(struct packet_back_end *b)
{
    if (b->xdp != NULL)
        xdp_service_close(b->xdp);
    b->xdp = NULL;
}
