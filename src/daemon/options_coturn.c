/* SPDX-License-Identifier: Apache-2.0 */
/* Options of coturn that have no effect here. Its options that have are in options_turn.inc. */
#include "daemon/options.h"

static const char no_anonymous[] =
    "TURN without authentication is not offered: set user, static-auth-secret or redis-userdb";
static const char no_database[] =
    "users are kept in this file or in Redis: list them as user = NAME:PASSWORD, or fill Redis and "
    "set redis-userdb";
static const char one_admin[] =
    "administration is the HTTP service of listen-admin in [mediaferry]";
static const char no_statsdb[] =
    "traffic is counted in the metrics of listen-admin in [mediaferry], not in Redis";
static const char stderr_log[] =
    "the log is key=value lines on stderr; its level is log-level in [mediaferry]";
static const char own_threads[] = "the number of threads is num-threads in [mediaferry]";
static const char own_batches[] = "packets are always received and sent in batches";
static const char no_daemon[] = "the daemon stays in the foreground, and systemd runs it as a user "
                                "of its own";
static const char by_address[] =
    "sockets are bound to addresses: name the network interface in listening-ip or relay-ip";
static const char same_ports[] =
    "all addresses of listening-ip are served on the same ports: listening-port and "
    "tls-listening-port";
static const char own_proxy_ports[] =
    "the PROXY protocol is spoken on the usual ports, with the sources named in proxy-protocol";
static const char always_so[] = "it is always so";
static const char no_old_tls[] = "TLS 1.2 and 1.3 and DTLS 1.2 are offered, no older ones";
static const char all_tls[] = "TLS 1.2 cannot be turned off alone";
static const char own_groups[] = "key exchange uses the elliptic curves of OpenSSL's default";
static const char no_raw_keys[] = "raw public keys are not offered";
static const char mirrored[] = "FINGERPRINT is in a reply when it was in the request";
static const char open_stun[] = "Binding requests need no credentials; no-stun turns them off";
static const char no_old_stun[] =
    "the STUN of RFC 3489 is not spoken, and replies carry no more than RFC 8489 asks for";
static const char plain_discovery[] = "RFC 5780 is served on listening-port and over UDP only";
static const char no_discovery[] = "RFC 5780 is off unless rfc5780 turns it on";
static const char dangerous[] = "peers without a permission are never relayed";
static const char no_origin_check[] =
    "ORIGIN chooses the realm of the challenge and is not looked at again";
static const char no_shared_port[] = "each allocation has a port of its own";
static const char by_redis[] =
    "what is in Redis is read again every redis-refresh-interval seconds";
static const char no_state_before[] =
    "an unfinished allocation costs nothing; connections without one end after tcp-idle-timeout";
static const char no_http_here[] = "HTTP is not spoken on TURN ports";
static const char no_balance[] = "the kernel spreads clients over the threads";
static const char two_lists[] =
    "alternate servers are listed in alternate-server (UDP and TCP) and tls-alternate-server";
static const char stateless[] = "nonces are always stateless; stateless-nonce-secret shares their "
                                "key between servers";
static const char with_rate[] = "it is on unless unauthorized-ratelimit-rps is 0";
static const char with_certificate[] =
    "DTLS is served when there is a certificate, unless no-dtls is set";
static const char own_files[] = "the file for the process id is pidfile in [mediaferry]";
static const char own_drain[] = "SIGTERM and drain are commands of this daemon's own";
static const char use_keep[] = "it is allocation-default-address-family = keep";

