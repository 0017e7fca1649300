/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/bencode.h"

#include "../require.h"

enum { CAP = 4 << 20 };

static size_t count_strings(const struct ng_value *value)
{
    size_t count = value->kind == NG_STRING;
    for (const struct ng_value *v = value->first; v != NULL; v = v->next)
        count += count_strings(v);
    return count;
}

/* No bare word is lost: without `=` and brackets there are as many strings as words, but for the
 * words of the transport, which make one. */
static void check_words(const struct ng_value *dict, struct text flags)
{
    size_t words = 0;
    for (size_t i = 0; i < flags.len; i++) {
        if (memchr("=[]", flags.data[i], 3) != NULL)
            return;
        bool is_space = memchr(" \t\r\n", flags.data[i], 4) != NULL;
        bool was_space = i == 0 || memchr(" \t\r\n", flags.data[i - 1], 4) != NULL;
        words += !is_space && was_space;
    }
    if (ng_get(dict, "transport-protocol") == NULL)
        require(count_strings(dict) == words);
    else
        require(count_strings(dict) <= words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buffer[1 << 18];
    struct text flags = text_from_bytes(bytes_of(data, size));
    struct ng_arena arena, second;
    struct ng_value *again;

    if (size > 1 << 12)
        return 0;
    ng_arena_init(&arena, CAP);
    struct ng_value *dict = ng_dict(&arena);
    enum ng_flags_status status = ng_parse_flags(flags, &arena, dict);
    require(status == NG_FLAGS_OK || status == NG_FLAGS_UNBALANCED || status == NG_FLAGS_TOO_DEEP);
    if (status == NG_FLAGS_OK)
        check_words(dict, flags);

    /* Even after a failure the dictionary is sound and fits the wire. */
    struct writer w = writer_over(buffer, sizeof(buffer));
    bencode_write(&w, dict);
    require(writer_ok(&w));
    ng_arena_init(&second, CAP);
    require(bencode_parse(writer_bytes(&w), &second, &again, NULL) == BENCODE_OK);
    require(count_strings(again) == count_strings(dict));
    ng_arena_done(&second);
    ng_arena_done(&arena);
    return 0;
}
