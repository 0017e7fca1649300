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
#include "daemon/turn_lists.h"
#include "daemon/worker_cores.h"
#include "net/interfaces.h"
#include "net/listen_address.h"
#include "net/packet_io_choose.h"
#include "ng/server.h"
#include "plan/plan.h"
#include "xdp/device.h"

enum mos_kind { MOS_CQ, MOS_LQ };

struct network_settings {
    char *interface;
    char *listen_ng;
    int64_t control_tos;
    int64_t port_min, port_max;
    int64_t webrtc_port; /* of worker 0; 0: a port per stream */
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
    enum packet_io_kind packet_io;
    char *xdp_interface; /* empty: those that have the addresses */
    enum device_attach xdp_attach;
};

enum turn_default_family { TURN_DEFAULT_IP4, TURN_DEFAULT_IP6, TURN_DEFAULT_KEEP };
enum turn_algorithms { TURN_MD5, TURN_MD5_AND_SHA256 };

/* The section [turn], under coturn's names. Lists are texts with an entry on each line;
 * `turn_lists` of the configuration has them parsed. */
struct turn_options {
    int64_t listening_port, tls_listening_port;  /* 0: none */
    int64_t alt_listening_port;                  /* 0: listening_port and 1 */
    char *listening_ip, *relay_ip, *external_ip; /* lists */
    int64_t min_port, max_port;
    bool no_udp, no_tcp, no_tls, no_dtls;
    bool no_udp_relay, no_tcp_relay;
    bool stun_only, no_stun;
    bool rfc5780;
    bool mobility;
    bool rfc5766_channel_numbers;
    char *proxy_protocol;                    /* list */
    enum turn_default_family default_family; /* of a request that names none */
    char *alternate_server;                  /* list */
    char *tls_alternate_server;              /* list */
    bool software_attribute;

    char *realm;                  /* list */
    char *origin;                 /* list */
    char *user;                   /* list */
    char *static_auth_secret;     /* list */
    bool use_auth_secret;         /* asks for a secret or Redis: checked, no more */
    bool lt_cred_mech;            /* asks for a user or Redis: checked, no more */
    char *rest_api_separator;     /* one character */
    int64_t stale_nonce_s;        /* 0: never stale */
    char *stateless_nonce_secret; /* list of 0 to 2 */
    enum turn_algorithms password_algorithms;
    bool username_anonymity;
    bool strict_expiry;
    bool oauth;
    char *oauth_key; /* list */
    char *server_name;
    char *redis_userdb;
    int64_t redis_refresh_interval_s;

    int64_t user_quota, total_quota; /* allocations; 0: no limit. So for all below */
    int64_t max_bps, bps_capacity;   /* bytes a second, each way */
    int64_t max_pps;                 /* of an allocation, each way */
    int64_t max_new_peers;           /* of an allocation, a second */
    int64_t max_permissions;         /* of an allocation; at least 1 */
    int64_t max_allocate_lifetime_s, channel_lifetime_s, permission_lifetime_s;
    int64_t unauthorized_ratelimit_rps, binding_ratelimit_rps; /* of a source */
    int64_t max_connections, max_connections_per_ip, max_half_open;
    int64_t tcp_idle_timeout_s;

    char *allowed_peer_ip, *denied_peer_ip; /* lists */
    bool allow_loopback_peers;
    bool no_multicast_peers; /* always so */

    char *cert, *pkey; /* lists of files, as many of each */
    char *pkey_pwd;
    char *cipher_list;
    char *ca_file;

    char *uris; /* list */
    int64_t credentials_ttl_s;
};

/* What nodes share, and this one among them. */
struct fleet_settings {
    char *redis; /* empty: nothing is shared */
    char *redis_user, *redis_password;
    char *redis_tls_ca, *redis_tls_certificate, *redis_tls_key;
    int64_t redis_connect_timeout_ms, redis_cmd_timeout_ms, redis_expires_s;
    char *redis_prefix;
    char *seal_key_file;
    char *node_name; /* resolved */
    int64_t node_lease_ms;
    char *node_address;
};

struct admin_settings {
    char *listen;  /* empty: none */
    char *control; /* path of a unix socket; empty: none */
    char *token;   /* list */
    char *token_file;
};

struct process_settings {
    int64_t num_threads; /* resolved: at least 1 */
    char *worker_affinity;
    int64_t log_level;
    bool log_stderr;
    bool foreground;
    char *pidfile;
    int64_t drain_timeout_s; /* 0: no drain */
    char *restart_file;      /* empty: calls end with the process */
    int64_t restart_max_age_s;
    char *config_file;
    char *config_section;
    char *turnserver_conf;
};

struct daemon_config {
    struct network_settings network;
    struct call_settings calls;
    struct media_settings media;
    struct turn_options turn;
    struct fleet_settings fleet;
    struct admin_settings admin;
    struct process_settings process;

    /* Made from the texts above by config_resolve(). */
    struct interfaces *interfaces;
    bool interface_was_chosen; /* none was configured */
    struct listen_addresses listen_ng;
    struct address node_address; /* family NONE: other nodes cannot reach our ng */
    struct worker_cores worker_cores;
    struct listen_addresses listen_admin; /* count 0: none */
    char *admin_tokens; /* of either option, one on each line; NULL without listen_admin */
    struct turn_lists turn_lists;
    bool turn_is_on; /* somebody can authenticate; otherwise STUN alone is served */

    char **warnings; /* for the log, a sentence each */
    size_t warning_count;
    char **origins; /* where each option of the table was set; NULL: by default */
};

/* What the command line asks for instead of running. */
enum config_action {
    CONFIG_RUN,
    CONFIG_HELP,
    CONFIG_VERSION,
    CONFIG_CHECK,
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
