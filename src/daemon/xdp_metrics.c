/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/metrics.h"
#include "daemon/xdp_service.h"
#include "xdp/xdp.h"

static void put_detours(const struct xdp_counters *sum, struct str *out)
{
    struct metric m = metric_begin(out, METRIC_COUNTER, "mediaferry_xdp_socket_packets",
        "datagrams sent through sockets in place of AF_XDP, by reason");
    for (unsigned detour = 0; detour < XDP_DETOUR_COUNT; detour++)
        if (detour != NEXT_HOP_READY)
            metric_add(&m, counter_get(&sum->detours[detour]), 1,
                (struct metric_label[]){{"reason", text_from(xdp_detour_name(detour))}});
}

/* Those that an entry of the table can be in. */
static void put_next_hops(const struct xdp *xdp, struct str *out)
{
    size_t counts[NEXT_HOP_STATE_COUNT];
    struct metric m = metric_begin(
        out, METRIC_GAUGE, "mediaferry_xdp_next_hops", "destinations of AF_XDP, by state");
    xdp_next_hops(xdp, counts);
    for (unsigned state = 0; state < NEXT_HOP_STATE_COUNT; state++)
        if (state != NEXT_HOP_CONFIRM && state != NEXT_HOP_TOO_MANY)
            metric_add(&m, counts[state], 1,
                (struct metric_label[]){
                    {"state", text_from(next_hop_state_name((enum next_hop_state)state))}});
}

static void put_routes(const struct routes_counters *c, struct str *out)
{
    metric_put(out, METRIC_COUNTER, "mediaferry_xdp_route_requests",
        "routes that the kernel was asked for", counter_get(&c->requests));
    metric_put(out, METRIC_COUNTER, "mediaferry_xdp_route_failures", "of these, without an answer",
        counter_get(&c->failures));
    metric_put(out, METRIC_COUNTER, "mediaferry_xdp_route_changes",
        "changes of the network that all destinations were looked up anew for",
        counter_get(&c->changes));
    metric_put(out, METRIC_COUNTER, "mediaferry_xdp_route_resyncs",
        "times that changes were missed and all was read anew", counter_get(&c->resyncs));
}

void xdp_service_metrics(const struct xdp *xdp, struct str *out)
{
    struct xdp_counters sum;
    xdp_sum(xdp, &sum);
    metric_put(out, METRIC_COUNTER, "mediaferry_xdp_received_packets",
        "of the datagrams received, those by AF_XDP", counter_get(&sum.received_packets));
    metric_put(out, METRIC_COUNTER, "mediaferry_xdp_sent_packets",
        "of the datagrams sent, those by AF_XDP", counter_get(&sum.sent_packets));
    put_detours(&sum, out);
    put_next_hops(xdp, out);
    put_routes(xdp_routes(xdp), out);
}
