/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call/party.h - who talks to whom: tags, aliases, branches and forks (ng-protocol 3.12).
 */
#ifndef CALL_PARTY_H
#define CALL_PARTY_H

#include "call/work.h"

/* By tag or alias; NULL when there is none, or when the tag is empty. */
struct party *party_find(const struct call *call, struct text tag);

bool party_has_peer(const struct party *p, const struct party *peer);

/* Finds or makes the sender and the receiver of an offer, in dialog with each other. */
NODISCARD enum call_status party_resolve_offer(struct work *w);

/*
 * Finds the answerer (sender) and the offerer (receiver). An unknown to-tag belongs to the branch,
 * or to the peer the offerer talks to, as another name of it. After a final reply no other tag may
 * take its place: then `*is_late` is set, and the answerer is a new party without media.
 */
NODISCARD enum call_status party_resolve_answer(struct work *w, bool *is_late);

/* Takes the party out of the call, its peers and its place as current peer. */
void party_remove(struct call *call, struct party *p);

#endif
