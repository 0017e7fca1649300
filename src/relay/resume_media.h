/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/resume_media.h - a call's media into a resume, and out of it again.
 *
 * Going on has two steps. Each transport goes on while its plan is applied, before anything is
 * sent: else a handshake would begin that has long been done. Streams and what belongs to them
 * follow when all are linked.
 */
#ifndef RELAY_RESUME_MEDIA_H
#define RELAY_RESUME_MEDIA_H

#include "relay/resume.h"
#include "relay/stream.h"

/* Returns a new one; NULL: out of memory. */
NODISCARD struct relay_resume *resume_save(const struct call_media *call, uint64_t now_ms);

/* Learning, ICE, DTLS and its keys, for a new transport that has its plan and its ports. */
void resume_transport(struct transport *t, const struct relay_resume *resume, uint64_t now_ms);

/* Statistics and SRTP marks, for a new call whose plan has been applied. */
void resume_streams(struct call_media *call, const struct relay_resume *resume, uint64_t now_ms);

#endif
