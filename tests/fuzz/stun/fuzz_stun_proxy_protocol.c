/* SPDX-License-Identifier: Apache-2.0 */
/* A header is read when it is all there, not before, and the same whatever follows it. */
#include "../require.h"
#include "mediaferry/proxy_protocol.h"

/* Each shorter piece asks for more, and never for more than there is. */
static void check_pieces(struct bytes header)
{
    struct proxy_header h;
    for (size_t len = 0; len < header.len; len++) {
        size_t needed = 0;
        require(proxy_parse(bytes_of(header.data, len), &h, &needed) == PROXY_NEED_MORE);
        require(needed > len && needed <= header.len);
    }
}

static bool is_real(const struct proxy_header *h)
{
    return h->source.family != ADDRESS_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct proxy_header h, again;
    size_t needed = 0;

    switch (proxy_parse(input, &h, &needed)) {
    case PROXY_NEED_MORE:
        require(needed > size && needed <= PROXY_MAX_SIZE);
        return 0;
    case PROXY_NOT_PROXY:
    case PROXY_BAD:
        return 0;
    case PROXY_OK:
        break;
    }
    require(h.size >= PROXY_FIXED_SIZE && h.size <= size && h.size <= PROXY_MAX_SIZE);
    require(h.source.family == h.destination.family);
    require(!is_real(&h) || h.transport != PROXY_UNSPECIFIED);
    check_pieces(bytes_of(data, h.size));
    require(proxy_parse(bytes_of(data, h.size), &again, NULL) == PROXY_OK);
    require(again.size == h.size && again.transport == h.transport);
    require(address_equal(&again.source, &h.source));
    require(address_equal(&again.destination, &h.destination));
    return 0;
}
