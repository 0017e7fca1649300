/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call/sdes.h - SRTP keys in the SDP (RFC 4568): what is offered, answered and agreed on.
 *
 * Each leg has keys of its own: SRTP is always decrypted and encrypted again, and no key is ever
 * passed from one leg to the other. Plain values without texts; random numbers come from the
 * caller. F8 and NULL suites are not supported.
 */
#ifndef CALL_SDES_H
#define CALL_SDES_H

#include "call/flags.h"
#include "mediaferry/sdp_attr.h"
#include "plan/plan.h"

enum { SDES_MAX = 16 };

struct sdes_key {
    uint32_t tag;
    struct plan_srtp srtp; /* its suite is never NULL */
};

struct sdes_list {
    uint8_t count;
    struct sdes_key keys[SDES_MAX];
};

typedef void sdes_random_fn(void *data, size_t len);

/* One a=crypto value that can be used; false for others. */
NODISCARD bool sdes_read_key(struct text value, struct sdes_key *out);

/* The usable a=crypto lines of a section, best first as the sender ordered them. Lines with an
 * unknown suite, unknown session parameters or a key derivation rate are left out. */
void sdes_read(const struct sdp_media *media, struct sdes_list *out);

/*
 * The lines to offer. `before` is what was offered on this leg last time: its suites keep their
 * tags and keys; further suites come with fresh keys and the next free tags. `theirs` is what the
 * sender of the SDP offered, for `nonew`. Both may be empty lists. The flags no-, only-, order,
 * nonew and unencrypted/unauthenticated are obeyed; with `off` the list is empty.
 */
void sdes_offer(const struct sdes_list *before, const struct sdes_list *theirs,
    const struct call_flags *flags, sdes_random_fn *random, struct sdes_list *out);

/* Both directions of a leg: as in the plan's srtp_rx and srtp_tx. */
struct sdes_pair {
    struct sdes_key theirs; /* what the party encrypts with */
    struct sdes_key ours;   /* what we encrypt with */
};

/*
 * Answers an offer: the first line that the flags allow, or the first in the order of
 * `offerer_pref`; `static` stays with the suite of `before` if it is offered still. The answer is
 * out->ours, with the tag of the offer. `before` (NULL: none) is the pair agreed on last time; our
 * key is kept when the suite is the same. False when no line is acceptable.
 */
NODISCARD bool sdes_answer(const struct sdes_list *offered, const struct sdes_pair *before,
    const struct call_flags *flags, sdes_random_fn *random, struct sdes_pair *out);

/*
 * Takes the answer to our own offer: its first line whose tag and suite we offered. False when
 * there is none.
 */
NODISCARD bool sdes_accept(
    const struct sdes_list *our_offer, const struct sdes_list *answered, struct sdes_pair *out);

/* Writes the a=crypto line of a key of either side, with its MKI. */
void sdes_write_key(struct writer *w, const struct sdes_key *key);

/* Writes one a=crypto line of ours; `pad` and `lifetime` of the flags are obeyed. */
void sdes_write(struct writer *w, const struct sdes_key *key, const struct call_flags *flags);

#endif
