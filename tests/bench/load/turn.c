/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "load.h"
#include "net/sockaddr.h"
#include "script.h"
#include "stamp.h"
#include "turn_modes.h"
#include "turn_run.h"
#include "udp.h"

enum { WINDOW = 100, NETWORKS = 16000, HOSTS = 250, PATIENCE_S = 10 };

struct turn_mode {
    struct turn_load load;
    struct turn_clients clients; /* those that `clients` and `hold` made */
};

/* --- sets of clients ---------------------------------------------------------------------------
 */

static bool find_goal(struct text word, enum turn_goal *out)
{
    static const char *const names[] = {
        [TURN_GOAL_ALLOCATION] = "allocation",
        [TURN_GOAL_PERMISSION] = "permission",
        [TURN_GOAL_CHANNEL] = "channel",
    };
    for (unsigned i = 0; i < COUNT_OF(names); i++)
        if (text_is(word, names[i])) {
            *out = (enum turn_goal)i;
            return true;
        }
    return false;
}

/* The last word of a command. */
static enum turn_goal read_goal(struct text *words, enum turn_goal usual)
{
    struct text word = text_word(words, ' ');
    enum turn_goal goal = usual;
    if (word.len > 0 && !find_goal(word, &goal))
        script_fail("%.*s: neither allocation, permission nor channel", TEXT_ARG(word));
    return goal;
}

/* Asks each client from number `from` on, at most WINDOW at once, until all are answered. */
static void ask_all(struct turn_clients *all, size_t from,
    void (*ask)(struct turn_clients *all, size_t index, enum turn_goal goal), enum turn_goal goal)
{
    for (size_t next = from; next < all->count || all->waiting > 0; turn_clients_turn(all))
        for (; next < all->count && all->waiting < WINDOW; next++)
            ask(all, next, goal);
}

static void release_one(struct turn_clients *all, size_t index, enum turn_goal goal)
{
    (void)goal;
    turn_clients_release(all, index);
}

static void refresh_one(struct turn_clients *all, size_t index, enum turn_goal goal)
{
    (void)goal;
    turn_clients_refresh(all, index);
}

static void add_clients(struct turn_mode *m, struct text words, enum turn_goal usual)
{
    struct turn_clients *all = &m->clients;
    size_t first = all->count;
    size_t count = script_number(&words, "clients", 1, 1000000);
    enum turn_goal goal = read_goal(&words, usual);
    uint64_t began_ns = udp_now_ns(), requests = all->requests, repeated = all->repeated;
    if (!turn_clients_add(all, count))
        script_fail("out of memory");
    all->ready_ns = (struct histogram){.count = 0};
    ask_all(all, first, turn_clients_start, goal);
    script_reply("{\"clients\": %zu, \"added\": %zu, \"seconds\": %.3f, \"requests\": %llu, "
                 "\"repeated\": %llu, \"us\": {\"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}}",
        all->count, count, (double)(udp_now_ns() - began_ns) / 1e9,
        (unsigned long long)(all->requests - requests),
        (unsigned long long)(all->repeated - repeated),
        (double)histogram_at(&all->ready_ns, 500) / 1e3,
        (double)histogram_at(&all->ready_ns, 990) / 1e3,
        (double)histogram_at(&all->ready_ns, 1000) / 1e3);
}

static void act_clients(void *owner, struct text words)
{
    add_clients(owner, words, TURN_GOAL_CHANNEL);
}

static void act_hold(void *owner, struct text words)
{
    add_clients(owner, words, TURN_GOAL_ALLOCATION);
}

static void act_refresh(void *owner, struct text words)
{
    struct turn_mode *m = owner;
    (void)words;
    ask_all(&m->clients, 0, refresh_one, TURN_GOAL_ALLOCATION);
    script_reply("{\"refreshed\": %zu}", m->clients.count);
}

