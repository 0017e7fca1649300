/* SPDX-License-Identifier: Apache-2.0 */
#include "moves.h"

#include <assert.h>
#include <stdlib.h>

#include "resume_copy.h"

void scene_saved(void *owner, uint64_t token, const struct relay_resume *resume)
{
    struct scene *s = owner;
    assert(token == SCENE_CALL);
    s->saves++;
    relay_resume_free(s->saved);
    s->saved = resume != NULL ? resume_copy(resume) : NULL;
}

void scene_save(struct scene *s, enum relay_save how)
{
    if (relay_post_save(s->relay, SCENE_CALL, SCENE_CALL, how) != 0)
        abort();
    sim_settle();
}

void scene_crash(struct scene *s)
{
    struct relay_resume *kept = s->saved;
    s->saved = NULL;
    scene_save(s, RELAY_SAVE_AND_END);
    relay_resume_free(s->saved);
    s->saved = kept;
    scene_check_sums(s);
    scene_close_relay(s);
    scene_open_relay(s);
}

static void lease_again(struct scene *s)
{
    s->socket_count = 0;
    for (uint32_t i = 0; i < s->applied->transport_count; i++)
        for (uint8_t k = 0; k < s->applied->transports[i].local_count; k++) {
            const struct plan_local *local = &s->applied->transports[i].locals[k];
            if (local->lease == 0)
                continue;
            assert(s->socket_count < SCENE_MAX);
            s->sockets[s->socket_count++] = (struct relay_sockets){.lease = local->lease,
                .rtp_fd = sim_fd(),
                .rtcp_fd = local->rtcp.family == ADDRESS_NONE ? -1 : sim_fd(),
                .advertised = addr(ADVERTISED)};
        }
}

void scene_resume(struct scene *s, uint64_t age_ms)
{
    struct relay_resume *resume = s->saved;
    s->saved = NULL;
    if (resume != NULL)
        resume->age_ms = age_ms;
    lease_again(s);
    scene_apply_resume(s, resume);
}

void scene_move(struct scene *s)
{
    unsigned closed[SCENE_MAX];
    struct relay_sockets waiting[SCENE_MAX];
    size_t waiting_count = s->socket_count;

    memcpy(closed, s->closed, sizeof(closed));
    memcpy(waiting, s->sockets, sizeof(waiting));
    scene_save(s, RELAY_SAVE_AND_END);
    if (s->saved == NULL)
        return;
    assert(s->saved->exact);
    scene_check_sums(s);
    scene_close_relay(s);
    scene_open_relay(s);
    scene_resume(s, 0);
    memcpy(s->closed, closed, sizeof(closed));
    memcpy(s->sockets, waiting, sizeof(waiting));
    s->socket_count = waiting_count;
}