const struct ignored_option coturn_ignored_options[] = {
    {.name = "no-auth", .reason = no_anonymous},
    {.name = "userdb", .reason = no_database},
    {.name = "db", .reason = no_database},
    {.name = "psql-userdb", .reason = no_database},
    {.name = "sql-userdb", .reason = no_database},
    {.name = "mysql-userdb", .reason = no_database},
    {.name = "mongo-userdb", .reason = no_database},
    {.name = "secret-key-file", .reason = no_database},
    {.name = "redis-statsdb", .reason = no_statsdb},
    {.name = "cli*", .reason = one_admin},
    {.name = "no-cli", .reason = one_admin},
    {.name = "web-admin*", .reason = one_admin},
    {.name = "prometheus*", .reason = one_admin},
    {.name = "verbose", .reason = stderr_log},
    {.name = "syslog*", .reason = stderr_log},
    {.name = "log-*", .reason = stderr_log},
    {.name = "simple-log", .reason = stderr_log},
    {.name = "no-stdout-log", .reason = stderr_log},
    {.name = "new-log-timestamp*", .reason = stderr_log},
    {.name = "relay-threads", .reason = own_threads},
    {.name = "cpus", .reason = own_threads},
    {.name = "listener-threads", .reason = own_threads},
    {.name = "ne", .reason = own_threads},
    {.name = "udp-recvmmsg*", .reason = own_batches},
    {.name = "udp-sendmmsg*", .reason = own_batches},
    {.name = "udp-gso*", .reason = own_batches},
    {.name = "sock-buf-size", .reason = own_batches},
    {.name = "daemon", .reason = no_daemon},
    {.name = "proc-user", .reason = no_daemon},
    {.name = "proc-group", .reason = no_daemon},
    {.name = "pidfile", .reason = own_files},
    {.name = "listening-device", .reason = by_address},
    {.name = "relay-device", .reason = by_address},
    {.name = "aux-server", .reason = same_ports},
    {.name = "tcp-proxy-port", .reason = own_proxy_ports},
    {.name = "udp-self-balance", .reason = no_balance},
    {.name = "udp-alternate-server", .reason = two_lists},
    {.name = "tcp-alternate-server", .reason = two_lists},
    {.name = "no-loopback-peers", .reason = always_so},
    {.name = "no-software-attribute", .reason = always_so},
    {.name = "prod", .reason = always_so},
    {.name = "drop-invalid-packets", .reason = always_so},
    {.name = "no-sslv*", .reason = no_old_tls},
    {.name = "no-tlsv1", .reason = no_old_tls},
    {.name = "no-tlsv1_1", .reason = no_old_tls},
    {.name = "tlsv1", .reason = no_old_tls},
    {.name = "tlsv1_1", .reason = no_old_tls},
    {.name = "no-tlsv1_2", .reason = all_tls},
    {.name = "dh*", .reason = own_groups},
    {.name = "ec-curve-name", .reason = own_groups},
    {.name = "raw-public-keys", .reason = no_raw_keys},
    {.name = "dtls", .reason = with_certificate},
    {.name = "fingerprint", .reason = mirrored},
    {.name = "secure-stun", .reason = open_stun},
    {.name = "no-rfc5780", .reason = no_discovery},
    {.name = "alt-tls-listening-port", .reason = plain_discovery},
    {.name = "stun-backward-compatibility", .reason = no_old_stun},
    {.name = "no-stun-backward-compatibility", .reason = no_old_stun},
    {.name = "rfc3489-compatibility", .reason = no_old_stun},
    {.name = "response-origin-only-with-rfc5780", .reason = no_old_stun},
    {.name = "include-reason-string", .reason = no_old_stun},
    {.name = "server-relay", .reason = dangerous},
    {.name = "check-origin-consistency", .reason = no_origin_check},
    {.name = "multiplex-peer*", .reason = no_shared_port},
    {.name = "no-auth-pings", .reason = by_redis},
    {.name = "no-dynamic-ip-list", .reason = by_redis},
    {.name = "no-dynamic-realms", .reason = by_redis},
    {.name = "max-allocate-timeout", .reason = no_state_before},
    {.name = "acme-redirect", .reason = no_http_here},
    {.name = "respond-http-unsupported", .reason = no_http_here},
    {.name = "stateless-nonce", .reason = stateless},
    {.name = "unauthorized-ratelimit", .reason = with_rate},
    {.name = "drain-min-allocations", .reason = own_drain},
    {.name = "keep-address-family", .reason = use_keep},
};

const size_t coturn_ignored_option_count = COUNT_OF(coturn_ignored_options);
