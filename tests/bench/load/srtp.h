/* SPDX-License-Identifier: Apache-2.0 */
/* srtp.h - flows whose keys are told in the command (SDES), and SRTP for all kinds. */
#ifndef LOAD_SRTP_H
#define LOAD_SRTP_H

#include "flow.h"

/* sdes <suite> <tx key base64> <rx key base64> */
extern const struct flow_kind flow_sdes;

/* Gives a flow its sessions: keys and salts as long as the suite says. False when out of memory. */
NODISCARD bool srtp_set_keys(struct flow *flow, const struct rtpsec_suite *suite,
    struct bytes tx_key, struct bytes tx_salt, struct bytes rx_key, struct bytes rx_salt);

#endif
