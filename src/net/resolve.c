/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolve.h"

#include <netdb.h>
#include <stdlib.h>

#include "base/str.h"
#include "net/sockaddr.h"

size_t resolve_host(struct text name, struct address *out, size_t capacity)
{
    /* One kind of socket, or each address would come once for every protocol. */
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *results = NULL;
    size_t count = 0;
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
