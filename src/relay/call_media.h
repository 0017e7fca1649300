/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/call_media.h - the media of one call: its leases, transports and streams, brought from one
 * plan to the next.
 */
#ifndef RELAY_CALL_MEDIA_H
#define RELAY_CALL_MEDIA_H

#include "relay/lease.h"
#include "relay/state.h"
#include "relay/stream.h"
#include "relay/transport.h"

struct call_media {
    struct u64_node node; /* in the relay's map, by handle */
    struct list order;    /* in the relay's list */
    struct relay *relay;
    char *id;
    const struct plan *plan;              /* shared; what transports and streams point into */
    struct dtls_certificate *certificate; /* NULL: no DTLS in this call */
    struct list leases;
    struct list transports;
    struct list streams;
    bool timed_out;                                          /* and told */
    enum { CHANGE_NONE, CHANGE_UNTOLD, CHANGE_TOLD } change; /* since the last save */
};

/* Applies an update, makes the call if it is new, frees it when nothing is left. */
void call_media_update(struct relay *relay, struct relay_update *update, uint64_t now_ms);

struct call_media *call_media_find(const struct relay *relay, uint64_t handle);

/* Ends the call's media at once. */
void call_media_free(struct call_media *call);

/* The same without a farewell to its parties. */
void call_media_leave(struct call_media *call);

/* Something that belongs in a save is not as it was saved last. Cheap, but nothing for each packet.
 */
void call_media_changed(struct call_media *call);

/* All is saved as it is now. */
void call_media_saved(struct call_media *call);

/* Once a second. */
void call_media_tick(struct call_media *call, uint64_t now_ms);

struct lease *call_media_lease(const struct call_media *call, uint32_t id);
struct transport *call_media_transport(const struct call_media *call, uint32_t id);
struct stream *call_media_stream(const struct call_media *call, uint32_t id);

/* For log lines. */
struct text call_media_id(const struct call_media *call);

#endif
