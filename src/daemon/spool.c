/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/hash.h"

static const char head[] = "mediaferry-records 1\n";

enum { HEAD_LEN = sizeof(head) - 1, LENGTH_LEN = 4, CHECKSUM_LEN = 8 };

/* Of accidents, not of enemies: who can write the file can do as he likes. */
static uint64_t checksum(struct bytes record)
{
    static const uint64_t seed[2];
    return hash_bytes(record, seed);
}

/* Writes all of it or cuts the file to what it was. */
static int append(struct spool_writer *w, const struct iovec *parts, int count)
{
    size_t wanted = 0;
    for (int i = 0; i < count; i++)
        wanted += parts[i].iov_len;
    ssize_t written = writev(w->fd, parts, count);
    if (written >= 0 && (size_t)written == wanted) {
        w->size += written;
        return 0;
    }
    int error = written < 0 ? -errno : -ENOSPC;
    if (ftruncate(w->fd, w->size) != 0 || lseek(w->fd, w->size, SEEK_SET) < 0)
        return -errno;
    return error;
}

static int append_bytes(struct spool_writer *w, const void *data, size_t len)
{
    const struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    return append(w, &part, 1);
}

static void done(struct spool_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    free(w->path);
    free(w->temporary);
    *w = (struct spool_writer){.fd = -1};
}

int spool_begin(struct spool_writer *w, const char *path)
{
    *w = (struct spool_writer){.fd = -1, .path = text_dup(text_from(path))};
    if (w->path == NULL || asprintf(&w->temporary, "%s.new", path) < 0) {
        w->temporary = NULL;
        done(w);
        return -ENOMEM;
    }
    unlink(w->temporary); /* of one who did not come to the end */
    w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    int error = w->fd < 0 ? -errno : append_bytes(w, head, HEAD_LEN);
    if (error != 0)
        spool_abandon(w);
    return error;
}

int spool_add(struct spool_writer *w, struct bytes record)
{
    uint8_t length[LENGTH_LEN], sum[CHECKSUM_LEN];
    struct writer length_writer = writer_over(length, sizeof(length));
    struct writer sum_writer = writer_over(sum, sizeof(sum));
    if (record.len == 0 || record.len > SPOOL_MAX_RECORD)
        return -EMSGSIZE;
    writer_u32(&length_writer, (uint32_t)record.len);
    writer_u64(&sum_writer, checksum(record));
    const struct iovec parts[] = {
        {.iov_base = length, .iov_len = sizeof(length)},
        {.iov_base = (void *)(uintptr_t)record.data, .iov_len = record.len},
        {.iov_base = sum, .iov_len = sizeof(sum)},
    };
    return append(w, parts, COUNT_OF(parts));
}

int spool_end(struct spool_writer *w)
{
    static const uint8_t end[LENGTH_LEN];
    int error = append_bytes(w, end, sizeof(end));
    if (error == -ENOSPC)
        error = 0; /* what is there can be read */
    if (error == 0 && rename(w->temporary, w->path) != 0)
        error = -errno;
    if (error != 0)
        spool_abandon(w);
    else
        done(w);
    return error;
}

void spool_abandon(struct spool_writer *w)
{
    if (w->fd >= 0)
        unlink(w->temporary);
    done(w);
}

static int refuse(struct str *why, const char *path, const char *what, int error)
{
    str_addf(why, "'%s' %s", path, what);
    return error;
}

/* Keys of calls that others may know, and calls that others may have made up, are not used. */
static int check_file(int fd, const char *path, struct stat *file, struct str *why)
{
    if (fstat(fd, file) != 0)
        return refuse(why, path, "cannot be looked at", -errno);
    if (!S_ISREG(file->st_mode))
        return refuse(why, path, "is no file", -EINVAL);
    if (file->st_uid != geteuid())
        return refuse(why, path, "belongs to another user", -EPERM);
    if ((file->st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return refuse(why, path, "is open to others", -EPERM);
    return 0;
}

static int map(struct spool *spool, int fd, const char *path, struct str *why)
{
    struct stat file;
    int error = check_file(fd, path, &file, why);
    if (error != 0)
        return error;
    if (unlink(path) != 0)
        return refuse(why, path, "cannot be removed, and must not be used twice", -errno);
    if (file.st_size < HEAD_LEN)
        return refuse(why, path, "is no file of records", -EINVAL);
    void *content = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (content == MAP_FAILED)
        return refuse(why, path, "cannot be read", -errno);
    spool->content = bytes_of(content, (size_t)file.st_size);
    struct reader r = reader_over(spool->content);
    if (spool_read_head(&r))
        return 0;
    spool_close(spool);
    return refuse(why, path, "is no file of records of this version", -EINVAL);
}

int spool_open(struct spool *spool, const char *path, struct str *why)
{
    *spool = (struct spool){.content = bytes_of(NULL, 0)};
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return -ENOENT;
    if (fd < 0)
        return refuse(why, path, "cannot be opened", -errno);
    int error = map(spool, fd, path, why);
    close(fd);
    return error;
}

void spool_close(struct spool *spool)
{
    if (spool->content.data != NULL)
        munmap((void *)(uintptr_t)spool->content.data, spool->content.len);
    spool->content = bytes_of(NULL, 0);
}

bool spool_read_head(struct reader *r)
{
    return bytes_equal(reader_take(r, HEAD_LEN), bytes_of(head, HEAD_LEN));
}

enum spool_item spool_next(struct reader *r, struct bytes *record)
{
    struct reader after = *r;
    uint32_t len = reader_u32(&after);
    if (reader_ok(&after) && len == 0 && reader_left(&after) == 0)
        return SPOOL_END;
    struct bytes content = reader_take(&after, len);
    uint64_t sum = reader_u64(&after);
    if (!reader_ok(&after) || len == 0 || len > SPOOL_MAX_RECORD)
        return SPOOL_CUT;
    *r = after;
    if (checksum(content) != sum)
        return SPOOL_DAMAGED;
    *record = content;
    return SPOOL_RECORD;
}
