/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - the modes of mediaferry-load.
 *
 *     mediaferry-load media [--certificate=PEM]
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
 * bare: binds COUNT ports from FIRST-PORT on and sends each packet back to where it came from; with
 * `pair`, on to the last sender of the other port of its pair, from there. Prints {"ready": true}
 * and ends with its input: {"forwarded": N}.
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

int media_main(int count, char **words);
int bare_main(int count, char **words);

#endif
