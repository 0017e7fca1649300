/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world for calls under test: interfaces and ports that count up, random numbers that can be
 * foreseen, and a worker that closes what leaves the plan. After each command it checks what must
 * always hold.
 */
#ifndef TEST_CALL_WORLD_H
#define TEST_CALL_WORLD_H

#include "call/record.h"

enum { WORLD_MAX_LEASES = 16384, WORLD_MAX_INTERFACES = 4, WORLD_MAX_ADDRESSES = 4 };

struct world_interface {
    char name[32];
    size_t count;
    struct address bound[WORLD_MAX_ADDRESSES], advertised[WORLD_MAX_ADDRESSES];
};

struct world;

/* Keeps a call between two commands: returns a new one that takes its place, or NULL. */
typedef struct call *world_rest_fn(struct world *w, const struct call *call);

struct world {
    struct call *call;
    world_rest_fn *rest; /* NULL: it is folded and unfolded */
    /* Before a record is read; NULL: nothing happens to it. */
    void (*damage)(void *owner, struct ng_value *record);
    void *damage_owner;
    uint32_t refusals;              /* of records */
    struct call_record_why refused; /* why the last record could not be read */
    struct call_config config;
    struct call_env env;
    struct call_ports ports;
    bool has_shared_port;
    bool bind_fails;
    int ports_left;      /* -1: no limit */
    uint16_t told_shift; /* so much higher are the ports in SDP */
    size_t interface_count;
    struct world_interface interfaces[WORLD_MAX_INTERFACES];
    uint16_t next_port;
    uint32_t last_lease;
    bool is_out[WORLD_MAX_LEASES];
    uint32_t released;  /* by call_apply(), in the last command */
    const char *broken; /* what should hold and did not; NULL: all is well */
};

void world_init(struct world *w);
void world_done(struct world *w);

/* Adds `name` with an address, "10.0.0.1" or "10.0.0.1!192.0.2.1"; false for nonsense. */
NODISCARD bool world_add_address(struct world *w, const char *name, const char *address);

/* The lease whose first port this is. */
uint32_t world_lease_of(uint16_t rtp_port);

/* What happens to the call between two commands. */
void world_rest(struct world *w);

/* A way to rest: the call is written into a record, and one is made of that. Its leases must be
 * out. */
struct call *world_through_record(struct world *w, const struct call *call);

/* Writes a record into memory that the caller frees; NULL when memory is short. */
NODISCARD uint8_t *world_write_record(const struct call *call, size_t *len);

/* Carries out the command, lets the worker follow the plan, and checks. */
enum call_status world_apply(
    struct world *w, const struct call_command *command, struct call_result *out);

#endif
