/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/keys.h - the SRTP sessions of a transport: from SDES in the plan, or from a handshake.
 */
#ifndef RELAY_KEYS_H
#define RELAY_KEYS_H

#include "relay/resume.h"
#include "relay/transport.h"

/* Makes and ends sessions as the plan has it; a session stays as long as its key is the same. */
void keys_apply(struct transport *t, const struct plan_transport *old);

/* Takes the keys of the component's verified association; the old sessions end. Returns the suite,
 * or NULL when no sessions could be made. */
const struct rtpsec_suite *keys_from_dtls(struct component *c);

/* Makes the sessions of a handshake that was done in another process, with no marks yet. */
void keys_restore(struct component *c, const struct relay_resume_session *rx,
    const struct relay_resume_session *tx);

void keys_free(struct component *c);

/* No session could be made: that is counted and told. */
void keys_failed(const struct transport *t);

#endif
