/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/bencode.h"

#include "../require.h"
#include "same_tree.h"

enum { CAP = 16 << 20 };

static void check_spans(const struct ng_value *value, struct bytes input)
{
    require(lies_within(text_bytes(value->key), input));
    require(lies_within(text_bytes(value->string), input));
    for (const struct ng_value *v = value->first; v != NULL; v = v->next)
        check_spans(v, input);
}

/* What parses is written no longer than it was, and parses again to the same tree. */
static void check_round_trip(const struct ng_value *tree, size_t size)
{
    static uint8_t buffer[1 << 17];
    struct writer w = writer_over(buffer, size);
    struct ng_arena arena;
    struct ng_value *again;
    size_t len;

    bencode_write(&w, tree);
    require(writer_ok(&w));
    ng_arena_init(&arena, CAP);
    require(bencode_parse(writer_bytes(&w), &arena, &again, NULL) == BENCODE_OK);
    require(same_tree(tree, again));
    ng_arena_done(&arena);

    require(bencode_measure(writer_bytes(&w), &len) == BENCODE_OK && len == w.len);
    require(bencode_measure(bytes_of(buffer, w.len - 1), &len) == BENCODE_TRUNCATED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct ng_arena arena;
    struct ng_value *tree = NULL;
    size_t offset, len = 0;

    if (size > 1 << 17)
        return 0;
    ng_arena_init(&arena, CAP);
    enum bencode_status status = bencode_parse(input, &arena, &tree, &offset);
    enum bencode_status measured = bencode_measure(input, &len);
    require(offset <= size);
    require(arena.used <= CAP);
    if (status == BENCODE_OK || status == BENCODE_TRAILING)
        require(measured == BENCODE_TOO_LONG || (measured == BENCODE_OK && len == offset));
    if (status == BENCODE_TRUNCATED)
        require(measured == BENCODE_TRUNCATED || measured == BENCODE_TOO_LONG);
    if (status == BENCODE_OK) {
        check_spans(tree, input);
        check_round_trip(tree, size);
    }
    ng_arena_done(&arena);
    return 0;
}
