/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"

#include <ctype.h>
#include <stdio.h>

#include "base/paths.h"
#include "daemon/config.h"

static const struct option_choice learnings[] = {
    {"off", PLAN_LEARN_OFF},
    {"immediate", PLAN_LEARN_IMMEDIATE},
    {"delayed", PLAN_LEARN_DELAYED},
    {"heuristic", PLAN_LEARN_HEURISTIC},
    {NULL, 0},
};

static const struct option_choice reportings[] = {
    {"full", NG_SSRC_FULL},
    {"global", NG_SSRC_GLOBAL},
    {"inline", NG_SSRC_INLINE},
    {"none", NG_SSRC_NONE},
    {NULL, 0},
};

/* The last two are formulas of rtpengine's that are not computed here; its files name them. */
static const struct option_choice mos_kinds[] = {
    {"CQ", MOS_CQ}, {"LQ", MOS_LQ}, {"legacy", MOS_CQ}, {"G.107.2", MOS_CQ}, {NULL, 0}};

static const struct option_choice srtp_engines[] = {
    {"auto", 0}, {"ipsec-mb", 0}, {"openssl", 0}, {"libsrtp2", 0}, {NULL, 0}};

static const struct option_choice packet_ios[] = {
    {"auto", PACKET_IO_AUTO},
    {"epoll", PACKET_IO_EPOLL},
    {"io_uring", PACKET_IO_URING},
    {"xdp", PACKET_IO_XDP},
    {NULL, 0},
};

static const struct option_choice attachments[] = {
    {"auto", DEVICE_ATTACH_AUTO},
    {"native", DEVICE_ATTACH_NATIVE},
    {"generic", DEVICE_ATTACH_GENERIC},
    {NULL, 0},
};

static const struct option_choice families[] = {
    {"ipv4", TURN_DEFAULT_IP4},
    {"ipv6", TURN_DEFAULT_IP6},
    {"keep", TURN_DEFAULT_KEEP},
    {NULL, 0},
};

static const struct option_choice algorithms[] = {
    {"sha256", TURN_MD5_AND_SHA256}, {"md5", TURN_MD5}, {NULL, 0}};

static const char network[] = "Network";
static const char calls[] = "Calls";
static const char media[] = "Media";
static const char fleet[] = "Fleet";
static const char admin[] = "Administration";
static const char process[] = "Process";
static const char turn_listeners[] = "TURN: listening";
static const char turn_tls[] = "TURN: certificates";
static const char turn_users[] = "TURN: users";
static const char turn_relaying[] = "TURN: relaying";
static const char turn_peers[] = "TURN: peers";
static const char turn_limits[] = "TURN: limits";
static const char turn_issuing[] = "TURN: issuing credentials";

static const char turn_prefix[] = "turn-";

enum { DAY = 86400, YEAR = 366 * DAY };

#define MAX_BPS INT64_C(1000000000000)

#define FIELD(member) .offset = offsetof(struct daemon_config, member)
#define RANGE(low, high) .min = (low), .max = (high)

