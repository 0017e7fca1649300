/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole control protocol over a session layer that agrees to everything: any datagram with a
 * cookie gets exactly one reply, which starts with that cookie, can be read and has a result; asked
 * again, the same bytes come and nothing is carried out a second time.
 */
#include "fake_sessions.h"
#include "../require.h"
#include "base/log.h"
#include "mediaferry/bencode.h"
#include "ng/json.h"
#include "ng/server.h"

static struct sessions sessions;

struct capture {
    unsigned replies;
    size_t len;
    uint8_t data[NG_MAX_REPLY];
};

static struct capture captures[2];

static uint64_t no_time_us(void)
{
    return 1000000;
}

static int64_t wall_us(void)
{
    return 1700000000000000;
}

static void capture(const struct ng_source *source, struct bytes message)
{
    struct capture *to = source->owner;
    require(message.len <= sizeof(to->data));
    to->replies++;
    to->len = message.len;
    memcpy(to->data, message.data, message.len);
}

static unsigned executions(void)
{
    return sessions.exchanges + sessions.deletes + sessions.queries;
}

static void check_reply(struct bytes reply, struct bytes cookie)
{
    require(reply.len > cookie.len + 1 && reply.data[cookie.len] == ' ');
    require(bytes_equal(bytes_of(reply.data, cookie.len), cookie));
    struct bytes document = bytes_of(reply.data + cookie.len + 1, reply.len - cookie.len - 1);

    struct ng_arena arena;
    struct ng_value *dict = NULL;
    struct text result;
    ng_arena_init(&arena, 16 << 20);
    if (document.data[0] == '{')
        require(json_parse(text_from_bytes(document), &arena, &dict) == JSON_OK);
    else
        require(bencode_parse(document, &arena, &dict, NULL) == BENCODE_OK);
    require(ng_get_text(dict, "result", &result) && result.len > 0);
    ng_arena_done(&arena);
}

static void hand_over(struct ng_server *server, struct bytes datagram, struct capture *to)
{
    struct ng_source source = {.send = capture, .owner = to};
    to->replies = 0;
    ng_server_receive(server, datagram, &source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    log_set_level(LOG_EMERG);
    sessions = (struct sessions){.call = fake_call(),
        .snapshot = fake_snapshot(3),
        .outcome = {.result = {.sdp = TEXT("v=0\r\n")}},
        .id_count = 2,
        .ids = {TEXT("c1"), TEXT("\xff")}};
    struct ng_server_config config = {
        .sessions = &sessions, .now_us = no_time_us, .wall_us = wall_us};
    struct ng_server *server = ng_server_new(&config);
    require(server != NULL);

    struct text rest = text_of((const char *)data, size);
    struct text cookie = text_cut(&rest, ' ');
    bool has_cookie = cookie.len > 0 && cookie.len < size;

    hand_over(server, bytes_of(data, size), &captures[0]);
    require(captures[0].replies == has_cookie);
    if (has_cookie) {
        struct bytes reply = bytes_of(captures[0].data, captures[0].len);
        unsigned before = executions();
        check_reply(reply, text_bytes(cookie));
        hand_over(server, bytes_of(data, size), &captures[1]);
        require(captures[1].replies == 1 && executions() == before);
        require(bytes_equal(reply, bytes_of(captures[1].data, captures[1].len)));
    }
    ng_server_free(server);
    return 0;
}
