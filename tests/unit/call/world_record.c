/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that rest as records. */
#include <stdlib.h>

#include "mediaferry/bencode.h"
#include "world.h"

enum { ARENA_BYTES = 64 << 20, FIRST_SIZE = 16 << 10, MOST = 32 << 20 };

uint8_t *world_write_record(const struct call *call, size_t *len)
{
    struct ng_arena arena;
    ng_arena_init(&arena, ARENA_BYTES);
    struct ng_value *record = ng_dict(&arena);
    call_record_write(call, &arena, record);
    uint8_t *room = NULL;
    struct writer w = {.failed = true};
    for (size_t size = FIRST_SIZE; ng_arena_ok(&arena) && !writer_ok(&w) && size <= MOST;) {
        free(room);
        room = malloc(size);
        if (room == NULL)
            break;
        w = writer_over(room, size);
        bencode_write(&w, record);
        size *= 2;
    }
    ng_arena_wipe(&arena);
    *len = w.len;
    if (writer_ok(&w))
        return room;
    free(room);
    return NULL;
}

static bool lease_again(void *owner, const struct call_record_port *port, uint32_t *lease)
{
    struct world *w = owner;
    *lease = port->shared ? 0 : world_lease_of(port->rtp.port);
    bool is_pair = port->rtcp.family != ADDRESS_NONE;
    if (!port->shared && !w->is_out[*lease % WORLD_MAX_LEASES])
        w->broken = "a record asks for ports that the call has";
    if (is_pair && (!address_same_ip(&port->rtp, &port->rtcp) || port->shared))
        w->broken = "a record asks for pairs";
    return true;
}

static struct call *read_record(struct world *w, struct bytes bytes)
{
    struct ng_arena arena;
    struct ng_value *record;
    struct call *call = NULL;
    ng_arena_init(&arena, ARENA_BYTES);
    if (bencode_parse_up_to(bytes, MOST, &arena, &record, NULL) == BENCODE_OK) {
        if (w->damage != NULL)
            w->damage(w->damage_owner, record);
        call = call_record_read(record, &w->refused);
        w->refusals += call == NULL;
    }
    ng_arena_wipe(&arena);
    if (call != NULL && !call_record_lease(call, lease_again, w)) {
        call_free(call);
        call = NULL;
    }
    return call;
}

struct call *world_through_record(struct world *w, const struct call *call)
{
    size_t len;
    uint8_t *bytes = world_write_record(call, &len);
    if (bytes == NULL)
        return NULL;
    struct call *again = read_record(w, bytes_of(bytes, len));
    free(bytes);
    if (again == NULL && w->damage == NULL && w->broken == NULL)
        w->broken = w->refused.text;
    return again;
}
