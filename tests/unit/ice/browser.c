/* SPDX-License-Identifier: Apache-2.0 */
#include "browser.h"

#include <stdlib.h>

#include "stun/integrity.h"

const struct browser_check good_check = {
    .username = LOCAL_UFRAG ":" REMOTE_UFRAG,
    .pwd = LOCAL_PWD,
    .priority = 1853824767,
    .role = STUN_ICE_CONTROLLING,
};

struct bytes browser_write(const struct browser_check *check, uint8_t memory[512])
{
    struct writer w = writer_over(memory, 512);
    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of("transaction!", 12));
    if (check->username != NULL)
        stun_write_attr(&w, STUN_USERNAME, text_bytes(text_from(check->username)));
    stun_write_u32(&w, 0xc057, 1); /* network information, as Chromium adds it */
    if (check->role != 0)
        stun_write_u64(&w, check->role, 0x0102030405060708);
    if (check->use_candidate)
        stun_write_attr(&w, STUN_USE_CANDIDATE, bytes_of(NULL, 0));
    if (check->priority != 0)
        stun_write_u32(&w, STUN_PRIORITY, check->priority);
    if (check->unknown != 0)
        stun_write_attr(&w, check->unknown, bytes_of(NULL, 0));
    if (check->pwd != NULL)
        stun_write_integrity(&w, text_bytes(text_from(check->pwd)));
    if (!check->no_fingerprint)
        stun_write_fingerprint(&w);
    if (!writer_ok(&w))
        abort();
    return writer_bytes(&w);
}

struct address address_at(const char *text)
{
    struct address a;
    if (!address_parse_with_port(text_from(text), 0, &a))
        abort();
    return a;
}