static void act_release(void *owner, struct text words)
{
    struct turn_mode *m = owner;
    size_t count = m->clients.count;
    (void)words;
    ask_all(&m->clients, 0, release_one, TURN_GOAL_ALLOCATION);
    turn_clients_done(&m->clients);
    script_reply("{\"released\": %zu}", count);
}

/* --- the other commands ------------------------------------------------------------------------
 */

/* The server may have been started just now: an allocation that is made and released. */
static void act_ready(void *owner, struct text words)
{
    struct turn_mode *m = owner;
    struct turn_clients one = {.load = &m->load};
    uint64_t end_ns = udp_now_ns() + PATIENCE_S * UINT64_C(1000000000);
    (void)words;
    if (!turn_clients_add(&one, 1))
        script_fail("out of memory");
    turn_clients_start(&one, 0, TURN_GOAL_ALLOCATION);
    while (one.waiting > 0) {
        turn_clients_turn(&one);
        if (udp_now_ns() > end_ns)
            script_fail("the server does not answer");
    }
    ask_all(&one, 0, release_one, TURN_GOAL_ALLOCATION);
    turn_clients_done(&one);
    script_reply("{\"ready\": true}");
}

static void read_method(struct text word, struct turn_run_config *config)
{
    if (text_is(word, "indication"))
        config->method = TURN_BY_INDICATION;
    else if (!text_is(word, "channel"))
        script_fail("run: %.*s is neither channel nor indication", TEXT_ARG(word));
}

static void read_ways(struct text word, struct turn_run_config *config)
{
    bool is_both = text_is(word, "both");
    config->has_way[TURN_TO_PEER] = is_both || text_is(word, "to-peer");
    config->has_way[TURN_TO_CLIENT] = is_both || text_is(word, "to-client");
    if (!config->has_way[TURN_TO_PEER] && !config->has_way[TURN_TO_CLIENT])
        script_fail("run: %.*s is neither to-peer, to-client nor both", TEXT_ARG(word));
}

static void expect_goals(const struct turn_clients *all, enum turn_method method)
{
    enum turn_goal least = method == TURN_BY_CHANNEL ? TURN_GOAL_CHANNEL : TURN_GOAL_PERMISSION;
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].goal < least)
            script_fail(
                "run: a client has no %s", method == TURN_BY_CHANNEL ? "channel" : "permission");
}

static void act_run(void *owner, struct text words)
{
    struct turn_mode *m = owner;
    struct turn_run_config config = {.method = TURN_BY_CHANNEL};
    config.per_s = script_number(&words, "packets a second", 0, 10000000);
    config.seconds = (unsigned)script_number(&words, "seconds", 1, 3600);
    config.packet_len = script_number(&words, "bytes", STAMP_PACKET_MIN, TURN_PACKET_MAX);
    read_method(text_word(&words, ' '), &config);
    read_ways(text_word(&words, ' '), &config);
    expect_goals(&m->clients, config.method);
    turn_run(&m->clients, &config);
}

static void act_churn(void *owner, struct text words)
{
    struct turn_mode *m = owner;
    unsigned window = (unsigned)script_number(&words, "window", 1, 100000);
    unsigned seconds = (unsigned)script_number(&words, "seconds", 1, 3600);
    turn_churn(&m->load, read_goal(&words, TURN_GOAL_ALLOCATION), window, seconds);
}

static void act_spoof(void *owner, struct text words)
{
    struct turn_mode *m = owner;
    unsigned count = (unsigned)script_number(&words, "addresses", 1, NETWORKS * HOSTS);
    unsigned per_s = (unsigned)script_number(&words, "requests a second", 1, 10000000);
    turn_spoof(&m->load, count, per_s, script_number(&words, "signed", 0, 1) == 1);
}

static void act_flood(void *owner, struct text words)
{
    struct turn_mode *m = owner;
    unsigned sources = (unsigned)script_number(&words, "sources", 1, NETWORKS * HOSTS);
    turn_flood(&m->load, sources, (unsigned)script_number(&words, "seconds", 1, 3600));
}

