/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/queue.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>

#include "xdp/failure.h"
#include "xdp/program_layout.h"

static uint64_t frame_address(size_t index)
{
    return (uint64_t)index * XDP_FRAME_SIZE;
}

/* Where the frames of a sender begin. */
static size_t first_frame(const struct queue *queue, size_t sender)
{
    return queue->config.receive_frames + sender * queue->config.send_frames;
}

static uint32_t power_of_two_from(size_t n)
{
    uint32_t power = 64;
    while (power < n)
        power *= 2;
    return power;
}

static int map_memory(struct queue *queue, struct str *why)
{
    queue->memory_size = first_frame(queue, queue->config.senders) * XDP_FRAME_SIZE;
    void *memory =
        mmap(NULL, queue->memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return xdp_failure(why, -errno, "get %zu bytes for frames", queue->memory_size);
    queue->memory = memory;
    return 0;
}

static int register_memory(struct queue *queue, struct str *why)
{
    const struct xsk_umem_config config = {
        /* Twice, since the kernel says only after a batch which entries it took. */
        .fill_size = power_of_two_from(2 * queue->config.receive_frames),
        /* Never full, so that nothing waits for those who collect. */
        .comp_size = power_of_two_from(queue->config.senders * queue->config.send_frames),
        .frame_size = XDP_FRAME_SIZE,
    };
    int error = xsk_umem__create(
        &queue->umem, queue->memory, queue->memory_size, &queue->fill, &queue->completion, &config);
    if (error != 0)
        return xdp_failure(why, error, "register %zu bytes for frames", queue->memory_size);
    return 0;
}

static void fill_first(struct queue *queue)
{
    uint32_t count = (uint32_t)queue->config.receive_frames;
    uint32_t first = 0;
    uint32_t reserved = xsk_ring_prod__reserve(&queue->fill, count, &first);
    assert(reserved == count);
    for (uint32_t i = 0; i < reserved; i++)
        *xsk_ring_prod__fill_addr(&queue->fill, first + i) = frame_address(i);
    xsk_ring_prod__submit(&queue->fill, reserved);
}

int queue_make_stack(const struct queue *queue, size_t sender, struct frame_stack *out)
{
    size_t count = queue->config.send_frames;
    out->addresses = calloc(count, sizeof(*out->addresses));
    if (out->addresses == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        out->addresses[i] = frame_address(first_frame(queue, sender) + i);
    out->count = count;
    return 0;
}

static int make_returned(struct queue *queue, struct str *why)
{
    size_t senders = queue->config.senders;
    queue->returned = calloc(senders + 1, sizeof(*queue->returned));
    if (queue->returned == NULL)
        return xdp_failure(why, -ENOMEM, "open a queue");
    for (size_t i = 0; i < senders; i++) {
        if (queue_make_stack(queue, i, &queue->returned[i]) != 0)
            return xdp_failure(why, -ENOMEM, "open a queue");
        queue->returned[i].count = 0;
    }
    return 0;
}

static int open_all(struct queue *queue, struct str *why)
{
    int error = make_returned(queue, why);
    if (error == 0)
        error = map_memory(queue, why);
    if (error == 0)
        error = register_memory(queue, why);
    if (error == 0)
        fill_first(queue);
    return error;
}

int queue_open(const struct queue_config *config, struct queue **out, struct str *why)
{
    struct queue *queue = cache_line_calloc(1, sizeof(*queue));
    if (queue == NULL)
        return xdp_failure(why, -ENOMEM, "open a queue");
    queue->config = *config;
    int error = uv_mutex_init(&queue->lock);
    if (error != 0) {
        free(queue);
        return xdp_failure(why, error, "make a lock");
    }

    error = open_all(queue, why);
    if (error != 0) {
        queue_close(queue);
        return error;
    }
    *out = queue;
    return 0;
}

void queue_close(struct queue *queue)
{
    if (queue == NULL)
        return;
    int error = xsk_umem__delete(queue->umem);
    assert(error == 0); /* -EBUSY: a socket is open */
    (void)error;
    if (queue->memory != NULL)
        munmap(queue->memory, queue->memory_size);
    for (size_t i = 0; queue->returned != NULL && i < queue->config.senders; i++)
        free(queue->returned[i].addresses);
    free(queue->returned);
    uv_mutex_destroy(&queue->lock);
    free(queue);
}

bool queue_refill(
    struct queue *queue, const struct xsk_ring_cons *received, uint32_t first, uint32_t count)
{
    uint32_t to = 0;
    uv_mutex_lock(&queue->lock);
    uint32_t reserved = xsk_ring_prod__reserve(&queue->fill, count, &to);
    for (uint32_t i = 0; i < reserved; i++) /* any address in a frame means all of it */
        *xsk_ring_prod__fill_addr(&queue->fill, to + i) =
            xsk_ring_cons__rx_desc(received, first + i)->addr;
    xsk_ring_prod__submit(&queue->fill, reserved);
    uv_mutex_unlock(&queue->lock);
    return reserved == count;
}

static void push(struct frame_stack *stack, size_t capacity, uint64_t address)
{
    assert(stack->count < capacity);
    stack->addresses[stack->count++] = address;
}

static void pour(struct frame_stack *from, struct frame_stack *to)
{
    memcpy(to->addresses + to->count, from->addresses, from->count * sizeof(*from->addresses));
    to->count += from->count;
    from->count = 0;
}

void queue_collect(struct queue *queue, size_t sender, struct frame_stack *unused)
{
    const struct queue_config *config = &queue->config;
    uint32_t first = 0;
    uv_mutex_lock(&queue->lock);
    uint32_t count = xsk_ring_cons__peek(&queue->completion, UINT32_MAX, &first);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t address = *xsk_ring_cons__comp_addr(&queue->completion, first + i);
        size_t owner = (address / XDP_FRAME_SIZE - config->receive_frames) / config->send_frames;
        assert(owner < config->senders);
        push(owner == sender ? unused : &queue->returned[owner], config->send_frames, address);
    }
    xsk_ring_cons__release(&queue->completion, count);
    pour(&queue->returned[sender], unused);
    uv_mutex_unlock(&queue->lock);
}
