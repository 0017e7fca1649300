/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/ice_path.h - a transport's ICE agent: fed with checks, asked where media goes.
 */
#ifndef RELAY_ICE_PATH_H
#define RELAY_ICE_PATH_H

#include "ice/saved.h"
#include "relay/transport.h"

/* Makes, restarts or ends the agent as the plan has it. */
void ice_path_apply(struct transport *t, const struct plan_transport *old, uint64_t now_ms);

/* Goes on with an agent of another process, in place of one that has just begun; ages and grace as
 * in ice/saved.h. */
void ice_path_restore(struct transport *t, const struct ice_saved *saved, uint64_t age_ms,
    uint64_t grace_ms, uint64_t now_ms);

/* Ends the agent; harmless without one. */
void ice_path_close(struct transport *t);

/* A Binding request with a USERNAME came to component `component`. */
void ice_path_check(
    struct transport *t, struct packet *packet, struct ice_local local, uint64_t now_ms);

/* After the agent was called: tells of a new selected pair or lost consent, lets DTLS begin, and
 * arms the timer. */
void ice_path_follow(struct transport *t, uint64_t now_ms);

/* The transport that uses `ufrag`, or NULL. */
struct transport *ice_path_find(const struct relay *relay, struct text ufrag);

#endif
