/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/route_message.h - messages of rtnetlink(7): what is asked, and what the kernel says.
 *
 * Pure functions over memory the caller owns, which is aligned for uint32_t. A message is in the
 * byte order of this machine. What has not the form it must have is BAD as a whole; attributes of
 * no interest are skipped.
 */
#ifndef XDP_ROUTE_MESSAGE_H
#define XDP_ROUTE_MESSAGE_H

#include "xdp/next_hop.h"

enum { ROUTE_REQUEST_SIZE = 96 }; /* the longest */

/* Each writes a request at `out`, of ROUTE_REQUEST_SIZE, and returns its length: a multiple of 4,
 * so that the next one may follow. The answers have the same `seq`. */

/* For the route of a UDP packet; answered by ROUTE or ERROR. */
size_t route_request_route(void *out, uint32_t seq, const struct next_hop_key *key);

/* For one link; answered by LINK or ERROR. */
size_t route_request_link(void *out, uint32_t seq, uint32_t ifindex);

/* For a list; answered by many LINK or NEIGHBOUR and DONE, or by ERROR. */
size_t route_request_links(void *out, uint32_t seq);
size_t route_request_neighbours(void *out, uint32_t seq);

enum route_message_kind {
    ROUTE_MESSAGE_ROUTE,     /* an answer, or a route that is new */
    ROUTE_MESSAGE_LINK,      /* new, otherwise or gone */
    ROUTE_MESSAGE_NEIGHBOUR, /* the same */
    ROUTE_MESSAGE_CHANGE,    /* a route is gone, or a rule, an address or a nexthop changed */
    ROUTE_MESSAGE_DONE,      /* a list ends here */
    ROUTE_MESSAGE_ERROR,     /* what a request is answered with, or events were lost */
    ROUTE_MESSAGE_OTHER,     /* of no interest */
    ROUTE_MESSAGE_BAD,
};

struct route_found {
    enum next_hop_state state; /* WAITING: sent by an interface; LOCAL, SPECIAL or NO_ROUTE */
    uint32_t ifindex;
    struct address gateway; /* family NONE: the peer is on the link */
    uint32_t mtu;           /* 0: that of the link */
};

struct route_link {
    uint32_t ifindex;
    bool exists;
    bool is_up; /* and has a carrier */
    bool is_ethernet;
    uint32_t mtu;  /* 0: not told */
    uint32_t mtu6; /* of IPv6 packets, which routers may set; 0: not told */
    bool has_mac;
    uint8_t mac[ETH_ALEN];
};

struct route_neighbour {
    struct next_hop_via via;
    bool is_usable;
    uint8_t mac[ETH_ALEN];
};

struct route_message {
    enum route_message_kind kind;
    uint32_t seq;
    bool is_interrupted; /* a list that changed while it was made */
    int error;           /* of DONE and ERROR: 0 or a negative errno */
    union {
        struct route_found route;
        struct route_link link;
        struct route_neighbour neighbour;
    };
};

/* Takes the next message off the front of `rest`; false when there is none left. What is no message
 * is BAD, and takes all the rest with it. */
NODISCARD bool route_message_next(struct bytes *rest, struct route_message *out);

#endif
