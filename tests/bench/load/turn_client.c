/* SPDX-License-Identifier: Apache-2.0 */
#include "turn_client.h"

static const char *const state_names[] = {
    [TURN_NEW] = "new",
    [TURN_CHALLENGED] = "challenge",
    [TURN_ALLOCATING] = "allocate",
    [TURN_PERMITTING] = "permission",
    [TURN_BINDING] = "channel bind",
    [TURN_READY] = "ready",
    [TURN_REFRESHING] = "refresh",
    [TURN_RELEASING] = "release",
    [TURN_GONE] = "gone",
    [TURN_REFUSED] = "refused",
};

const char *turn_state_name(enum turn_state state)
{
    return state_names[state];
}

static void move(struct turn_client *c, enum turn_state to)
{
    c->state = to;
    c->serial++;
}

void turn_client_start(
    struct turn_client *c, enum turn_goal goal, uint32_t index, uint32_t ip, uint64_t now_ns)
{
    *c = (struct turn_client){
        .goal = goal, .index = index, .ip = ip, .serial = c->serial, .started_ns = now_ns};
    move(c, TURN_CHALLENGED);
}

void turn_client_refresh(struct turn_client *c)
{
    move(c, TURN_REFRESHING);
}

void turn_client_release(struct turn_client *c)
{
    move(c, TURN_RELEASING);
}

/* --- requests ----------------------------------------------------------------------------------
 */

static void write_id(const struct turn_client *c, uint8_t id[STUN_ID_SIZE])
{
    uint32_t words[3] = {c->index, c->serial, c->ip};
    memcpy(id, words, sizeof(words));
}

void turn_client_write(
    struct turn_client *c, const struct turn_names *names, uint64_t now_ns, struct writer *w)
{
    uint8_t memory[STUN_ID_SIZE] = {0};
    struct bytes id = bytes_of(memory, sizeof(memory));
    struct turn_signature by = {.account = names->account,
        .nonce = bytes_of(c->nonce, c->state == TURN_CHALLENGED ? 0 : c->nonce_len)};

    write_id(c, memory);
    c->asked_ns = now_ns;
    switch (c->state) {
    case TURN_CHALLENGED:
    case TURN_ALLOCATING:
        turn_write_allocate(w, id, &by);
        break;
    case TURN_PERMITTING:
        turn_write_permission(w, id, &names->indication_peer, &by);
        break;
    case TURN_BINDING:
        turn_write_channel_bind(w, id, TURN_CHANNEL, &names->channel_peer, &by);
        break;
    case TURN_REFRESHING:
        turn_write_refresh(w, id, TURN_LIFETIME_S, &by);
        break;
    case TURN_RELEASING:
        turn_write_refresh(w, id, 0, &by);
        break;
    case TURN_NEW:
    case TURN_READY:
    case TURN_GONE:
    case TURN_REFUSED:
        break;
    }
}

/* --- answers -----------------------------------------------------------------------------------
 */

uint32_t turn_answer_index(const struct stun_message *m)
{
    uint32_t index;
    memcpy(&index, m->id.data, sizeof(index));
    return index;
}

static bool is_answer(const struct turn_client *c, const struct stun_message *m)
{
    uint8_t id[STUN_ID_SIZE];
    write_id(c, id);
    return turn_client_waits(c) && stun_class_of(m->type) >= STUN_SUCCESS &&
           bytes_equal(m->id, bytes_of(id, sizeof(id)));
}

static bool take_relayed(struct turn_client *c, const struct stun_message *m)
{
    struct bytes value;
    return stun_find(m, STUN_XOR_RELAYED_ADDRESS, &value) &&
           stun_read_xor_address(m, value, &c->relayed);
}

static void refuse(struct turn_client *c, unsigned code)
{
    c->error_code = code;
    c->refused_in = c->state;
    move(c, TURN_REFUSED);
}

static void take_success(struct turn_client *c, const struct stun_message *m)
{
    static const enum turn_state after_allocation[] = {
        [TURN_GOAL_ALLOCATION] = TURN_READY,
        [TURN_GOAL_PERMISSION] = TURN_PERMITTING,
        [TURN_GOAL_CHANNEL] = TURN_BINDING,
    };
    if (c->state == TURN_RELEASING)
        move(c, TURN_GONE);
    else if (c->state == TURN_ALLOCATING && !take_relayed(c, m))
        refuse(c, 0);
    else if (c->state == TURN_ALLOCATING || c->state == TURN_REFRESHING)
        move(c, after_allocation[c->goal]);
    else if (c->state == TURN_CHALLENGED)
        refuse(c, 0); /* a server that asks for no credentials is not what is measured */
    else
        move(c, TURN_READY);
}

static bool take_nonce(struct turn_client *c, const struct stun_message *m)
{
    struct bytes nonce;
    if (!stun_find(m, STUN_NONCE, &nonce) || nonce.len > TURN_NONCE_MAX)
        return false;
    memcpy(c->nonce, nonce.data, nonce.len);
    c->nonce_len = (uint16_t)nonce.len;
    return true;
}

static void take_error(struct turn_client *c, const struct stun_message *m)
{
    struct bytes value;
    struct text reason;
    unsigned code = 0;
    if (!stun_find(m, STUN_ERROR_CODE, &value) || !stun_read_error(value, &code, &reason))
        return;
    bool is_challenge = code == STUN_UNAUTHORIZED && c->state == TURN_CHALLENGED;
    if ((is_challenge || code == STUN_STALE_NONCE) && take_nonce(c, m))
        move(c, is_challenge ? TURN_ALLOCATING : c->state);
    else if (c->state == TURN_RELEASING) /* a retransmission that came after the end */
        move(c, TURN_GONE);
    else
        refuse(c, code);
}

bool turn_client_take(struct turn_client *c, const struct stun_message *m)
{
    if (!is_answer(c, m))
        return false;
    if (stun_class_of(m->type) == STUN_SUCCESS)
        take_success(c, m);
    else
        take_error(c, m);
    return true;
}
