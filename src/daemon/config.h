/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/config.h - the settings of the process: an immutable snapshot, made whole or not at all.
 *
 * Every field belongs to one line of the option table (daemon/options.c), which says what it
 * means. Sources, the later ones winning: defaults, configuration file, environment, command line.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "base/str.h"
#include "net/interfaces.h"
#include "net/listen_address.h"
#include "ng/server.h"
#include "plan/plan.h"

enum mos_kind { MOS_CQ, MOS_LQ };

struct network_settings {
    char *interface;
    char *listen_ng;
    int64_t control_tos;
    int64_t port_min, port_max;
    int64_t webrtc_port; /* of worker 0; 0: a port per stream */
    int64_t stun_port;   /* 0: none */
    int64_t tos;
    char *software_id;
};

struct call_settings {
    int64_t timeout_s, silent_timeout_s, offer_timeout_s; /* 0: never */
    int64_t final_timeout_s;                              /* 0: never */
    int64_t delete_delay_s;
    int64_t max_sessions; /* -1: no limit */
    bool sip_source;
    bool plain_sdp;
    bool reject_invalid_sdp;
};

struct media_settings {
    enum plan_learning endpoint_learning;
    bool dtls_passive;
    int64_t dtls_mtu;
    char *srtp_engine;
    enum ng_ssrc_reporting ssrc_reporting;
    enum mos_kind mos;
    int64_t batch_wait_us;
};

struct process_settings {
    int64_t num_threads; /* resolved: at least 1 */
    int64_t log_level;
    bool log_stderr;
    bool foreground;
    char *pidfile;
    char *config_file;
    char *config_section;
};

struct daemon_config {
    struct network_settings network;
    struct call_settings calls;
    struct media_settings media;
    struct process_settings process;

    /* Made from the texts above by config_resolve(). */
    struct interfaces *interfaces;
    bool interface_was_chosen; /* none was configured */
    struct listen_addresses listen_ng;

    char **warnings; /* for the log, a sentence each */
    size_t warning_count;
    char **origins; /* where each option of the table was set; NULL: by default */
};

/* What the command line asks for instead of running. */
enum config_action {
    CONFIG_RUN,
    CONFIG_HELP,
    CONFIG_VERSION,
    CONFIG_PRINT_CONFIG,
    CONFIG_PRINT_MAN,
    CONFIG_PRINT_DOCS,
};

/*
 * Reads all sources and checks them. Returns 0 and a new configuration in `out`, or -EINVAL or
 * -ENOMEM with a line for the user in `why`. The configuration is not resolved yet.
 */
NODISCARD int config_load(int argc, char *const *argv, char *const *envp,
    enum config_action *action, struct daemon_config **out, struct str *why);

/*
 * Finds the addresses that the texts stand for, and the number of threads when it was left open.
 * May look up host names. Same errors.
 */
NODISCARD int config_resolve(struct daemon_config *config, const struct host_addresses *host,
    unsigned cores, struct str *why);

/* Accepts NULL. */
void config_free(struct daemon_config *config);

#endif
