/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call/work.h - one command being carried out: what its steps share.
 *
 * `call` is a copy of the state that becomes the new one if all goes well. Steps return a status;
 * work_fail() also says why, for the log.
 */
#ifndef CALL_WORK_H
#define CALL_WORK_H

#include "call/model.h"

enum { WORK_MAX_LEASES = 4 * CALL_MAX_SECTIONS * PLAN_MAX_LOCALS };

struct work {
    struct call *call;
    const struct call_command *command;
    const struct call_env *env;
    struct call_flags flags; /* with shorthands such as `WebRTC` spelled out */
    struct call_result *out;
    bool is_offer;
    bool is_void; /* all is well, but there is no new state to keep */

    struct party *sender;   /* made the SDP of the message */
    struct party *receiver; /* gets the rewritten one */
    struct sdp sdp;         /* the sender's; its text is sender->sdp_in */

    size_t lease_count;
    uint32_t leases[WORK_MAX_LEASES]; /* made by this command */
};

/* Notes the reason and returns `status`. */
__attribute__((format(printf, 3, 4))) enum call_status work_fail(
    struct work *w, enum call_status status, const char *format, ...);

/* A random string of `len` characters out of 0-9a-zA-Z, terminated. */
void work_random_text(const struct work *w, char *out, size_t len);

/* An m= section of the sender's SDP, by the index of the section; NULL when it is not there. */
const struct sdp_media *work_source(const struct work *w, uint32_t section);

/* The side an offer or answer works on. */
static inline struct side *work_side(const struct party *p, uint32_t section)
{
    return section < p->section_count ? p->sections[section].pending : NULL;
}

/* The side whose link and transport hold for `side` of the same party: its own, or that of the
 * tagged section of its BUNDLE group. */
struct side *work_lead(const struct party *p, struct side *side);

/* The link that holds now for `side`, which holds now. */
const struct link *work_link(const struct party *p, const struct side *side);

#endif
