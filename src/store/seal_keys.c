/* SPDX-License-Identifier: Apache-2.0 */
#include "store/seal_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_FILE = 16 << 10, KEY_DIGITS = 2 * SEAL_KEY_SIZE };

static int digit_of(char c)
{
    char lower = text_lower(c);
    if (c >= '0' && c <= '9')
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool read_key(struct text line, uint8_t out[SEAL_KEY_SIZE])
{
    if (line.len != KEY_DIGITS)
        return false;
    for (size_t i = 0; i < SEAL_KEY_SIZE; i++) {
        int high = digit_of(line.data[2 * i]), low = digit_of(line.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* What a line says, without the comment and what an editor of Windows adds. */
static struct text content_of(struct text line)
{
    struct text content = text_cut(&line, '#');
    return text_trim(text_cut(&content, '\r'));
}

static bool read_lines(struct text file, struct seal *seal, struct str *why)
{
    for (unsigned number = 1; file.len > 0; number++) {
        struct text line = content_of(text_cut(&file, '\n'));
        if (line.len == 0)
            continue;
        if (seal->count == SEAL_MAX_KEYS) {
            str_addf(why, "more than %d keys", SEAL_MAX_KEYS);
            return false;
        }
        if (!read_key(line, seal->keys[seal->count])) {
            str_addf(why, "line %u is no key of 64 hexadecimal digits", number);
            return false;
        }
        seal->count++;
    }
    if (seal->count == 0)
        str_add_string(why, "there is no key in it");
    return seal->count > 0;
}

int seal_read(struct text file, struct seal **out, struct str *why)
{
    struct seal *seal = calloc(1, sizeof(*seal));
    if (seal == NULL) {
        str_add_string(why, "out of memory");
        return -ENOMEM;
    }
    if (!read_lines(file, seal, why)) {
        seal_free(seal);
        return -EINVAL;
    }
    *out = seal;
    return 0;
}

/* Reads up to `size` bytes. Returns 0 or a negative errno. */
static int read_file(const char *path, char *memory, size_t size, size_t *out)
{
    size_t len = 0;
    ssize_t got = 1;
    int error = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    while (got > 0 && len < size) {
        got = read(fd, memory + len, size - len);
        len += got > 0 ? (size_t)got : 0;
    }
    if (got < 0)
        error = -errno;
    close(fd);
    *out = len;
    return error;
}

int seal_load(const char *path, struct seal **out, struct str *why)
{
    char memory[MAX_FILE + 1] = "";
    size_t len = 0;
    int error = read_file(path, memory, sizeof(memory), &len);
    if (error != 0) {
        str_add_string(why, strerror(-error));
    } else if (len > MAX_FILE) {
        str_add_string(why, "too large for a file of keys");
        error = -EINVAL;
    } else {
        error = seal_read(text_of(memory, len), out, why);
    }
    OPENSSL_cleanse(memory, sizeof(memory));
    return error;
}

void seal_free(struct seal *seal)
{
    if (seal == NULL)
        return;
    OPENSSL_cleanse(seal, sizeof(*seal));
    free(seal);
}

size_t seal_key_count(const struct seal *seal)
{
    return seal->count;
}
