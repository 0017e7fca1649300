/* SPDX-License-Identifier: Apache-2.0 */
/* bencode/scan.h - the tokens of bencoding. */
#ifndef BENCODE_SCAN_H
#define BENCODE_SCAN_H

#include "mediaferry/bencode.h"

enum bencode_token_kind { TOKEN_STRING, TOKEN_INT, TOKEN_LIST, TOKEN_DICT, TOKEN_END };

struct bencode_token {
    enum bencode_token_kind kind;
    struct text string;
    int64_t integer;
};

/* Takes one token off `rest`, which stays as it is on failure. */
NODISCARD enum bencode_status bencode_scan(struct text *rest, struct bencode_token *out);

#endif
