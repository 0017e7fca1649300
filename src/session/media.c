/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of all workers and ports, summed up for those who ask. */
#include "relay/counters.h"
#include "session/table.h"

static void add_relay(struct sessions_media *sum, const struct relay *relay)
{
    const struct relay_counters *relayed = relay_counters(relay);
    const struct drop_counters *drops = &worker_counters(relay_worker(relay))->drops;
    sum->streams += counter_get(&relayed->streams);
    sum->transports += counter_get(&relayed->transports);
    sum->relayed_packets += counter_get(&relayed->relayed_packets);
    sum->relayed_bytes += counter_get(&relayed->relayed_bytes);
    sum->dtls_connected += counter_get(&relayed->dtls_connected);
    sum->dtls_failed += counter_get(&relayed->dtls_failed);
    sum->ice_answered += counter_get(&relayed->ice_answered);
    sum->ice_refused += counter_get(&relayed->ice_refused);
    sum->stun_answered += counter_get(&relayed->stun_answered);
    for (size_t i = 0; i < DROP_REASON_COUNT; i++)
        sum->drops[i] += counter_get(&drops->by_reason[i]);
}

struct sessions_media sessions_media(const struct sessions *sessions)
{
    struct sessions_media sum = {0};
    for (size_t i = 0; i < sessions->worker_count; i++)
        add_relay(&sum, sessions->workers[i].relay);
    return sum;
}

struct port_pool_usage sessions_ports(const struct sessions *sessions, size_t bind)
{
    return leases_usage(sessions->leases, bind);
}

const struct interfaces *sessions_interfaces(const struct sessions *sessions)
{
    return sessions->interfaces;
}
