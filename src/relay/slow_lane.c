/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/slow_lane.h"

#include "base/random.h"

void slow_lane_init(struct slow_lane *lane)
{
    random_bytes(&lane->seed, sizeof(lane->seed));
    for (unsigned kind = 0; kind < SLOW_KINDS; kind++) {
        lane->queues[kind] = (struct slow_queue){.count = 0};
        lane->queues[kind].end = &lane->queues[kind].first;
    }
}

static uint8_t *source_count(
    const struct slow_lane *lane, struct slow_queue *queue, const struct packet *packet)
{
    return &queue->of_source[address_hash(&packet->peer, lane->seed) & (SLOW_LANE_SOURCES - 1)];
}

bool slow_lane_put(struct slow_lane *lane, struct packet *packet, enum slow_kind kind)
{
    struct slow_queue *queue = &lane->queues[kind];
    uint8_t *of_source = source_count(lane, queue, packet);
    if (queue->count == SLOW_LANE_MAX || *of_source == SLOW_LANE_PER_SOURCE)
        return false;
    ++*of_source;
    queue->count++;
    packet->next = NULL;
    *queue->end = packet;
    queue->end = &packet->next;
    return true;
}

/* Takes out the packet that `at` points to. */
static struct packet *unlink_at(
    const struct slow_lane *lane, struct slow_queue *queue, struct packet **at)
{
    struct packet *packet = *at;
    *at = packet->next;
    if (*at == NULL)
        queue->end = at;
    queue->count--;
    --*source_count(lane, queue, packet);
    return packet;
}

void slow_lane_turn(struct slow_lane *lane)
{
    uint64_t end_ns = lane->clock_ns() + SLOW_LANE_TURN_US * UINT64_C(1000);
    for (unsigned kind = 0; kind < SLOW_KINDS; kind++) {
        struct slow_queue *queue = &lane->queues[kind];
        while (queue->count > 0) {
            lane->handle(lane->owner, unlink_at(lane, queue, &queue->first));
            if (lane->clock_ns() >= end_ns)
                break;
        }
    }
}

struct packet *slow_lane_take_back(struct slow_lane *lane, const struct packet_socket *socket)
{
    for (unsigned kind = 0; kind < SLOW_KINDS; kind++) {
        struct slow_queue *queue = &lane->queues[kind];
        for (struct packet **at = &queue->first; *at != NULL; at = &(*at)->next)
            if ((*at)->socket == socket)
                return unlink_at(lane, queue, at);
    }
    return NULL;
}
