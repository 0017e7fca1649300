/* SPDX-License-Identifier: Apache-2.0 */
/* ng/option_reader.h - what the files that read options share. */
#ifndef NG_OPTION_READER_H
#define NG_OPTION_READER_H

#include "ng/options.h"

/* TOS when none is given, or one beyond a byte; a negative one keeps what is set. */
enum { OPTION_TOS_CONFIGURED = 256, OPTION_TOS_KEEP = -1 };

struct option_reader {
    struct ng_arena *arena;
    struct call_command *out;
    struct call_flags *flags; /* of `out` */
    struct ng_ignored *ignored;
};

/* Handles one word of a list; false when it is not known. */
typedef bool option_word_fn(struct option_reader *r, struct text word);

/* Handles the value of a key, notes what has no effect. */
typedef void option_value_fn(struct option_reader *r, const struct ng_value *value);

/* A word that switches on one `bool` of the flags. */
struct option_switch {
    const char *name;
    size_t offset; /* in struct call_flags */
};

#define OPTION_SWITCH(word, field)                                                                 \
    {                                                                                              \
        word, offsetof(struct call_flags, field)                                                   \
    }

/* False when no row of the table is called `word`. */
bool option_switch_on(
    struct call_flags *flags, const struct option_switch *table, size_t count, struct text word);

/* Hands each item of a list (or of one string with commas) to `handle`; notes under `key` those it
 * does not know. */
void option_each_word(
    struct option_reader *r, const char *key, const struct ng_value *value, option_word_fn *handle);

/* Adds a name; a list that is full notes it instead. */
void option_add_name(struct option_reader *r, struct call_names *names, struct text name);

/* Without the escapes `--` and `..`, in the arena where there are any; empty without memory. */
struct text option_unescape(struct option_reader *r, struct text escaped);

/* --- single words and values --- */

option_word_fn option_flag;       /* of `flags`, prefixes included */
option_word_fn option_mux;        /* rtcp-mux */
option_word_fn option_replace;    /* replace */
option_word_fn option_bundle;     /* bundle */
option_word_fn option_osrtp;      /* OSRTP */
option_word_fn option_sdes;       /* SDES */
option_word_fn option_codec;      /* `strip-PCMU` */
option_word_fn option_transcode;  /* `PCMU` */
option_word_fn option_sdp_attr;   /* `remove-audio-ssrc` */
option_word_fn option_learning;   /* endpoint-learning */
option_word_fn option_protocol;   /* transport-protocol */
option_value_fn option_codecs;    /* the dictionary `codec`, or a string `strip-all` */
option_value_fn option_sdp_attrs; /* the dictionary `sdp-attr` */

/* Handles a key other than `rtpp-flags`; false when it is not known. */
bool option_key(struct option_reader *r, const struct ng_value *entry);

#endif
