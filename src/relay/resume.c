/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a resume. */
#include "relay/resume.h"

#include <stdlib.h>

struct relay_resume_block {
    struct relay_resume_block *next;
    size_t size; /* of `memory` */
    _Alignas(max_align_t) uint8_t memory[];
};

struct relay_resume *relay_resume_new(void)
{
    return calloc(1, sizeof(struct relay_resume));
}

void *relay_resume_alloc(struct relay_resume *resume, size_t count, size_t size)
{
    if (count == 0 || size == 0 || count > (SIZE_MAX - sizeof(struct relay_resume_block)) / size)
        return NULL;
    struct relay_resume_block *block = calloc(1, sizeof(*block) + count * size);
    if (block == NULL)
        return NULL;
    block->size = count * size;
    block->next = resume->memory;
    resume->memory = block;
    return block->memory;
}

void relay_resume_free(struct relay_resume *resume)
{
    if (resume == NULL)
        return;
    for (struct relay_resume_block *at = resume->memory, *next; at != NULL; at = next) {
        next = at->next;
        explicit_bzero(at->memory, at->size);
        free(at);
    }
    free(resume);
}
