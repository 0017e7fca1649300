/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any sequence of events to an ICE agent. The input is a script of one-byte operations with their
 * operands; after each the agent must be in one piece.
 */
#include "../require.h"
#include "ice/saved.h"
#include "stun/integrity.h"

enum { ADDRESSES = 24, GENERATIONS = 4, MOVES = 250 };

struct play {
    struct ice_agent agent;
    struct reader script;
    uint64_t now_ms;
    unsigned generation;
    bool proven[2][2][ADDRESSES]; /* component, local index, remote: has it ever known a password */
};

/* ufrag and password of generation `n`, ours or the peer's. */
static struct ice_credentials credentials(unsigned n, char whose, char memory[2][8])
{
    memory[0][0] = whose;
    memory[0][1] = (char)('0' + n % GENERATIONS);
    memset(memory[1], whose, sizeof(memory[1]));
    memory[1][7] = (char)('0' + n % GENERATIONS);
    return (struct ice_credentials){.ufrag = text_of(memory[0], 2), .pwd = text_of(memory[1], 8)};
}

static struct address remote_at(unsigned n)
{
    return (struct address){
        .family = n % 2 == 0 ? ADDRESS_IP4 : ADDRESS_IP6,
        .port = 1000,
        .ip = {198, 51, 100, (uint8_t)(n % ADDRESSES)},
    };
}

static struct ice_local local_of(uint8_t operand)
{
    return (struct ice_local){.component = operand >> 6 & 1 ? 2 : 1, .index = operand >> 7};
}

static struct bytes make_check(struct play *p, uint8_t flags, uint8_t memory[256])
{
    char ours[2][8], theirs[2][8];
    unsigned generation = p->generation + GENERATIONS - (flags >> 6);
    struct ice_credentials local = credentials(generation, 'L', ours);
    struct ice_credentials remote = credentials(generation, 'R', theirs);
    struct writer w = writer_over(memory, 256);
    char username[5] = {
        local.ufrag.data[0], local.ufrag.data[1], ':', remote.ufrag.data[0], remote.ufrag.data[1]};

    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of("0123456789ab", 12));
    stun_write_attr(&w, STUN_USERNAME, bytes_of(username, sizeof(username)));
    stun_write_u32(&w, STUN_PRIORITY, reader_u8(&p->script));
    if ((flags & 1) != 0)
        stun_write_attr(&w, STUN_USE_CANDIDATE, bytes_of(NULL, 0));
    if ((flags & 0x1e) == 0x02)
        stun_write_u64(&w, STUN_ICE_CONTROLLED, 1);
    if ((flags & 0x1e) == 0x04)
        stun_write_attr(&w, 0x7fff, bytes_of(NULL, 0));
    if ((flags & 0x1e) == 0x06)
        stun_write_integrity(&w, text_bytes(TEXT("wrong")));
    else if ((flags & 0x1e) != 0x08)
        stun_write_integrity(&w, text_bytes(local.pwd));
    stun_write_fingerprint(&w);
    require(writer_ok(&w));
    return writer_bytes(&w);
}

static void examine_reply(
    struct play *p, enum ice_verdict verdict, struct bytes request, struct bytes reply)
{
    struct stun_message m;
    if (verdict > ICE_REFUSED_ROLE_CONFLICT) {
        require(reply.len == 0);
        return;
    }
    require(stun_parse(reply, &m) == STUN_OK);
    require(stun_check_fingerprint(&m) == STUN_CHECK_RIGHT);
    require(bytes_equal(m.id, bytes_of(request.data + 8, STUN_ID_SIZE)));
    require((stun_class_of(m.type) == STUN_SUCCESS) == (verdict == ICE_ANSWERED));

    bool stranger = verdict == ICE_REFUSED_BAD_REQUEST || verdict == ICE_REFUSED_UNAUTHORIZED;
    if (stranger)
        require(reply.len <= 48 && !stun_has(&m, STUN_MESSAGE_INTEGRITY));
    else
        require(stun_has(&m, STUN_MESSAGE_INTEGRITY));
    require(p->agent.stats.verdicts[verdict] > 0);
}

static void receive(struct play *p, struct bytes datagram, uint8_t operand)
{
    uint8_t memory[ICE_REPLY_MAX];
    struct writer reply = writer_over(memory, sizeof(memory));
    struct ice_local local = local_of(operand);
    unsigned n = operand % ADDRESSES;
    struct address source = remote_at(n);
    size_t pairs = p->agent.pair_count;

    enum ice_verdict verdict =
        ice_agent_receive(&p->agent, datagram, &source, local, p->now_ms, &reply);
    require(verdict != ICE_IGNORED_NO_ROOM);
    examine_reply(p, verdict, datagram, writer_bytes(&reply));
    if (verdict == ICE_ANSWERED) {
        p->proven[local.component - 1][local.index][n] = true;
        require(ice_agent_is_valid_source(&p->agent, &source, local));
    } else {
        require(p->agent.pair_count == pairs);
    }
}

static void tick(struct play *p)
{
    uint64_t due = ice_agent_due_ms(&p->agent);
    bool changed = ice_agent_tick(&p->agent, p->now_ms);
    if (p->now_ms < due)
        require(!changed);
    require(ice_agent_due_ms(&p->agent) > p->now_ms);
}

static void change_credentials(struct play *p, uint8_t operand)
{
    char ours[2][8], theirs[2][8];
    struct ice_credentials local = credentials(p->generation + 1, 'L', ours);
    struct text remote = credentials(p->generation + 1, 'R', theirs).ufrag;
    if ((operand & 1) != 0)
        remote = text_of(NULL, 0);
    require(ice_agent_restart(&p->agent, &local, remote, (operand & 2) != 0));
    p->generation++;
}

