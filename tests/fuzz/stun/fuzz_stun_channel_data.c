/* SPDX-License-Identifier: Apache-2.0 */
/* A stream gives the same frames however it is cut: the first byte chooses how. */
#include "../require.h"
#include "mediaferry/channel_data.h"
#include "mediaferry/stun.h"

enum { MOST = 4096 };

struct frames {
    size_t count;
    struct turn_frame at[MOST];
    bool garbage;
};

static void check_frame(struct turn_frame f, struct bytes stream)
{
    struct channel_data c;
    struct stun_message m;
    require(f.size <= stream.len && f.len <= f.size && f.size <= TURN_FRAME_MAX + 4);
    struct bytes message = bytes_of(stream.data, f.len);
    if (f.kind == TURN_FRAME_CHANNEL_DATA) {
        require(f.size % 4 == 0 && channel_data_parse(message, &c));
        require(lies_within(c.data, message) && c.data.len == f.len - CHANNEL_HEADER_SIZE);
        return;
    }
    enum stun_status status = stun_parse(message, &m);
    require(status == STUN_OK || status == STUN_BAD_ATTRIBUTE);
}

/* Reads what is there from `*taken` on. */
static void read_frames(struct bytes stream, size_t *taken, struct frames *out)
{
    while (!out->garbage && out->count < MOST) {
        struct bytes rest = bytes_of(stream.data + *taken, stream.len - *taken);
        struct turn_frame f = turn_frame_at(rest);
        if (f.kind == TURN_FRAME_NEED_MORE) {
            require(f.size > rest.len && f.size <= TURN_FRAME_MAX + 4);
            return;
        }
        out->garbage = f.kind == TURN_FRAME_GARBAGE;
        if (out->garbage)
            return;
        check_frame(f, rest);
        *taken += f.size;
        out->at[out->count++] = f;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct frames whole, pieces;
    if (size == 0)
        return 0;
    struct bytes stream = bytes_of(data + 1, size - 1);
    unsigned step = data[0];
    size_t taken_whole = 0, taken = 0;

    whole.count = pieces.count = 0;
    whole.garbage = pieces.garbage = false;
    read_frames(stream, &taken_whole, &whole);
    for (size_t have = 0; have < stream.len;) {
        step = step * 1103515245u + 12345u;
        have += 1 + (step >> 16) % (1 + data[0] / 8u);
        have = have < stream.len ? have : stream.len;
        read_frames(bytes_of(stream.data, have), &taken, &pieces);
    }
    require(whole.count == pieces.count && whole.garbage == pieces.garbage);
    require(taken == taken_whole);
    for (size_t i = 0; i < whole.count; i++)
        require(whole.at[i].kind == pieces.at[i].kind && whole.at[i].size == pieces.at[i].size);
    return 0;
}
