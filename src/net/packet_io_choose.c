/* SPDX-License-Identifier: Apache-2.0 */
#include "net/packet_io_choose.h"

#include <stdio.h>

bool packet_io_kind_parse(struct text name, enum packet_io_kind *out)
{
    static const char *const names[] = {
        [PACKET_IO_AUTO] = "auto", [PACKET_IO_EPOLL] = "epoll", [PACKET_IO_URING] = "io_uring"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (text_is(name, names[i])) {
            *out = (enum packet_io_kind)i;
            return true;
        }
    }
    return false;
}

bool packet_io_choose(enum packet_io_kind wanted, struct packet_io_choice *out)
{
    *out = (struct packet_io_choice){.make = packet_io_new_epoll, .name = "epoll"};
    snprintf(out->reason, sizeof(out->reason), "%s",
        wanted == PACKET_IO_EPOLL ? "as configured" : "built without io_uring");
    return wanted != PACKET_IO_URING;
}