/* clang-format off: a table reads best as one */
const struct option options[] = {
    {.name = "interface",
        .letter = 'i',
        .kind = OPTION_LIST,
        .section = network,
        .fallback = "",
        FIELD(network.interface),
        .help =
            "Local addresses for media: [NAME/]ADDRESS[!ADVERTISED]. ADDRESS is an IP address, a "
            "network interface, a host name or 'any'; ADVERTISED is what SDP shows, for a machine "
            "behind a 1:1 NAT: an IP address, a host name, or stun:HOST[:PORT] for what that STUN "
            "server sees at the start and at each reload. NAME is what ng's 'direction' and "
            "'interface' refer to, 'default' unless told; entries of the same name are several "
            "addresses of one interface. NAME:SUFFIX makes a group NAME whose members take turns, "
            "ALIAS=NAME gives a second name. The first is used where the proxy names none. Without "
            "this option: the first global address of the machine."},
    {.name = "listen-ng",
        .letter = 'n',
        .kind = OPTION_LIST,
        .section = network,
        .fallback = "127.0.0.1:2223",
        FIELD(network.listen_ng),
        .help =
            "UDP addresses for the ng control protocol: IP:PORT, [IP]:PORT, HOST:PORT, or PORT "
            "alone for all addresses of the machine. Whoever can reach them controls all calls: "
            "keep them away from the Internet."},
    {.name = "port-min",
        .letter = 'm',
        .kind = OPTION_PORT,
        .section = network,
        .fallback = "30000",
        FIELD(network.port_min),
        RANGE(1, 65535),
        .help = "First port for media of plain RTP and SDES legs."},
    {.name = "port-max",
        .letter = 'M',
        .kind = OPTION_PORT,
        .section = network,
        .fallback = "39999",
        FIELD(network.port_max),
        RANGE(1, 65535),
        .help = "Last port for media."},
    {.name = "webrtc-port",
        .kind = OPTION_PORT,
        .section = network,
        .fallback = "40000",
        FIELD(network.webrtc_port),
        RANGE(0, 65535),
        .help = "UDP port that all WebRTC legs of the first worker share; each further worker uses "
                "the next port. 0: a port for each stream, from the range above."},
    {.name = "tos",
        .letter = 'T',
        .kind = OPTION_NUMBER,
        .section = network,
        .fallback = "0",
        FIELD(network.tos),
        RANGE(0, 255),
        .help = "Value of the TOS or traffic class byte of media packets; 184 is EF."},
    {.name = "control-tos",
        .kind = OPTION_NUMBER,
        .section = network,
        .fallback = "0",
        FIELD(network.control_tos),
        RANGE(0, 255),
        .help = "The same for replies to the proxy."},
    {.name = "software-id",
        .kind = OPTION_TEXT,
        .section = network,
        .fallback = "mediaferry",
        FIELD(network.software_id),
        .help = "Name shown in answers to ICE checks, not to strangers. Empty: none."},

    {.name = "timeout",
        .letter = 'o',
        .kind = OPTION_SECONDS,
        .section = calls,
        .fallback = "60",
        FIELD(calls.timeout_s),
        RANGE(0, YEAR),
        .help = "A call ends when none of its streams has received media for so long. 0: never."},
    {.name = "silent-timeout",
        .letter = 's',
        .kind = OPTION_SECONDS,
        .section = calls,
        .fallback = "3600",
        FIELD(calls.silent_timeout_s),
        RANGE(0, YEAR),
        .help = "The same for streams that are on hold or not meant to receive, and for calls "
                "without any "
                "stream. 0: never."},
    {.name = "offer-timeout",
        .letter = 'y',
        .kind = OPTION_SECONDS,
        .section = calls,
        .fallback = "3600",
        FIELD(calls.offer_timeout_s),
        RANGE(0, YEAR),
        .help = "The same for offers that were not answered. 0: never."},
    {.name = "final-timeout",
        .letter = 'a',
        .kind = OPTION_SECONDS,
        .section = calls,
        .fallback = "0",
        FIELD(calls.final_timeout_s),
        RANGE(0, YEAR),
        .help = "A call ends so long after its beginning in any case. 0: never."},
    {.name = "delete-delay",
        .letter = 'd',
        .kind = OPTION_SECONDS,
        .section = calls,
        .fallback = "30",
        FIELD(calls.delete_delay_s),
        RANGE(0, DAY),
        .help = "A deleted call is kept for so long, unless the proxy says otherwise."},
    {.name = "max-sessions",
        .kind = OPTION_NUMBER,
        .section = calls,
        .fallback = "-1",
        FIELD(calls.max_sessions),
        RANGE(-1, INT32_MAX),
        .help = "New calls are refused when there are so many. -1: no limit; 0: refuse all."},
    {.name = "sip-source",
        .kind = OPTION_BOOL,
        .section = calls,
        .fallback = "false",
        FIELD(calls.sip_source),
        .help = "Send media to the address the SIP message came from rather than to the one in its "
                "SDP, unless the proxy says otherwise."},
    {.name = "plain-sdp",
        .kind = OPTION_BOOL,
        .section = calls,
        .fallback = "true",
        FIELD(calls.plain_sdp),
        .help = "Leave out of the SDP for plain RTP what only browsers understand (ssrc, msid, "
                "extmap, rtcp-fb and the like), so that it fits into one packet. Off: pass all "
                "unknown lines through."},
    {.name = "reject-invalid-sdp",
        .kind = OPTION_BOOL,
        .section = calls,
        .fallback = "false",
        FIELD(calls.reject_invalid_sdp),
        .help =
            "Refuse an offer or answer whose SDP is not well formed, instead of making the best "
            "of it."},

    {.name = "endpoint-learning",
        .kind = OPTION_CHOICE,
        .section = media,
        .fallback = "heuristic",
        FIELD(media.endpoint_learning),
        .choices = learnings,
        .help =
            "How the real address of an endpoint behind NAT is found: not at all; from the first "
            "packet; from the first packet after three seconds; or by preferring, for three "
            "seconds, the source that fits the SDP best."},
    {.name = "dtls-passive",
        .kind = OPTION_BOOL,
        .section = media,
        .fallback = "false",
        FIELD(media.dtls_passive),
        .help = "Take the passive side of DTLS wherever the other end leaves the choice."},
    {.name = "dtls-mtu",
        .kind = OPTION_NUMBER,
        .section = media,
        .fallback = "1200",
        FIELD(media.dtls_mtu),
        RANGE(256, 1500),
        .help = "Size in bytes above which DTLS handshake messages are fragmented."},
    {.name = "srtp-engine",
        .kind = OPTION_WORD,
        .section = media,
        .fallback = "auto",
        FIELD(media.srtp_engine),
        .choices = srtp_engines,
        .help = "What encrypts and decrypts SRTP: 'ipsec-mb' is the fastest, where the CPU has "
                "AES-NI and AVX2 and the program was built with it; 'openssl' runs anywhere; "
                "'libsrtp2' is the reference, and slow. 'auto' takes the first of these that this "
                "host can run; the log says which."},
    {.name = "ssrc-reporting",
        .kind = OPTION_CHOICE,
        .section = media,
        .fallback = "full",
        FIELD(media.ssrc_reporting),
        .choices = reportings,
        .help =
            "Where query and delete tell of each SSRC, with its quality: 'global' in one "
            "dictionary for the call, which is where proxies read MOS from, 'inline' in each media "
            "section, 'full' in both."},
    {.name = "mos",
        .kind = OPTION_CHOICE,
        .section = media,
        .fallback = "CQ",
        FIELD(media.mos),
        .choices = mos_kinds,
        .help =
            "Mean opinion score of conversation (CQ: counts the round-trip time) or of listening "
            "(LQ: does not). 'legacy' and 'G.107.2' are read as CQ."},
    {.name = "batch-wait",
        .kind = OPTION_NUMBER,
        .section = media,
        .fallback = "500",
        FIELD(media.batch_wait_us),
        RANGE(0, 10000),
        .help =
            "Microseconds that a busy worker lets pass from one batch of packets to the next, so "
            "that it wakes for many at once: waking is half of the work. One that has little to "
            "do handles each packet as it comes. 500 is not heard; 0 never waits."},

    {.name = "packet-io",
        .kind = OPTION_CHOICE,
        .section = media,
        .fallback = "auto",
        FIELD(media.packet_io),
        .choices = packet_ios,
        .help =
            "How packets are received and sent: with io_uring, which needs the fewest system "
            "calls but a kernel that allows it (containers often do not), or with epoll, which "
            "works everywhere. 'auto' tries io_uring out at the start and falls back to epoll "
            "(with batch-wait 0 it takes that at once); "
            "a log line tells which is used and why. 'xdp' must be asked for: media then passes "
            "by the kernel's UDP stack, which is most of the work, but also by its packet "
            "filters and connection tracking (nftables, iptables); it needs CAP_NET_ADMIN, "
            "CAP_NET_RAW and CAP_BPF. What cannot go that way goes by sockets, and all does "
            "where it does not work; see operation.md."},
    {.name = "xdp-interface",
        .kind = OPTION_LIST,
        .section = media,
        .fallback = "",
        FIELD(media.xdp_interface),
        .help = "Network interfaces for packet-io=xdp. Empty: those that have the addresses for "
                "media and TURN."},
    {.name = "xdp-attach",
        .kind = OPTION_CHOICE,
        .section = media,
        .fallback = "auto",
        FIELD(media.xdp_attach),
        .choices = attachments,
        .help = "Where packet-io=xdp takes packets from: in the network driver ('native'), which "
                "not every driver can, or behind it ('generic'), which gains less. 'auto' tries "
                "one after the other."},
    {.name = "listen-admin",
        .kind = OPTION_LIST,
        .section = admin,
        .fallback = "",
        FIELD(admin.listen),
        .help =
            "TCP addresses of the HTTP service for administration, metrics and /turn-credentials: "
            "IP:PORT, [IP]:PORT or HOST:PORT. PORT alone is 127.0.0.1. Empty: none. It speaks "
            "plain HTTP: keep it on loopback or behind a proxy with TLS."},
    {.name = "listen-control",
        .kind = OPTION_TEXT,
        .section = admin,
        .fallback = CONTROL_PATH,
        FIELD(admin.control),
        .help =
            "Unix socket of the same service, for mediaferryctl: its file has mode 0600, and no "
            "token is needed there by root or by the user that mediaferry runs as. The default is "
            "done without where its folder cannot be written; another path must be possible. "
            "Empty: none."},
    {.name = "admin-token",
        .kind = OPTION_ENTRIES,
        .section = admin,
        .fallback = "",
        FIELD(admin.token),
        .is_secret = true,
        .reloadable = true,
        .help =
            "Tokens, one of which requests to it must show ('Authorization: Bearer TOKEN'), of 16 "
            "characters or more."},
    {.name = "admin-token-file",
        .kind = OPTION_TEXT,
        .section = admin,
        .fallback = "",
        FIELD(admin.token_file),
        .reloadable = true,
        .help = "File with a token on each line, instead."},

    {.name = "num-threads",
        .kind = OPTION_NUMBER,
        .section = process,
        .fallback = "0",
        FIELD(process.num_threads),
        RANGE(0, 256),
        .help = "Media workers, a thread each. 0: one for each processor core."},
    {.name = "worker-affinity",
        .kind = OPTION_TEXT,
        .section = process,
        .fallback = "off",
        FIELD(process.worker_affinity),
        .help =
            "On which processor core each worker stays: 'off' leaves that to the system; 'auto' "
            "takes the cores that the process may use, one after the other; or cores and ranges "
            "of them, for the first worker, the second and so on: '2-5,8'."},
    {.name = "log-level",
        .letter = 'L',
        .kind = OPTION_NUMBER,
        .section = process,
        .fallback = "6",
        FIELD(process.log_level),
        RANGE(0, 7),
        .reloadable = true,
        .help = "What is logged: 3 errors, 4 warnings, 5 notices, 6 events of calls, 7 all. The "
                "signals USR1 and USR2 lower and raise it."},
    {.name = "log-stderr",
        .letter = 'E',
        .kind = OPTION_BOOL,
        .section = process,
        .fallback = "true",
        FIELD(process.log_stderr),
        .help = "Log to stderr, where systemd and containers read it. There is no other place."},
    {.name = "foreground",
        .letter = 'f',
        .kind = OPTION_BOOL,
        .section = process,
        .fallback = "true",
        FIELD(process.foreground),
        .help = "Stay in the foreground. There is no other way to run."},
    {.name = "pidfile",
        .letter = 'p',
        .kind = OPTION_TEXT,
        .section = process,
        .fallback = "",
        FIELD(process.pidfile),
        .help = "File to write the process id to. Empty: none."},
    {.name = "drain-timeout",
        .kind = OPTION_SECONDS,
        .section = process,
        .fallback = "0",
        FIELD(process.drain_timeout_s),
        RANGE(0, YEAR),
        .reloadable = true,
        .help = "On SIGTERM take no new calls and no new TURN allocations, and end when those that "
                "there are have ended, or after so long. A second SIGTERM ends at once. 0: the "
                "first does."},
    {.name = "restart-file",
        .kind = OPTION_TEXT,
        .section = process,
        .fallback = "",
        FIELD(process.restart_file),
        .reloadable = true,
        .help =
            "File that takes calls and TURN allocations over a restart: on SIGTERM they are put "
            "into "
            "it instead of being ended, and the next process goes on with them, on the same ports "
            "and with the same keys. It holds these keys for that time: choose a folder in memory "
            "(/run) that "
            "is nobody else's. The systemd unit sets it. Empty: calls end with the process."},
    {.name = "restart-max-age",
        .kind = OPTION_SECONDS,
        .section = process,
        .fallback = "60",
        FIELD(process.restart_max_age_s),
        RANGE(1, DAY),
        .reloadable = true,
        .help = "Calls that were put there longer ago are not taken: nobody is on the line any "
                "more."},
    {.name = "config-file",
        .kind = OPTION_TEXT,
        .section = process,
        .fallback = "/etc/mediaferry/mediaferry.conf",
        FIELD(process.config_file),
        .not_in_file = true,
        .help = "Configuration file, or 'none'. Only the default may be missing."},
    {.name = "config-section",
        .kind = OPTION_TEXT,
        .section = process,
        .fallback = "",
        FIELD(process.config_section),
        .not_in_file = true,
        .help = "Section of the file to read beside [turn]. Empty: [rtpengine], then [mediaferry], "
                "which wins."},
    {.name = "turnserver-conf",
        .kind = OPTION_TEXT,
        .section = process,
        .fallback = "",
        FIELD(process.turnserver_conf),
        .not_in_file = true,
        .help =
            "With --check-config: a configuration file of coturn, which is printed as a section "
            "[turn], with comments on what could not be carried over."},

#include "daemon/options_fleet.inc"
#include "daemon/options_turn.inc"
};
/* clang-format on */