static void signal_remote(struct play *p, uint8_t operand)
{
    char theirs[2][8];
    struct text ufrag = credentials(p->generation + (operand >> 7), 'R', theirs).ufrag;
    require(ice_agent_set_remote(&p->agent, ufrag, (operand & 3) == 3));
}

static void add_candidate(struct play *p, uint8_t operand)
{
    struct ice_local local = local_of(operand);
    unsigned n = operand % ADDRESSES;
    struct address remote = remote_at(n);
    ice_agent_add_candidate(&p->agent, local, &remote, reader_u8(&p->script), p->now_ms);
    if (p->agent.remote_lite)
        p->proven[local.component - 1][local.index][n] = true;
}

static void compare_pair(const struct ice_pair *a, const struct ice_pair *b)
{
    require(address_equal(&a->remote, &b->remote));
    require(a->local.component == b->local.component && a->local.index == b->local.index);
    require(a->priority == b->priority && a->generation == b->generation);
    require(a->checked_ms == b->checked_ms && a->media_ms == b->media_ms);
    require(a->nominated == b->nominated && a->nominating == b->nominating);
    require(!a->nominated || a->nominated_ms == b->nominated_ms);
    require(a->signalled == b->signalled);
    require(text_equal(text_of(a->sender, a->sender_len), text_of(b->sender, b->sender_len)));
}

/* What another agent goes on with is what this one has: from here on it is the one that plays. */
static void move_house(struct play *p)
{
    struct ice_agent *old = &p->agent, anew;
    struct ice_saved saved;
    char ours[2][8];
    const struct ice_name *remote = &old->current.remote_ufrag;
    struct ice_config config = {.local = credentials(p->generation, 'L', ours),
        .remote_ufrag = text_of(remote->data, remote->len),
        .remote_lite = old->remote_lite,
        .software = TEXT("fuzz")};

    ice_agent_save(old, p->now_ms, &saved);
    require(ice_agent_init(&anew, &config));
    require(ice_agent_restore(&anew, &saved, 0, 0, p->now_ms));
    require(anew.pair_count == old->pair_count && anew.generation == old->generation);
    for (size_t i = 0; i < old->pair_count; i++)
        compare_pair(&anew.pairs[i], &old->pairs[i]);
    require(memcmp(anew.selected, old->selected, sizeof(anew.selected)) == 0);
    require((anew.previous_until_ms > 0) == (old->previous_until_ms > 0));
    if (old->previous_until_ms > p->now_ms) {
        require(anew.previous_until_ms == old->previous_until_ms);
        require(anew.previous_generation == old->previous_generation);
        require(memcmp(&anew.previous, &old->previous, sizeof(anew.previous)) == 0);
    }
    anew.stats = old->stats;
    p->agent = anew;
}

static void act(struct play *p)
{
    uint8_t memory[256];
    uint8_t op = reader_u8(&p->script);
    uint8_t operand = reader_u8(&p->script);
    struct address source = remote_at(operand % ADDRESSES);

    if (op >= MOVES) {
        move_house(p);
        return;
    }
    switch (op % 12) {
    case 0:
        receive(p, reader_take(&p->script, op / 12), operand);
        break;
    case 1:
        p->now_ms += (uint64_t)operand * 100;
        tick(p);
        break;
    case 2:
        p->now_ms += operand;
        break;
    case 3:
        change_credentials(p, operand);
        break;
    case 4:
        signal_remote(p, operand);
        break;
    case 5:
        add_candidate(p, operand);
        break;
    case 6:
        (void)ice_agent_saw_media(&p->agent, &source, local_of(operand), p->now_ms);
        break;
    default:
        receive(p, make_check(p, reader_u8(&p->script), memory), operand);
        break;
    }
}

static void examine_pair(const struct play *p, size_t i)
{
    const struct ice_agent *agent = &p->agent;
    const struct ice_pair *pair = &agent->pairs[i];
    require(pair->local.component == 1 || pair->local.component == 2);
    require(p->proven[pair->local.component - 1][pair->local.index][pair->remote.ip[3]]);
    require(pair->generation <= agent->generation);
    require(!pair->nominating || pair->nominated);
    for (size_t k = 0; k < i; k++) {
        const struct ice_pair *earlier = &agent->pairs[k];
        require(!address_equal(&earlier->remote, &pair->remote) ||
                earlier->local.component != pair->local.component ||
                earlier->local.index != pair->local.index);
    }
}

static void examine(const struct play *p)
{
    const struct ice_agent *agent = &p->agent;
    require(agent->pair_count <= ICE_MAX_PAIRS);
    for (size_t i = 0; i < agent->pair_count; i++)
        examine_pair(p, i);
    for (unsigned c = 1; c <= ICE_COMPONENTS; c++) {
        const struct ice_pair *s = ice_agent_selected(agent, c);
        require(s == NULL || (s >= agent->pairs && s < agent->pairs + agent->pair_count));
        require(s == NULL || s->local.component == c);
        require(s == NULL || ice_agent_is_valid_source(agent, &s->remote, s->local));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char ours[2][8];
    struct play p = {.script = reader_over(bytes_of(data, size)), .now_ms = 1};
    struct ice_config config = {.local = credentials(0, 'L', ours), .software = TEXT("fuzz")};

    require(ice_agent_init(&p.agent, &config));
    while (reader_left(&p.script) > 0) {
        act(&p);
        examine(&p);
    }

    /* Without checks every pair ends, save those of a lite peer. */
    p.now_ms += 2 * ICE_CONSENT_MS;
    tick(&p);
    for (size_t i = 0; i < p.agent.pair_count; i++)
        require(p.agent.pairs[i].signalled);
    return 0;
}
