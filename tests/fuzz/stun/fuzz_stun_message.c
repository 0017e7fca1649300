/* SPDX-License-Identifier: Apache-2.0 */
/* Any datagram to the STUN reader and to the Binding service. */
#include "../require.h"
#include "mediaferry/stun.h"
#include "stun/integrity.h"

static void walk(const struct stun_message *m, struct bytes datagram)
{
    struct reader r = reader_over(m->attrs);
    struct stun_attr attr;
    struct address a;
    uint32_t small;
    uint64_t large;
    unsigned code;
    struct text reason;

    while (stun_next_attr(&r, &attr)) {
        require(lies_within(attr.value, datagram));
        struct bytes first;
        if (stun_find(m, attr.type, &first))
            require(lies_within(first, datagram));
        if (stun_read_xor_address(m, attr.value, &a))
            require(address_ip_len(&a) + 4 == attr.value.len);
        require(!(stun_read_u32(attr.value, &small) && stun_read_u64(attr.value, &large)));
        if (stun_read_error(attr.value, &code, &reason))
            require(code >= 300 && code < 700 && lies_within(text_bytes(reason), datagram));
    }
    require(reader_ok(&r));
}

/* Written again attribute by attribute, the message reads the same (only padding may differ). */
static void write_again(const struct stun_message *m)
{
    static uint8_t memory[1 << 17];
    struct writer w = writer_over(memory, sizeof(memory));
    struct reader r = reader_over(m->attrs), again;
    struct stun_attr attr, copy;
    struct stun_message second;

    stun_begin(&w, m->type, m->id);
    while (stun_next_attr(&r, &attr))
        stun_write_attr(&w, attr.type, attr.value);
    require(writer_ok(&w) && w.len == m->whole.len);
    require(stun_parse(writer_bytes(&w), &second) == STUN_OK);
    require(second.type == m->type && bytes_equal(second.id, m->id));

    r = reader_over(m->attrs);
    again = reader_over(second.attrs);
    while (stun_next_attr(&r, &attr)) {
        require(stun_next_attr(&again, &copy));
        require(attr.type == copy.type && bytes_equal(attr.value, copy.value));
    }
}

static void ask_the_service(struct bytes datagram)
{
    uint8_t memory[256];
    struct writer reply = writer_over(memory, sizeof(memory));
    struct address source = {.family = ADDRESS_IP6, .port = 1, .ip = {0x20, 1}};
    struct stun_message m;

    if (stun_answer_binding(datagram, &source, TEXT("fuzz"), &reply) == STUN_ANSWER_NONE) {
        require(reply.len == 0);
        return;
    }
    require(stun_parse(writer_bytes(&reply), &m) == STUN_OK);
    require(bytes_equal(m.id, bytes_of(datagram.data + 8, STUN_ID_SIZE)));
    require(stun_check_fingerprint(&m) != STUN_CHECK_WRONG);
    require(reply.len <= datagram.len + 32); /* address and fingerprint, or one unknown type */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct text key = {.data = "key", .len = 3};
    struct bytes datagram = bytes_of(data, size);
    struct stun_message m;

    ask_the_service(datagram);
    if (stun_parse(datagram, &m) != STUN_OK)
        return 0;
    walk(&m, datagram);
    write_again(&m);
    require(stun_check_integrity(&m, text_bytes(key)) != STUN_CHECK_RIGHT);

    /* No message is also a message when its last byte is missing. */
    require(stun_parse(bytes_of(data, size - 1), &m) == STUN_TRUNCATED);
    return 0;
}
