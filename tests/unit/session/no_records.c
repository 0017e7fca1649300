/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of records, for tests without: nothing of this is called. */
#include <stdlib.h>

#include "session/record.h"

struct bytes record_write(struct record_buffer *buffer, const struct record_head *head,
    const struct call *call, const struct relay_resume *media)
{
    (void)buffer, (void)head, (void)call, (void)media;
    abort();
}

enum record_status record_open(
    struct record *record, struct bytes bytes, struct call_record_why *why)
{
    (void)record, (void)bytes, (void)why;
    abort();
}

struct relay_resume *record_media(const struct record *record, struct call_record_why *why)
{
    (void)record, (void)why;
    abort();
}

void record_close(struct record *record)
{
    (void)record;
    abort();
}

struct call *call_record_read(const struct ng_value *record, struct call_record_why *why)
{
    (void)record, (void)why;
    abort();
}

bool call_record_lease(struct call *call, call_record_lease_fn *lease, void *owner)
{
    (void)call, (void)lease, (void)owner;
    abort();
}

int relay_post_save(struct relay *relay, uint64_t call, uint64_t token, enum relay_save how)
{
    (void)relay, (void)call, (void)token, (void)how;
    abort();
}

void relay_resume_free(struct relay_resume *resume)
{
    (void)resume;
    abort();
}