static const struct command commands[] = {
    {"ready?", act_ready},
    {"clients", act_clients},
    {"hold", act_hold},
    {"refresh", act_refresh},
    {"release", act_release},
    {"run", act_run},
    {"churn", act_churn},
    {"spoof", act_spoof},
    {"flood", act_flood},
    {NULL, NULL},
};

/* --- the arguments -----------------------------------------------------------------------------
 */

struct arguments {
    struct address server, peer, base;
    struct text user, password, realm;
    uint64_t first;
};

static struct address read_ip(struct text word)
{
    struct address a;
    if (!address_parse(word, &a) || a.family != ADDRESS_IP4)
        script_fail("%.*s: not an IPv4 address", TEXT_ARG(word));
    return a;
}

static void read_option(struct text word, struct arguments *out)
{
    struct text value = word, name = text_cut(&value, '=');
    if (text_is(name, "--user"))
        out->user = value;
    else if (text_is(name, "--password"))
        out->password = value;
    else if (text_is(name, "--realm"))
        out->realm = value;
    else if (text_is(name, "--base"))
        out->base = read_ip(value);
    else
        script_fail("no such option: %.*s", TEXT_ARG(word));
}

static struct arguments read_arguments(int count, char **words)
{
    struct arguments all = {
        .base = address_from_ip(ADDRESS_IP4, (const uint8_t[]){10, 64, 0, 0}, 0),
        .user = TEXT("bench"),
        .password = TEXT("bench"),
        .realm = TEXT("bench")};
    if (count < 4)
        script_fail("turn needs the server's IP and port, the peer's IP and a first client");
    all.server = read_ip(text_from(words[0]));
    struct text port = text_from(words[1]), first = text_from(words[3]);
    all.server.port = (uint16_t)script_number(&port, "port", 1, UINT16_MAX);
    all.peer = read_ip(text_from(words[2]));
    all.first = script_number(&first, "first client", 0, UINT32_MAX);
    for (int i = 4; i < count; i++)
        read_option(text_from(words[i]), &all);
    return all;
}

/* Opens a socket on a port that is free, which `local` then tells. */
static struct turn_socket *open_socket(struct address *local)
{
    struct turn_socket *s = turn_socket_open(local);
    if (s == NULL)
        script_fail("cannot open a socket: %s", strerror(errno));
    if (address_of_socket(s->fd, local) != 0)
        script_fail("a socket without address");
    return s;
}

static void set_up(struct turn_load *load, const struct arguments *from)
{
    struct sockaddr_storage server;
    struct address any = {.family = ADDRESS_IP4};
    uint32_t base;
    if (!turn_account_init(&load->account, from->user, from->realm, from->password))
        script_fail("the account cannot be used");
    sockaddr_from_address(&from->server, &server);
    memcpy(&load->server, &server, sizeof(load->server));
    memcpy(&base, from->base.ip, sizeof(base));
    load->base_ip = ntohl(base);
    load->networks = NETWORKS;
    load->hosts = HOSTS;
    load->next = (uint32_t)from->first;
    load->socket = open_socket(&any);
    load->names = (struct turn_names){
        .account = &load->account, .channel_peer = from->peer, .indication_peer = from->peer};
    load->channel_peer = open_socket(&load->names.channel_peer);
    load->indication_peer = open_socket(&load->names.indication_peer);
}

int turn_main(int count, char **words)
{
    static struct turn_mode m;
    struct arguments arguments = read_arguments(count, words);
    m.clients.load = &m.load;
    set_up(&m.load, &arguments);
    script_read(stdin, commands, &m);
    turn_clients_done(&m.clients);
    turn_socket_close(m.load.socket);
    turn_socket_close(m.load.channel_peer);
    turn_socket_close(m.load.indication_peer);
    return 0;
}
