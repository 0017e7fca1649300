/* SPDX-License-Identifier: Apache-2.0 */
/* net/listen_address.h - where to listen, as options say it. */
#ifndef NET_LISTEN_ADDRESS_H
#define NET_LISTEN_ADDRESS_H

#include "base/str.h"
#include "mediaferry/address.h"

enum { LISTEN_MAX = 16 };

struct listen_address {
    struct address address;
    bool is_optional; /* one of several that a word stands for: need not exist on this machine */
};

struct listen_addresses {
    struct listen_address list[LISTEN_MAX];
    size_t count;
};

/*
 * Reads "PORT" (every address of the machine), "IP:PORT", "[IP]:PORT" or "HOST:PORT", several
 * separated by ';'. Returns 0, or -EINVAL with a sentence in `why`. Host names are looked up,
 * which may block.
 */
NODISCARD int listen_addresses_parse(
    struct text spec, struct listen_addresses *out, struct str *why);

#endif
