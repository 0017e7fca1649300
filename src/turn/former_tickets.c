/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/former_tickets.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/list.h"

struct former {
    struct u64_node node; /* by what the ticket says */
    uint64_t id;
};

/* Of one process. */
struct sealer {
    struct list link;
    uint8_t key[TICKET_KEY_SIZE];
    struct map allocations; /* struct former; at least one */
};

struct former_tickets {
    pthread_mutex_t lock;
    struct list sealers; /* the latest first */
    size_t count;
};

static struct sealer *of_link(struct list *link)
{
    return CONTAINER_OF(link, struct sealer, link);
}

static struct former *find_former(const struct sealer *sealer, uint64_t allocation)
{
    struct u64_node *node = u64_map_find(&sealer->allocations, allocation);
    return node == NULL ? NULL : CONTAINER_OF(node, struct former, node);
}

struct former_tickets *former_tickets_new(void)
{
    struct former_tickets *tickets = calloc(1, sizeof(*tickets));
    if (tickets == NULL)
        return NULL;
    pthread_mutex_init(&tickets->lock, NULL);
    list_init(&tickets->sealers);
    return tickets;
}

static void free_sealer(struct former_tickets *tickets, struct sealer *sealer)
{
    map_for_each (at, &sealer->allocations)
        free(CONTAINER_OF(CONTAINER_OF(at, struct u64_node, link), struct former, node));
    map_done(&sealer->allocations);
    list_remove(&sealer->link);
    tickets->count--;
    OPENSSL_cleanse(sealer, sizeof(*sealer));
    free(sealer);
}

void former_tickets_free(struct former_tickets *tickets)
{
    if (tickets == NULL)
        return;
    list_for_each_safe (at, &tickets->sealers)
        free_sealer(tickets, of_link(at));
    pthread_mutex_destroy(&tickets->lock);
    free(tickets);
}

static struct sealer *find_sealer(const struct former_tickets *tickets, const uint8_t *key)
{
    list_for_each (at, &tickets->sealers)
        if (CRYPTO_memcmp(of_link(at)->key, key, TICKET_KEY_SIZE) == 0)
            return of_link(at);
    return NULL;
}

static struct sealer *add_sealer(struct former_tickets *tickets, const uint8_t *key)
{
    struct sealer *sealer =
        tickets->count < FORMER_TICKETS_MAX_KEYS ? calloc(1, sizeof(*sealer)) : NULL;
    if (sealer == NULL)
        return NULL;
    memcpy(sealer->key, key, sizeof(sealer->key));
    map_init(&sealer->allocations);
    list_push_front(&tickets->sealers, &sealer->link);
    tickets->count++;
    return sealer;
}

/* Under the lock. */
static bool add(struct former_tickets *tickets, const struct turn_saved_ticket *ticket, uint64_t id)
{
    struct sealer *sealer = find_sealer(tickets, ticket->key);
    if (sealer == NULL)
        sealer = add_sealer(tickets, ticket->key);
    if (sealer == NULL)
        return false;
    struct former *former = find_former(sealer, ticket->allocation);
    if (former == NULL && (former = calloc(1, sizeof(*former))) != NULL)
        u64_map_put(&sealer->allocations, &former->node, ticket->allocation);
    if (former != NULL)
        former->id = id;
    else if (sealer->allocations.count == 0)
        free_sealer(tickets, sealer);
    return former != NULL;
}

bool former_tickets_add(
    struct former_tickets *tickets, const struct turn_saved_ticket *ticket, uint64_t id)
{
    pthread_mutex_lock(&tickets->lock);
    bool is_added = add(tickets, ticket, id);
    pthread_mutex_unlock(&tickets->lock);
    return is_added;
}

void former_tickets_remove(
    struct former_tickets *tickets, const struct turn_saved_ticket *ticket, uint64_t id)
{
    pthread_mutex_lock(&tickets->lock);
    struct sealer *sealer = find_sealer(tickets, ticket->key);
    struct former *former = sealer == NULL ? NULL : find_former(sealer, ticket->allocation);
    if (former != NULL && former->id == id) {
        u64_map_remove(&sealer->allocations, &former->node);
        free(former);
        if (sealer->allocations.count == 0)
            free_sealer(tickets, sealer);
    }
    pthread_mutex_unlock(&tickets->lock);
}

/* Under the lock. */
static bool open(const struct former_tickets *tickets, struct bytes sealed, struct ticket *out)
{
    list_for_each (at, &tickets->sealers) {
        const struct sealer *sealer = of_link(at);
        if (!ticket_open(sealer->key, sealed, out))
            continue;
        const struct former *former = find_former(sealer, out->allocation);
        if (former != NULL)
            out->allocation = former->id;
        return former != NULL;
    }
    return false;
}

bool former_tickets_open(struct former_tickets *tickets, struct bytes sealed, struct ticket *out)
{
    pthread_mutex_lock(&tickets->lock);
    bool is_open = open(tickets, sealed, out);
    pthread_mutex_unlock(&tickets->lock);
    return is_open;
}
