/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web.h - flows that are browsers: ICE, a DTLS handshake, then SRTP, with RTCP on the same port.
 *
 *     dtls <active|passive> <ufrag> <pwd> <remote ufrag> <remote pwd> <remote fingerprint>
 *
 * The fingerprint is the SHA-256 one, as SDP writes it. Flows that are started stand in a line: so
 * many of them set up at a time. All show one certificate.
 */
#ifndef LOAD_WEB_H
#define LOAD_WEB_H

#include "flow.h"

enum { WEB_AT_ONCE = 16 };

extern const struct flow_kind flow_dtls;

/* To be called once, before the first flow. Reads a private key and its certificate from the file;
 * NULL: makes new ones. Returns NULL, or what is wrong. */
const char *web_init(const char *pem_path);
void web_done(void);

/* The fingerprint that the relay is to be told, as SDP writes it behind "sha-256 ". */
const char *web_fingerprint(void);

/* How many flows set up at a time from now on; WEB_AT_ONCE at first. */
void web_set_at_once(unsigned count);

/* The mode `fingerprint --certificate=PEM`: prints {"fingerprint": "AB:..."}. Returns the status of
 * the program. */
int fingerprint_main(int count, char **words);

/* Reads `--certificate=PEM`, the only argument there may be, and calls web_init(); ends the program
 * when something is wrong. */
void web_init_from(int count, char **words);

#endif
