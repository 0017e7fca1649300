/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/metrics_sources.h - the parts of /metrics that are not TURN's; see daemon/metrics.h. */
#ifndef DAEMON_METRICS_SOURCES_H
#define DAEMON_METRICS_SOURCES_H

#include "admin/server.h"
#include "daemon/metrics.h"
#include "daemon/packet_back_end.h"
#include "ng/server.h"
#include "session/session.h"

/* All borrowed. */
struct metrics_sources {
    const struct sessions *sessions;
    const struct ng_counters *ng;
    const struct admin_counters *admin;
    const struct packet_back_end *packets;
    const char *srtp_engine; /* name of that in use */
    bool is_draining;
};

enum metrics_ports {
    METRICS_PORTS,
    METRICS_PORTS_USED,
    METRICS_PORTS_FREE,
    METRICS_PORTS_SKIPPED,
};

/* A sample for each address of each interface, with the labels `name_label` and "address". */
void metrics_each_port_range(const struct sessions *sessions, enum metrics_ports which,
    const char *name_label, const struct metric *m);

void metrics_process(const struct metrics_sources *from, struct str *out);
void metrics_calls(const struct metrics_sources *from, struct str *out);
void metrics_records(const struct metrics_sources *from, struct str *out);
void metrics_control(const struct metrics_sources *from, struct str *out);
void metrics_packets(const struct metrics_sources *from, struct str *out);

/* The same facts once more, those of them that rtpengine has too, under its names: for dashboards
 * that are there already. */
void metrics_rtpengine(const struct metrics_sources *from, struct str *out);

#endif
