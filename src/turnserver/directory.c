/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/directory.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "turnserver/path_key.h"

/* Workers that ask for different clients do not wait for each other. */
enum { SHARDS = 16 };

struct place {
    struct map_node node;
    unsigned worker;
    uint8_t key[PATH_KEY_SIZE];
};

struct shard {
    pthread_mutex_t lock;
    struct map places;
};

struct directory {
    struct shard shards[SHARDS];
};

struct directory *directory_new(void)
{
    struct directory *d = calloc(1, sizeof(*d));
    if (d == NULL)
        return NULL;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&d->shards[i].lock, NULL);
        map_init(&d->shards[i].places);
    }
    return d;
}

void directory_free(struct directory *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        map_for_each (at, &d->shards[i].places)
            free(CONTAINER_OF(at, struct place, node.link));
        map_done(&d->shards[i].places);
        pthread_mutex_destroy(&d->shards[i].lock);
    }
    free(d);
}

static struct shard *shard_of(struct directory *d, const struct turn_path *path)
{
    return &d->shards[address_hash(&path->client, 0) % SHARDS];
}

static struct place *find(const struct shard *shard, struct bytes key)
{
    struct map_node *node = map_find(&shard->places, key);
    return node == NULL ? NULL : CONTAINER_OF(node, struct place, node);
}

bool directory_put(struct directory *d, const struct turn_path *path, unsigned worker)
{
    uint8_t memory[PATH_KEY_SIZE];
    struct bytes key = path_key(path, memory);
    struct shard *shard = shard_of(d, path);

    pthread_mutex_lock(&shard->lock);
    struct place *place = find(shard, key);
    if (place == NULL && (place = calloc(1, sizeof(*place))) != NULL) {
        memcpy(place->key, memory, sizeof(memory));
        map_put(&shard->places, &place->node, bytes_of(place->key, sizeof(place->key)));
    }
    if (place != NULL)
        place->worker = worker;
    pthread_mutex_unlock(&shard->lock);
    return place != NULL;
}

void directory_remove(struct directory *d, const struct turn_path *path, unsigned worker)
{
    uint8_t memory[PATH_KEY_SIZE];
    struct bytes key = path_key(path, memory);
    struct shard *shard = shard_of(d, path);

    pthread_mutex_lock(&shard->lock);
    struct place *place = find(shard, key);
    if (place != NULL && place->worker == worker) {
        map_remove(&shard->places, &place->node);
        free(place);
    }
    pthread_mutex_unlock(&shard->lock);
}

bool directory_find(struct directory *d, const struct turn_path *path, unsigned *worker)
{
    uint8_t memory[PATH_KEY_SIZE];
    struct bytes key = path_key(path, memory);
    struct shard *shard = shard_of(d, path);

    pthread_mutex_lock(&shard->lock);
    const struct place *place = find(shard, key);
    if (place != NULL)
        *worker = place->worker;
    pthread_mutex_unlock(&shard->lock);
    return place != NULL;
}
