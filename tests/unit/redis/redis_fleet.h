/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_fleet.h - real Redis processes that belong together, on loopback: a Cluster, or a master
 * with its replica and their Sentinels. Their files are in the directory of ../net/pem.h.
 */
#ifndef REDIS_FLEET_H
#define REDIS_FLEET_H

#include "redis_process.h"

enum { FLEET_MAX = 8, FLEET_MASTERS = 3 };

struct redis_fleet {
    struct redis_process list[FLEET_MAX];
    const char *lines[FLEET_MAX]; /* of each one's configuration */
    char memory[FLEET_MAX][640];  /* of these */
    uint16_t tls_ports[FLEET_MAX];
    bool is_sentinel[FLEET_MAX];
    size_t count;
};

/* Three masters, and one replica of the first. False when there is no redis-server on this
 * machine. */
NODISCARD bool fleet_start_cluster(struct redis_fleet *fleet, const char *password);

/* The same with a port for TLS each; `lines` ends with the name of that option. */
NODISCARD bool fleet_start_cluster_tls(struct redis_fleet *fleet, const char *lines);

/* [0] master of "the-one", [1] its replica, [2], [3], [4] Sentinels. */
NODISCARD bool fleet_start_sentinels(struct redis_fleet *fleet, const char *password);

/* Starts one again that was killed. */
void fleet_restart(struct redis_fleet *fleet, size_t index);

void fleet_stop(struct redis_fleet *fleet);

#endif
