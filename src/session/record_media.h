/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/record_media.h - the dictionary "media" of a record: the state that a worker has of a
 * call (relay/resume.h), part by part. The names stand in docs/store.md.
 *
 * Writing: what has nothing to tell is left out. Reading: what breaks a bound is refused through
 * `f`, whose reader has then failed, and what is half read belongs to the resume all the same.
 */
#ifndef SESSION_RECORD_MEDIA_H
#define SESSION_RECORD_MEDIA_H

#include "bencode/fields.h"
#include "relay/resume.h"

/* All of it, and `exact`. */
void record_put_media(
    struct ng_arena *arena, struct ng_value *record, const struct relay_resume *resume);

/* Returns a new resume, without its age; NULL when it is refused. */
NODISCARD struct relay_resume *record_read_media(const struct fields *record);

/* Streams: counters, SSRCs, quality. */
void record_put_streams(
    struct ng_arena *arena, struct ng_value *media, const struct relay_resume *resume);
void record_read_streams(const struct fields *media, struct relay_resume *resume);

/* Keys: of an SRTP session, and of a DTLS association. */
void record_put_srtp(struct ng_arena *arena, struct ng_value *component, const char *name,
    const struct relay_resume_session *session);
void record_read_srtp(const struct fields *component, const char *name, struct relay_resume *resume,
    struct relay_resume_session *out);
void record_put_dtls(
    struct ng_arena *arena, struct ng_value *component, const struct dtls_saved *dtls);
struct dtls_saved *record_read_dtls(const struct fields *component, struct relay_resume *resume);

/* An ICE agent. */
void record_put_ice(
    struct ng_arena *arena, struct ng_value *transport, const struct ice_saved *ice);
struct ice_saved *record_read_ice(const struct fields *transport, struct relay_resume *resume);

#endif
