/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What another node sends back: with the cookie it was asked with, and from where it was asked, it
 * ends the request once, without it never. What is read of it has neither result nor reason of its
 * own, and told again with them it is read as the same.
 */
#include "../require.h"
#include "mediaferry/bencode.h"
#include "ng/forward.h"
#include "ng/forward_reply.h"
#include "ng/server.h"

enum { ARENA_BYTES = 16 << 20 };

static uint8_t cookie[NG_FORWARD_COOKIE_LEN];
static unsigned ends;
static struct bytes document;

static void keep_cookie(void *owner, const struct address *to, struct bytes datagram)
{
    (void)owner, (void)to;
    require(datagram.len > sizeof(cookie));
    memcpy(cookie, datagram.data, sizeof(cookie));
}

static void no_wake(void *owner, uint64_t due_ms)
{
    (void)owner, (void)due_ms;
}

static bool goes_on(struct ng_forward *self)
{
    (void)self;
    return true;
}

static void ended(struct ng_forward *self, const struct bytes *reply)
{
    (void)self;
    require(reply != NULL && bytes_equal(*reply, document));
    ends++;
}

static void check_receiving(void)
{
    static uint8_t datagram[NG_MAX_REPLY];
    struct ng_elsewhere_counters counters = {0};
    struct ng_forwarder forwarder;
    struct ng_forward forward = {.goes_on = goes_on, .ended = ended};
    struct address to = {.family = ADDRESS_IP4, .port = 1}, other = {.family = ADDRESS_IP4};
    ng_forwarder_init(
        &forwarder, &(struct ng_forwarder_config){
                        .send = keep_cookie, .wake_at = no_wake, .counters = &counters});
    require(ng_forward_start(&forwarder, &forward, &to, bytes_of("de", 2), 1, 0) == 0);

    struct writer w = writer_over(datagram, sizeof(datagram));
    writer_put(&w, bytes_of(cookie, sizeof(cookie)));
    writer_u8(&w, ' ');
    writer_put(&w, document);
    ends = 0;
    ng_forwarder_receive(&forwarder, &to, document);
    ng_forwarder_receive(&forwarder, &other, writer_bytes(&w));
    require(ends == 0);
    ng_forwarder_receive(&forwarder, &to, writer_bytes(&w));
    ng_forwarder_receive(&forwarder, &to, writer_bytes(&w));
    require(ends == writer_ok(&w));
    ng_forward_cancel(&forward);
    require(counter_get(&counters.forwarding) == 0);
    ng_forwarder_done(&forwarder);
}

static const char *result_of(enum ng_reply_kind kind)
{
    return kind == NG_REPLY_OK ? "ok" : kind == NG_REPLY_LOAD_LIMIT ? "load limit" : "error";
}

/* As the client of this node gets it. */
static struct bytes tell_on(struct ng_arena *arena, struct ng_value *out, enum ng_reply_kind kind,
    const char *reason, struct writer *w)
{
    ng_put_string(arena, out, TEXT("result"), text_from(result_of(kind)));
    if (kind == NG_REPLY_ERROR || kind == NG_REPLY_UNKNOWN)
        ng_put_string(arena, out, TEXT("error-reason"), text_from(reason));
    bencode_write(w, out);
    return writer_bytes(w);
}

static void check_reading(void)
{
    static uint8_t told[2][2 * BENCODE_MAX_SIZE];
    const char *reason = NULL;
    struct bytes last = document;
    enum ng_reply_kind kinds[2];
    for (size_t i = 0; i < COUNT_OF(told); i++) {
        struct ng_arena arena;
        ng_arena_init(&arena, ARENA_BYTES);
        struct ng_value *out = ng_dict(&arena);
        kinds[i] = ng_forward_reply_read(last, &arena, out, &reason);
        require(kinds[i] != NG_REPLY_INVALID || out->first == NULL);
        require(ng_get(out, "result") == NULL && ng_get(out, "error-reason") == NULL);
        struct writer w = writer_over(told[i], sizeof(told[i]));
        if (kinds[i] != NG_REPLY_INVALID)
            last = tell_on(&arena, out, kinds[i], reason, &w);
        ng_arena_done(&arena);
        if (kinds[i] == NG_REPLY_INVALID || last.len == 0 || last.len > BENCODE_MAX_SIZE)
            return;
        require(kinds[i] == kinds[0]);
        require(i == 0 || bytes_equal(last, bytes_of(told[0], last.len)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    document = bytes_of(data, size);
    check_receiving();
    check_reading();
    return 0;
}
