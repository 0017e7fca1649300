/* SPDX-License-Identifier: Apache-2.0 */
/* The peer of an agent under test: makes connectivity checks as browsers do. */
#ifndef ICE_BROWSER_H
#define ICE_BROWSER_H

#include "mediaferry/address.h"
#include "mediaferry/stun.h"

#define LOCAL_UFRAG "loc1"
#define LOCAL_PWD "local-password-of-22-ch"
#define REMOTE_UFRAG "rem1"

/* Starts as a good check; a test spoils what it is about. NULL and zero leave an attribute out. */
struct browser_check {
    const char *username, *pwd;
    uint32_t priority;
    bool use_candidate;
    uint16_t role;    /* STUN_ICE_CONTROLLING or STUN_ICE_CONTROLLED */
    uint16_t unknown; /* an attribute of this type, empty */
    bool no_fingerprint;
};

extern const struct browser_check good_check;

/* Writes the check into `memory` of 512 bytes and returns it. */
struct bytes browser_write(const struct browser_check *check, uint8_t memory[512]);

/* "1.2.3.4:5"; aborts on other text. */
struct address address_at(const char *text);

#endif
