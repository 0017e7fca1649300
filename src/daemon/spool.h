/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/spool.h - a file of records, from a process to the one after it.
 *
 *     "mediaferry-records 1\n"
 *     length (32 bits) | record | checksum (64 bits)        as often as there are records
 *     0 (32 bits)                                           the end
 *
 * Numbers are big endian. There are keys in it: nobody else may read or write the file, and it is
 * used once. It is written under another name and then renamed, so what has the name is as whole as
 * it can be; a record that finds no room is left out. The reader takes what is whole and tells of
 * the rest. What is in the records is not looked at.
 */
#ifndef DAEMON_SPOOL_H
#define DAEMON_SPOOL_H

#include "base/str.h"

enum { SPOOL_MAX_RECORD = 1 << 26 };

struct spool_writer {
    char *path, *temporary;
    int fd;
    int64_t size; /* of all that is whole */
};

/* Opens the file `path`, under another name as long as it is written. Returns 0 or a negative
 * errno. */
NODISCARD int spool_begin(struct spool_writer *w, const char *path);

/* Adds a record, of 1 to SPOOL_MAX_RECORD bytes, whole or not at all. Returns 0 or a negative
 * errno; further ones may be added. */
NODISCARD int spool_add(struct spool_writer *w, struct bytes record);

/* Gives the file its name. Returns 0 or a negative errno; `w` is done in any case. */
NODISCARD int spool_end(struct spool_writer *w);

/* Leaves no file; instead of spool_end(). */
void spool_abandon(struct spool_writer *w);

struct spool {
    struct bytes content; /* mapped */
};

/*
 * Opens the file `path` and removes its name: nobody uses it a second time. Returns 0; -ENOENT when
 * there is none; or another negative errno with a sentence in `why`, when it is not a file of this
 * user alone, is no spool, or cannot be removed: then it must not be used.
 */
NODISCARD int spool_open(struct spool *spool, const char *path, struct str *why);

void spool_close(struct spool *spool);

/* --- what is in it, for spool_open() and fuzzing --- */

/* Reads the first line; false when it is no spool of this version. */
NODISCARD bool spool_read_head(struct reader *r);

enum spool_item {
    SPOOL_RECORD,  /* in `record`, which borrows the input */
    SPOOL_DAMAGED, /* one is, and passed over */
    SPOOL_CUT,     /* the file ends too early, or more follows its end: nothing more */
    SPOOL_END,     /* nothing more */
};

/* The next item after the first line; for ever the last one. */
enum spool_item spool_next(struct reader *r, struct bytes *record);

#endif
