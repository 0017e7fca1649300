/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"

static const char no_kernel[] = "media is forwarded in user space, there is no kernel module";
static const char one_redis[] = "all nodes share the Redis of the option 'redis'";
static const char async_redis[] = "calls never wait for Redis";
static const char no_protocol[] = "control is ng over UDP";
static const char no_http[] = "there is no command line or HTTP service";
static const char no_recording[] = "calls are not recorded";
static const char no_audio[] = "audio is passed on, not decoded";
static const char no_reports[] = "the parties' RTCP is passed on, none is made here";
static const char no_export[] = "nothing is exported to other systems";
static const char no_callback[] = "there are no XMLRPC callbacks";
static const char no_load_limit[] = "only max-sessions limits the load";
static const char stderr_log[] = "the log is key=value lines on stderr";
static const char one_log_level[] = "log-level holds for every part";
static const char no_secrets[] = "keys are never logged";
static const char ecdsa[] = "DTLS uses ECDSA P-256 and the ciphers of WebRTC";
static const char own_threads[] = "each worker is one thread with its own sockets";
static const char one_option[] = "interfaces are those of the option 'interface'";

const struct ignored_option ignored_options[] = {
    {"table", false, no_kernel},
    {"no-fallback", true, no_kernel},
    {"kernel-*", false, no_kernel},
    {"nftables-*", false, no_kernel},
    {"iptables-chain", false, no_kernel},
    {"redis-write", false, one_redis},
    {"redis-subscribe", false, one_redis},
    {"subscribe-keyspace", false, one_redis},
    {"active-switchover", true, "a call goes where its address is"},
    {"no-redis-required", true, async_redis},
    {"redis-num-threads", false, async_redis},
    {"redis-allowed-errors", false, async_redis},
    {"redis-disable-time", false, async_redis},
    {"redis-resolve-on-reconnect", true, async_redis},
    {"redis-delete-async", true, async_redis},
    {"redis-delete-async-interval", false, async_redis},
    {"redis-format", false, "records have a format of their own (docs/store.md)"},
    {"listen-udp", false, no_protocol},
    {"listen-tcp", false, no_protocol},
    {"listen-tcp-ng", false, no_protocol},
    {"ng-client-*", false, no_protocol},
    {"control-pmtu", false, no_protocol},
    {"listen-cli", false, no_http},
    {"listen-http", false, no_http},
    {"listen-https", false, no_http},
    {"http-*", false, no_http},
    {"https-*", false, no_http},
    {"janus-secret", false, no_http},
    {"recording-*", false, no_recording},
    {"record-egress", true, no_recording},
    {"record-both", true, no_recording},
    {"jitter-buffer*", false, no_audio},
    {"dtx-*", false, no_audio},
    {"evs-*", false, no_audio},
    {"amr-*", false, no_audio},
    {"moh-*", false, no_audio},
    {"player-cache", true, no_audio},
    {"media-files-*", false, no_audio},
    {"audio-*", false, no_audio},
    {"cn-payload", false, no_audio},
    {"silence-detect", false, no_audio},
    {"transcode-config", false, no_audio},
    {"codec-num-threads", false, no_audio},
    {"dtmf-*", false, no_audio},
    {"vsc-*", false, no_audio},
    {"rtcp-interval", false, no_reports},
    {"homer*", false, no_export},
    {"graphite*", false, no_export},
    {"mqtt-*", false, no_export},
    {"mysql-*", false, no_export},
    {"measure-rtp", true, no_export},
    {"b2b-url", false, no_callback},
    {"xmlrpc-format", false, no_callback},
    {"max-load", false, no_load_limit},
    {"max-cpu", false, no_load_limit},
    {"max-bandwidth", false, no_load_limit},
    {"log-facility*", false, stderr_log},
    {"log-format", false, stderr_log},
    {"log-name", false, stderr_log},
    {"log-mark-*", false, stderr_log},
    {"log-level-*", false, one_log_level},
    {"split-logs", true, stderr_log},
    {"log-srtp-keys", true, no_secrets},
    {"debug-srtp", true, no_secrets},
    {"dtls-ciphers", false, ecdsa},
    {"dtls-cert-cipher", false, ecdsa},
    {"dtls-rsa-key-length", false, ecdsa},
    {"dtls-signature", false, ecdsa},
    {"poller-per-thread", true, own_threads},
    {"poller-size", false, own_threads},
    {"media-num-threads", false, own_threads},
    {"thread-stack", false, own_threads},
    {"scheduling", false, own_threads},
    {"idle-scheduling", false, own_threads},
    {"priority", false, own_threads},
    {"idle-priority", false, own_threads},
    {"max-recv-iters", false, own_threads},
    {"timer-accuracy", false, own_threads},
    {"socket-cpu-affinity", false, own_threads},
    {"io-uring*", false, own_threads},
    {"interfaces-config", false, one_option},
    {"save-interface-ports", true, one_option},
    {"templates", false, "there are no signalling templates"},
};

const size_t ignored_option_count = COUNT_OF(ignored_options);

static bool matches(const char *pattern, struct text name)
{
    size_t len = strlen(pattern);
    if (pattern[len - 1] != '*')
        return text_is_nocase(name, pattern);
    return name.len >= len - 1 &&
           text_equal_nocase(text_of(name.data, len - 1), text_of(pattern, len - 1));
}

static const struct ignored_option *find(
    const struct ignored_option *table, size_t count, struct text name)
{
    for (size_t i = 0; i < count; i++)
        if (matches(table[i].name, name))
            return &table[i];
    return NULL;
}

const struct ignored_option *ignored_option_find(struct text name)
{
    return find(ignored_options, ignored_option_count, name);
}

const struct ignored_option *coturn_ignored_option_find(struct text name)
{
    return find(coturn_ignored_options, coturn_ignored_option_count, name);
}
