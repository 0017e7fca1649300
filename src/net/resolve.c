/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolve.h"

#include <netdb.h>
#include <stdlib.h>

#include "base/str.h"
#include "net/sockaddr.h"

/* No name ends in a number, but the resolver takes `10.1` for 10.0.0.1 and `0x7f.1` for 127.0.0.1:
 * here that is an address that was not finished. */
static bool ends_in_number(struct text name)
{
    struct text last = name;
    while (name.len > 0)
        last = text_cut(&name, '.');
    uint64_t number;
    return text_to_u64(last, UINT64_MAX, &number) || text_starts_with(last, "0x");
}

size_t resolve_host(struct text name, struct address *out, size_t capacity)
{
    /* One kind of socket, or each address would come once for every protocol. */
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *results = NULL;
    size_t count = 0;
    if (ends_in_number(name))
        return 0;

    char *string = text_dup(name);
    if (string == NULL || getaddrinfo(string, NULL, &hints, &results) != 0)
        results = NULL;
    free(string);
    for (const struct addrinfo *at = results; at != NULL && count < capacity; at = at->ai_next) {
        struct sockaddr_storage storage = {0};
        memcpy(&storage, at->ai_addr, at->ai_addrlen);
        count += address_from_sockaddr(&storage, &out[count]);
    }
    if (results != NULL)
        freeaddrinfo(results);
    return count;
}
