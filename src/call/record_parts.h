/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call/record_parts.h - the parts of a record, each written and read side by side: transports,
 * links, sides and parties.
 */
#ifndef CALL_RECORD_PARTS_H
#define CALL_RECORD_PARTS_H

#include "bencode/fields.h"
#include "call/model.h"
#include "call/record.h"

enum {
    RECORD_MAX_ID = INT32_MAX,                     /* of transports and streams */
    RECORD_MAX_TRANSPORTS = 4 * CALL_MAX_SECTIONS, /* as clone.c */
};

/* A call that is being read: to work on, its texts borrow the record. */
struct record_in {
    struct fields_reader reader;
    struct call *call;
    uint32_t last_lease;
    uint32_t transport_count;
    struct {
        struct transport *it;
        const struct party *party; /* whose side rides on it */
    } transports[RECORD_MAX_TRANSPORTS];
};

/* The transports of a call, in the order of the sides that ride on them. */
struct record_transports {
    uint32_t count;
    struct transport *all[RECORD_MAX_TRANSPORTS];
};

/* Words for enum address_family. */
extern const char *const record_families[3];

void record_list_transports(const struct call *call, struct record_transports *out);

void record_put_transports(struct ng_arena *arena, struct ng_value *dict, const struct call *call);
void record_read_transports(struct record_in *in, const struct fields *f);

/* The transport that the entry "transport" names, for a side of `party`; NULL without one. */
struct transport *record_find_transport(
    struct record_in *in, const struct fields *f, const struct party *party);

/* ICE, DTLS and SDES: into and from the dictionary of the side. */
void record_put_link(struct ng_arena *arena, struct ng_value *dict, const struct link *l);
void record_read_link(struct record_in *in, const struct fields *f, struct link *l);

void record_put_sections(struct ng_arena *arena, struct ng_value *dict, const struct party *p);
void record_read_sections(struct record_in *in, const struct fields *f, struct party *p);

void record_put_parties(struct ng_arena *arena, struct ng_value *dict, const struct call *call);
void record_read_parties(struct record_in *in, const struct fields *f);

/* Whether what was read fits together; `f` is the dictionary of the call. */
void record_check(struct record_in *in, const struct fields *f);
/* The same for the plan that came of it. */
void record_check_plan(const struct record_in *in, const struct fields *f);

#endif
