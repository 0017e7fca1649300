/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_context.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "net/tls_settings.h"

/* A file as it was before it was read. */
struct tls_file {
    char *path;
    struct stat stat;
};

struct tls_context {
    atomic_uint references;
    SSL_CTX *stream; /* each chooses among the pairs by itself */
    SSL_CTX *datagram;
    size_t file_count;
    struct tls_file files[];
};

static int remember_file(struct tls_context *c, const char *path)
{
    struct tls_file *file = &c->files[c->file_count];
    file->path = text_dup(text_from(path));
    if (file->path == NULL)
        return -ENOMEM;
    c->file_count++;
    /* What is missing is told by who reads it. */
    if (stat(path, &file->stat) != 0)
        file->stat = (struct stat){.st_ino = 0};
    return 0;
}

static int remember_files(struct tls_context *c, const struct tls_config *config)
{
    int error = 0;
    for (size_t i = 0; i < config->pair_count && error == 0; i++) {
        error = remember_file(c, config->pairs[i].certificate);
        if (error == 0)
            error = remember_file(c, config->pairs[i].key);
    }
    if (error == 0 && config->client_ca != NULL)
        error = remember_file(c, config->client_ca);
    return error;
}

/* Makes the two contexts of one pair; the caller frees what there is of them. */
static int make_pair(const struct tls_config *config, size_t index,
    const struct tls_authorities *authorities, SSL_CTX *out[2], struct str *why)
{
    out[0] = tls_settings_new(TLS_server_method(), config, authorities, why);
    out[1] =
        out[0] != NULL ? tls_settings_new(DTLS_server_method(), config, authorities, why) : NULL;
    if (out[1] == NULL)
        return -EINVAL;
    int error = tls_pair_load(out[0], &config->pairs[index], config->key_password, why);
    if (error != 0)
        return error;
    if (!tls_pair_copy(out[1], out[0])) {
        str_addf(why, "certificate %s: not fit for DTLS", config->pairs[index].certificate);
        return -EINVAL;
    }
    if (config->prepare_datagrams != NULL)
        config->prepare_datagrams(out[1]);
    return 0;
}

/* `made` has room for the stream contexts of all pairs, then for their datagram contexts. */
static int make_all(const struct tls_config *config, const struct tls_authorities *authorities,
    SSL_CTX **made, struct str *why)
{
    for (size_t i = 0; i < config->pair_count; i++) {
        SSL_CTX *both[2] = {NULL, NULL};
        int error = make_pair(config, i, authorities, both, why);
        made[i] = both[0];
        made[config->pair_count + i] = both[1];
        if (error != 0)
            return error;
    }
    return tls_settings_choose_by_name(made, config->pair_count) &&
                   tls_settings_choose_by_name(made + config->pair_count, config->pair_count)
               ? 0
               : -ENOMEM;
}

static int make_contexts(struct tls_context *c, const struct tls_config *config, struct str *why)
{
    struct tls_authorities authorities;
    int error = tls_authorities_load(config->client_ca, &authorities, why);
    if (error != 0)
        return error;
    SSL_CTX **made = calloc(config->pair_count, 2 * sizeof(*made));
    error = made != NULL ? make_all(config, &authorities, made, why) : -ENOMEM;
    if (error == 0) {
        SSL_CTX_up_ref(made[0]);
        SSL_CTX_up_ref(made[config->pair_count]);
        c->stream = made[0];
        c->datagram = made[config->pair_count];
    }
    for (size_t i = 0; made != NULL && i < 2 * config->pair_count; i++)
        SSL_CTX_free(made[i]);
    free(made);
    tls_authorities_done(&authorities);
    return error;
}

int tls_context_new(const struct tls_config *config, struct tls_context **out, struct str *why)
{
    size_t files = 2 * config->pair_count + 1;
    struct tls_context *c = calloc(1, sizeof(*c) + files * sizeof(c->files[0]));
    int error = -ENOMEM;
    if (c != NULL) {
        atomic_init(&c->references, 1);
        error = remember_files(c, config);
    }
    if (error == 0)
        error = make_contexts(c, config, why);
    if (error != 0) {
        if (error == -ENOMEM)
            str_add_string(why, "out of memory");
        tls_context_unref(c);
        return error;
    }
    *out = c;
    return 0;
}

struct tls_context *tls_context_ref(struct tls_context *c)
{
    atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
    return c;
}

void tls_context_unref(struct tls_context *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(c->stream);
    SSL_CTX_free(c->datagram);
    for (size_t i = 0; i < c->file_count; i++)
        free(c->files[i].path);
    free(c);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool tls_files_changed(const struct tls_context *c)
{
    for (size_t i = 0; i < c->file_count; i++) {
        struct stat now;
        if (stat(c->files[i].path, &now) != 0 || !same_file(&now, &c->files[i].stat))
            return true;
    }
    return false;
}

SSL_CTX *tls_context_stream(const struct tls_context *c)
{
    return c->stream;
}

SSL_CTX *tls_context_datagram(const struct tls_context *c)
{
    return c->datagram;
}