const size_t option_count = COUNT_OF(options);

const struct option *option_find(struct text name)
{
    for (size_t i = 0; i < option_count; i++)
        if (text_is_nocase(name, options[i].name))
            return &options[i];
    return NULL;
}

const struct option *option_find_in(struct text section, struct text name)
{
    if (!text_is(section, TURN_SECTION))
        return option_find(name);
    for (size_t i = 0; i < option_count; i++)
        if (option_is_turn(&options[i]) && text_is_nocase(name, option_file_name(&options[i])))
            return &options[i];
    return NULL;
}

bool option_is_turn(const struct option *option)
{
    return text_starts_with(text_from(option->name), turn_prefix);
}

const char *option_file_name(const struct option *option)
{
    return option->name + (option_is_turn(option) ? strlen(turn_prefix) : 0);
}

const struct option *option_find_letter(char letter)
{
    for (size_t i = 0; i < option_count; i++)
        if (letter != '\0' && options[i].letter == letter)
            return &options[i];
    return NULL;
}

const char *option_variable(const struct option *option, char out[OPTION_VARIABLE_SIZE])
{
    snprintf(out, OPTION_VARIABLE_SIZE, "MEDIAFERRY_%s", option->name);
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    return out;
}

const char *option_value_name(const struct option *option)
{
    static const char *const names[] = {
        [OPTION_BOOL] = "BOOL",
        [OPTION_NUMBER] = "NUMBER",
        [OPTION_PORT] = "PORT",
        [OPTION_SECONDS] = "SECONDS",
        [OPTION_CHOICE] = "WORD",
        [OPTION_WORD] = "WORD",
        [OPTION_TEXT] = "TEXT",
        [OPTION_LIST] = "LIST",
        [OPTION_ENTRIES] = "LIST",
    };
    return names[option->kind];
}
