/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mediaferry/sdp_write.h - lines of a session description, written.
 *
 * All functions write whole lines, CRLF included, into the caller's writer. A value that holds CR,
 * LF or NUL would smuggle lines in: it fails the writer, as does a lack of room. Write straight
 * through, test writer_ok() at the end. The order of the lines is the caller's business.
 */
#ifndef MEDIAFERRY_SDP_WRITE_H
#define MEDIAFERRY_SDP_WRITE_H

#include "mediaferry/sdp_attr.h"

/* `letter=value` */
void sdp_write_line(struct writer *w, char letter, struct text value);

/* `letter=` and a value made by printf */
__attribute__((format(printf, 3, 4))) void sdp_write_linef(
    struct writer *w, char letter, const char *format, ...);

/* `a=name` or, when `value` is not empty, `a=name:value` */
void sdp_write_attr(struct writer *w, const char *name, struct text value);

/* `a=name:` and a value made by printf */
__attribute__((format(printf, 3, 4))) void sdp_write_attrf(
    struct writer *w, const char *name, const char *format, ...);

/* `o=`; the six fields must not be empty. */
void sdp_write_origin(struct writer *w, const struct sdp_origin *origin);

/* `c=IN IP4 ...` of an IP address; its port is not used. */
void sdp_write_connection(struct writer *w, const struct address *address);

/* The m= line: `formats` is the list as text, "0" is written in place of an empty one. */
struct sdp_media_line {
    struct text type;
    uint16_t port;
    uint16_t port_count; /* written when above 1 */
    struct text protocol;
    struct text formats;
};

void sdp_write_media(struct writer *w, const struct sdp_media_line *media);

/* `b=type:value` */
void sdp_write_bandwidth(struct writer *w, const struct sdp_bandwidth *bandwidth);

/* The inverse of the readers of sdp_attr.h; what those refuse is not to be written. */
void sdp_write_rtpmap(struct writer *w, const struct sdp_rtpmap *rtpmap);
void sdp_write_fmtp(struct writer *w, const struct sdp_fmtp *fmtp);
void sdp_write_rtcp_fb(struct writer *w, const struct sdp_rtcp_fb *fb);

/* Of a candidate made here, `host`, `transport_name` and `type_name` may be empty. */
void sdp_write_candidate(struct writer *w, const struct sdp_candidate *candidate);
void sdp_write_crypto(struct writer *w, const struct sdp_crypto *crypto);
void sdp_write_fingerprint(struct writer *w, const struct sdp_fingerprint *fingerprint);
void sdp_write_extmap(struct writer *w, const struct sdp_extmap *extmap);

#endif
