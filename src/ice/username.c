/* SPDX-License-Identifier: Apache-2.0 */
#include "ice/username.h"

#include "mediaferry/stun.h"

bool ice_split_username(struct bytes value, struct text *receiver, struct text *sender)
{
    struct text rest = text_from_bytes(value);
    struct text head = text_cut(&rest, ':');
    if (head.len == 0 || head.len == value.len)
        return false;
    *receiver = head;
    *sender = rest;
    return true;
}

bool ice_peek_ufrag(struct bytes datagram, struct text *local_ufrag)
{
    struct stun_message m;
    struct bytes username;
    struct text sender;
    return stun_parse(datagram, &m) == STUN_OK && m.type == stun_type(STUN_BINDING, STUN_REQUEST) &&
           stun_find(&m, STUN_USERNAME, &username) &&
           ice_split_username(username, local_ufrag, &sender);
}
