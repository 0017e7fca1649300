/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mediaferry/rtcp.h - RTCP on the wire (RFC 3550, section 6; feedback RFC 4585, XR RFC 3611).
 *
 * Pure functions over memory the caller owns: no allocation, no clock, no logging. A datagram is a
 * compound of packets; rtcp_check() it once, then walk it with rtcp_next(). Reduced-size compounds
 * (RFC 5506) are accepted: the first packet need not be a report. What is read borrows the
 * datagram.
 */
#ifndef MEDIAFERRY_RTCP_H
#define MEDIAFERRY_RTCP_H

#include "mediaferry/bytes.h"

enum rtcp_type {
    RTCP_SR = 200,
    RTCP_RR = 201,
    RTCP_SDES = 202,
    RTCP_BYE = 203,
    RTCP_APP = 204,
    RTCP_RTPFB = 205, /* transport layer feedback: NACK, transport-cc */
    RTCP_PSFB = 206,  /* payload-specific feedback: PLI, FIR, REMB */
    RTCP_XR = 207,
};

enum {
    RTCP_CNAME = 1,    /* the SDES item of RFC 3550, section 6.5.1 */
    RTCP_MIN_SIZE = 8, /* the shortest report; in SRTCP also the shortest header */
    RTCP_MAX_REPORTS = 31,
};

enum rtcp_status {
    RTCP_OK,
    RTCP_TRUNCATED,    /* empty, or a packet overruns the datagram */
    RTCP_BAD_VERSION,  /* not version 2 */
    RTCP_BAD_TYPE,     /* outside the range of RFC 5761 */
    RTCP_BAD_PADDING,  /* of a wrong length, or not in the last packet */
    RTCP_BAD_CONTENTS, /* shorter than its type and count demand */
};

struct rtcp_packet {
    uint8_t type;
    uint8_t count;      /* number of reports, sources or chunks; the format of a feedback */
    struct bytes body;  /* behind the first word, without padding */
    struct bytes whole; /* with header and padding */
};

struct rtcp_sender {
    uint32_t ssrc;
    uint64_t ntp;
    uint32_t rtp_timestamp;
    uint32_t packets;
    uint32_t octets;
};

struct rtcp_report {
    uint32_t ssrc;          /* of the stream reported on */
    uint8_t fraction_lost;  /* of 256, since the previous report */
    int32_t lost;           /* in all; 24 bits, negative with duplicates */
    uint32_t highest_seq;   /* with the number of wraps in the upper half */
    uint32_t jitter;        /* in units of the media clock */
    uint32_t last_sr;       /* middle 32 bits of the last SR's NTP time; 0: none */
    uint32_t delay_last_sr; /* since that SR, in 1/65536 s */
};

struct rtcp_sdes_item {
    uint32_t ssrc;
    uint8_t type;
    struct text value;
};

struct rtcp_feedback {
    uint32_t sender_ssrc;
    uint32_t media_ssrc;
    struct bytes control; /* FCI */
};

struct rtcp_xr_block {
    uint8_t type;
    uint8_t specific;
    struct bytes contents;
};

/* Validates every packet of a datagram, its contents as far as this header can read them. */
NODISCARD enum rtcp_status rtcp_check(struct bytes datagram);

/* Reads the next packet of a checked datagram; false at the end. */
NODISCARD bool rtcp_next(struct reader *r, struct rtcp_packet *out);

/* The SSRC of who sent the packet; false for types without one (SDES) and an empty BYE. */
NODISCARD bool rtcp_sender_ssrc(const struct rtcp_packet *p, uint32_t *out);

/* SR only. */
NODISCARD bool rtcp_read_sender(const struct rtcp_packet *p, struct rtcp_sender *out);

/* SR and RR: a reader for rtcp_next_report(); empty for other types. */
struct reader rtcp_reports(const struct rtcp_packet *p);
NODISCARD bool rtcp_next_report(struct reader *r, struct rtcp_report *out);

/* SDES: all items of all chunks. */
struct rtcp_sdes {
    struct reader rest;
    unsigned chunks_left;
    bool in_chunk;
    uint32_t ssrc;
};
struct rtcp_sdes rtcp_sdes(const struct rtcp_packet *p);
NODISCARD bool rtcp_next_sdes_item(struct rtcp_sdes *walk, struct rtcp_sdes_item *out);

/* BYE: a reader for rtcp_next_source(). */
struct reader rtcp_bye_sources(const struct rtcp_packet *p);
NODISCARD bool rtcp_next_source(struct reader *r, uint32_t *out);

/* RTPFB and PSFB. */
NODISCARD bool rtcp_read_feedback(const struct rtcp_packet *p, struct rtcp_feedback *out);

/* XR: a reader for rtcp_next_xr_block(). */
struct reader rtcp_xr_blocks(const struct rtcp_packet *p);
NODISCARD bool rtcp_next_xr_block(struct reader *r, struct rtcp_xr_block *out);

/* Takes RTPFB and PSFB packets out of a checked datagram, for a peer with the plain AVP profile.
 * Returns the new length; 0 when nothing else was in it. */
NODISCARD size_t rtcp_strip_feedback(uint8_t *datagram, size_t len);

/* Each appends one packet; at most RTCP_MAX_REPORTS reports. */
void rtcp_write_sr(struct writer *w, const struct rtcp_sender *sender,
    const struct rtcp_report *reports, size_t count);
void rtcp_write_rr(
    struct writer *w, uint32_t ssrc, const struct rtcp_report *reports, size_t count);
void rtcp_write_cname(struct writer *w, uint32_t ssrc, struct text cname); /* 255 bytes at most */
void rtcp_write_bye(struct writer *w, uint32_t ssrc);

#endif
