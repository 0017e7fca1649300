/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - the modes of mediaferry-load.
 *
 *     mediaferry-load media [--certificate=PEM]
 *     mediaferry-load turn SERVER-IP PORT PEER-IP FIRST-CLIENT [--user=NAME] [--password=WORD]
 *         [--realm=NAME] [--base=IP]
 *     mediaferry-load fingerprint --certificate=PEM
 *     mediaferry-load bare IP FIRST-PORT COUNT [pair]
 *
 * Each takes what follows its name, and returns the status of the program.
 *
 * media, told on stdin (script.h):
 *     flow NAME LOCAL-IP LOCAL-PORT REMOTE-IP REMOTE-PORT plain
 *     flow NAME LOCAL-IP LOCAL-PORT REMOTE-IP REMOTE-PORT sdes SUITE TX-KEY RX-KEY   (base64)
 *     flow NAME LOCAL-IP LOCAL-PORT REMOTE-IP REMOTE-PORT dtls active|passive UFRAG PASSWORD
 *             REMOTE-UFRAG REMOTE-PASSWORD REMOTE-FINGERPRINT   (SHA-256: AB:CD:...)
 *         no answer
 *     fingerprint
 *         of the certificate that all dtls flows show: {"fingerprint": "AB:CD:..."}
 *     ready?
 *         opens the sockets and makes keys: {"ready": true, "flows": N, "handshakes": N,
 *         "handshake_us_p50": N, "handshake_us_max": N}
 *     run PACKETS/S SECONDS PAYLOAD-BYTES [rtcp] [from=PREFIX] [pt=NUMBER]
 *         media of all flows, or of those whose name begins with PREFIX; the rate is that of all
 *         flows together. Bytes are those of the RTP payload, 16 or more:
 *         {"sent": N, "received": N, "lost": N, "duplicates": N, "wrong": N, "foreign": N,
 *          "auth_failed": N, "send_errors": N, "own_drops": N,
 *          "delay_us": {"p50": x, "p99": x, "p999": x, "max": x}, "late_us_p99": x,
 *          "seconds": x, "cpu_s": x, "busy_s": x, "warm_up_sent": N, "all_sent": N,
 *          "rtcp_sent": N, "rtcp_received": N}
 *         wrong: came to another flow than the first one did. foreign: RTP that is not ours.
 *         own_drops: lost by the load's own sockets. late: behind the time a packet was due.
 *         busy_s: of the seconds, not spent waiting for the next packet. all_sent: RTP and RTCP,
 *         with warm-up: what a relay's CPU time of the whole command is to be divided by.
 *     storm HANDSHAKES/S SECONDS FILE
 *         handshakes during the next run, whose answer tells of them (web_storm.h); no answer
 *     quit
 *
 * turn: clients of a TURN server, their peers and their enemies, told on stdin. All clients send
 * from one socket, each from an IPv4 address of its own: number n (from FIRST-CLIENT on) has the
 * n-th of 16,000 networks of 24 bits from --base (10.64.0.0) on, so all of 10.64.0.0/10 must be
 * local addresses, as after `ip route add local 10.64.0.0/10 dev lo` or with --base=127.64.0.0.
 * Peers listen on PEER-IP. User, password and realm are "bench" unless told. Allocations live 10
 * minutes, permissions 5, unless `refresh` is asked for.
 *     ready?
 *         waits until the server makes an allocation: {"ready": true}
 *     clients N [allocation|permission|channel]
 *         adds clients with what the last word says, a channel (and with it a permission) without:
 *         {"clients": ALL, "added": N, "seconds": x, "requests": N, "repeated": N,
 *          "us": {"p50": x, "p99": x, "max": x}}   us: from the first request until it was ready
 *     hold N
 *         the same with allocations only
 *     refresh, release
 *         all of them: {"refreshed": N}, {"released": N}
 *     run PACKETS/S SECONDS BYTES channel|indication to-peer|to-client|both
 *         traffic of all clients. The rate is that of all clients and both ways together; 0: as
 *         many as come back, with 4 of each client and way under way. Bytes are those that are
 *         relayed, 28 or more. The answer is as that of the mode `media`, with "stalls" (windows
 *         that were lost; rate 0) and besides for each way that was asked for
 *         "to_peer": {"sent": N, "received": N, "lost": N, "duplicates": N, "wrong": N,
 *             "foreign": N, "delay_us": {..}, "late_us_p99": x}, "to_client": {..}
 *         wrong: came from or to an address that is not the client's.
 *     churn WINDOW SECONDS [allocation|permission|channel]
 *         clients that get ready (allocation) and release, WINDOW at once:
 *         {"made": N, "seconds": x, "per_s": x, "requests": N, "repeated": N, "us": {..}}
 *     spoof COUNT REQUESTS/S 0|1
 *         an Allocate from each of COUNT addresses that do not look at the answer; 1: signed, with
 *         a nonce of somebody else: {"sent": N, "failed": N}
 *     flood SOURCES SECONDS
 *         bare Allocates from so many addresses, as fast as can be, when the processor has nothing
 *         else to do: {"sent": N, "per_s": x}
 *     quit
 *
 * bare: binds COUNT ports from FIRST-PORT on and sends each packet back to where it came from; with
 * `pair`, on to the last sender of the other port of its pair, from there. Prints {"ready": true}
 * and ends with its input: {"forwarded": N}.
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

int media_main(int count, char **words);
int turn_main(int count, char **words);
int bare_main(int count, char **words);

#endif
