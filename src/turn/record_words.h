/* SPDX-License-Identifier: Apache-2.0 */
/* turn/record_words.h - words of records, written and read. */
#ifndef TURN_RECORD_WORDS_H
#define TURN_RECORD_WORDS_H

#include "turn/record.h"

enum {
    TURN_RECORD_FAMILIES = ADDRESS_IP6 + 1,
    TURN_RECORD_IDENTITIES = IDENTITY_OAUTH + 1,
    TURN_RECORD_PERMISSION_FLAGS = 1,
    TURN_RECORD_FLAGS = 2,
};

extern const char turn_record_kind[];
extern const char *const turn_record_families[TURN_RECORD_FAMILIES];     /* enum address_family */
extern const char *const turn_record_identities[TURN_RECORD_IDENTITIES]; /* enum identity_kind */
extern const struct fields_flag turn_record_permission_flags[TURN_RECORD_PERMISSION_FLAGS];
extern const struct fields_flag turn_record_flags[TURN_RECORD_FLAGS]; /* of struct turn_saved */

#endif
