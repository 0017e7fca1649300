/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/drops.h - why a packet was dropped: one line a reason, for counters, logs and tests.
 *
 * Add a line and the constant, its counter and its text are there.
 */
#ifndef BASE_DROPS_H
#define BASE_DROPS_H

#include <stddef.h>

#include "base/metrics.h"

/* X(constant, name of the counter, text) */
#define DROP_REASONS(X)                                                                            \
    X(DROP_TRUNCATED, "truncated", "datagram larger than a packet buffer")                         \
    X(DROP_NO_MEMORY, "no_memory", "no packet buffer left")                                        \
    X(DROP_SEND_QUEUE_FULL, "send_queue_full", "the socket's send queue is full")                  \
    X(DROP_SEND_FAILED, "send_failed", "the kernel refused to send")                               \
    X(DROP_FRAME_MALFORMED, "frame_malformed", "AF_XDP: no sound UDP packet")                      \
    X(DROP_FRAME_CHECKSUM, "frame_checksum", "AF_XDP: a wrong checksum")                           \
    X(DROP_FRAME_SOURCE, "frame_source", "AF_XDP: from an address of our own")                     \
    X(DROP_FRAME_NO_SOCKET, "frame_no_socket", "AF_XDP: its port was closed meanwhile")            \
    X(DROP_INSIDE_FULL, "inside_full", "too many packets wait for a socket of ours")               \
    X(DROP_SOCKET_CLOSED, "socket_closed", "its socket was closed meanwhile")                      \
    X(DROP_UNKNOWN_PROTOCOL, "unknown_protocol", "no protocol of ours")                            \
    X(DROP_UNKNOWN_SOURCE, "unknown_source", "shared port: no check has proven this source")       \
    X(DROP_NO_TRANSPORT, "no_transport", "no call uses this socket now")                           \
    X(DROP_STUN_UNKNOWN_USER, "stun_unknown_user", "no session with this ufrag")                   \
    X(DROP_STUN_IGNORED, "stun_ignored", "STUN that asks for no answer")                           \
    X(DROP_DTLS_UNEXPECTED, "dtls_unexpected", "DTLS on a transport without it")                   \
    X(DROP_DTLS_SOURCE, "dtls_source", "DTLS from an unproven address")                            \
    X(DROP_STUN_BUSY, "stun_busy", "too many STUN requests wait to be answered")                   \
    X(DROP_DTLS_BUSY, "dtls_busy", "too many handshake packets wait")                              \
    X(DROP_ICE_SOURCE, "ice_source", "media from an address without a valid check")                \
    X(DROP_NO_CONSENT, "no_consent", "ICE: the peer takes no media now")                           \
    X(DROP_NO_KEYS, "no_keys", "SRTP keys are not agreed yet")                                     \
    X(DROP_SRTP_AUTH, "srtp_auth", "SRTP authentication failed")                                   \
    X(DROP_SRTP_REPLAY, "srtp_replay", "SRTP packet seen before, or too old to tell")              \
    X(DROP_SRTP_FAILED, "srtp_failed", "SRTP refused the packet")                                  \
    X(DROP_RTP_MALFORMED, "rtp_malformed", "no sound RTP packet")                                  \
    X(DROP_RTCP_MALFORMED, "rtcp_malformed", "no sound RTCP packet")                               \
    X(DROP_WRONG_PORT, "wrong_port", "RTP on the port of RTCP")                                    \
    X(DROP_NO_STREAM, "no_stream", "bundle: belongs to no stream")                                 \
    X(DROP_SOURCE_REFUSED, "source_refused", "not from the address of the party")                  \
    X(DROP_NOT_SENDING, "not_sending", "the party may not send now")                               \
    X(DROP_NOT_RECEIVING, "not_receiving", "the other party may not receive now")                  \
    X(DROP_NO_SINK, "no_sink", "nobody to send it to")                                             \
    X(DROP_STRAY, "stray", "far from the numbers before, once: not for SRTP")                      \
    X(DROP_NO_REMOTE, "no_remote", "the address to send to is not known yet")                      \
    X(DROP_FEEDBACK, "feedback", "feedback only, for a party without AVPF")                        \
    X(DROP_TURN_MALFORMED, "turn_malformed", "no sound STUN or ChannelData message")               \
    X(DROP_TURN_FINGERPRINT, "turn_fingerprint", "STUN with a wrong FINGERPRINT")                  \
    X(DROP_TURN_SOURCE_LIMIT, "turn_source_limit", "too many replies to a source without proof")   \
    X(DROP_TURN_NO_ALLOCATION, "turn_no_allocation", "data without an allocation")                 \
    X(DROP_TURN_NO_CHANNEL, "turn_no_channel", "channel that is not bound")                        \
    X(DROP_TURN_NO_PERMISSION, "turn_no_permission", "peer without a permission")                  \
    X(DROP_TURN_PEER_PORT, "turn_peer_port", "port of a peer that the policy forbids")             \
    X(DROP_TURN_NEW_PEERS, "turn_new_peers", "too many new peers a second")                        \
    X(DROP_TURN_BANDWIDTH, "turn_bandwidth", "allocation over its bytes or packets a second")      \
    X(DROP_TURN_ICMP, "turn_icmp", "ICMP error of no interest, or too many of them")               \
    X(DROP_TURN_PROXY, "turn_proxy", "a trusted proxy did not tell whom it speaks for")            \
    X(DROP_TURN_LOOKUP, "turn_lookup", "the user could not be looked up")                          \
    X(DROP_TURN_CLIENT_SLOW, "turn_client_slow", "the client's connection takes no more")          \
    X(DROP_TURN_DTLS, "turn_dtls", "DTLS of no session")                                           \
    X(DROP_TURN_AWAY, "turn_away", "the mobile client is away")

enum drop_reason {
    DROP_NONE,
#define X(constant, name, text) constant,
    DROP_REASONS(X)
#undef X
        DROP_REASON_COUNT
};

/* The name of the reason's counter; "none" for DROP_NONE. */
const char *drop_name(enum drop_reason reason);

/* The reason in words. */
const char *drop_text(enum drop_reason reason);

/* Written by one worker. */
struct drop_counters {
    struct counter by_reason[DROP_REASON_COUNT];
};

static inline void drop_count(struct drop_counters *counters, enum drop_reason reason)
{
    counter_add(&counters->by_reason[reason], 1);
}

#endif
