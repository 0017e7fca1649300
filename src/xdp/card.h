/* SPDX-License-Identifier: Apache-2.0 */
/* xdp/card.h - what there is to know of a network interface before frames go by it. */
#ifndef XDP_CARD_H
#define XDP_CARD_H

#include "base/str.h"

struct card {
    unsigned ifindex;
    uint8_t mac[6];
    bool ethernet;
    bool bond; /* made of others, by which its frames enter */
    size_t receive_queues;
    size_t send_queues;
};

/* Asks the kernel of this network namespace. The queues are 1 each where nobody tells. Returns 0 or
 * a negative errno and the reason in words. */
NODISCARD int card_read(const char *interface, struct card *out, struct str *why);

#endif
