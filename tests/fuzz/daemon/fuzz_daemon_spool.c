/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/spool.h"

#include "../require.h"

/* Every record lies in the file, behind the one before it, and the end stays the end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes content = bytes_of(data, size), record;
    struct reader r = reader_over(content);
    const uint8_t *at = data;
    enum spool_item item;

    if (!spool_read_head(&r))
        return 0;
    while ((item = spool_next(&r, &record)) == SPOOL_RECORD || item == SPOOL_DAMAGED) {
        if (item == SPOOL_DAMAGED)
            continue;
        require(lies_within(record, content));
        require(record.len > 0 && record.data > at);
        at = record.data + record.len;
    }
    require(spool_next(&r, &record) == item);
    return 0;
}
