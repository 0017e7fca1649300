/* SPDX-License-Identifier: Apache-2.0 */
#include "session/record.h"

#include <stdio.h>

#include "dtls/certificate.h"
#include "mediaferry/bencode.h"
#include "session/record_media.h"

/* --- writing --- */

static struct ng_value *make_tree(struct ng_arena *arena, const struct record_head *head,
    const struct call *call, const struct relay_resume *media)
{
    struct ng_value *record = ng_dict(arena);
    ng_put_int(arena, record, TEXT("version"), RECORD_VERSION);
    call_record_write(call, arena, record);
    ng_put_int(arena, record, TEXT("saved"), head->saved_us);
    fields_put_number(arena, record, "ends", head->ends_us, 0);
    fields_put_number(arena, record, "worker-port", head->webrtc_port, 0);
    ng_put_string(arena, record, TEXT("certificate"), head->certificate);
    if (media != NULL)
        record_put_media(arena, record, media);
    return ng_arena_ok(arena) ? record : NULL;
}

struct bytes record_write(struct record_buffer *buffer, const struct record_head *head,
    const struct call *call, const struct relay_resume *media)
{
    struct bytes record = bytes_of(NULL, 0);
    struct ng_arena arena;
    ng_arena_init(&arena, RECORD_MAX_MEMORY);
    const struct ng_value *tree = make_tree(&arena, head, call, media);
    if (tree != NULL)
        record = record_buffer_write(buffer, tree, RECORD_MAX_SIZE);
    ng_arena_wipe(&arena);
    return record;
}

/* --- reading --- */

static enum record_status refuse(struct call_record_why *why, const char *what, const char *reason)
{
    snprintf(why->text, sizeof(why->text), "%s%s", what, reason);
    return RECORD_MALFORMED;
}

static void read_head(const struct fields *f, struct record *record)
{
    fields_require(f, "id");
    fields_require(f, "created");
    fields_require(f, "signalled");
    fields_require(f, "saved");
    fields_require(f, "certificate");
    record->created_us = fields_number(f, "created", 0, INT64_MAX, 0);
    record->signalled_us = fields_number(f, "signalled", 0, INT64_MAX, 0);
    record->head = (struct record_head){
        .saved_us = fields_number(f, "saved", 0, INT64_MAX, 0),
        .ends_us = fields_number(f, "ends", 0, INT64_MAX, 0),
        .webrtc_port = (uint16_t)fields_number(f, "worker-port", 0, UINT16_MAX, 0),
        .certificate = fields_text(f, "certificate", DTLS_PEM_SIZE - 1),
    };
    record->has_media = fields_has(f, "media");
}

enum record_status record_open(
    struct record *record, struct bytes bytes, struct call_record_why *why)
{
    struct ng_value *tree;
    *record = (struct record){.tree = NULL};
    ng_arena_init(&record->arena, RECORD_MAX_MEMORY);
    enum bencode_status status =
        bencode_parse_up_to(bytes, RECORD_MAX_SIZE, &record->arena, &tree, NULL);
    if (status != BENCODE_OK)
        return refuse(why, "not bencode: ", bencode_status_text(status));
    if (tree->kind != NG_DICT)
        return refuse(why, "not a dictionary", "");

    record->tree = tree;
    struct fields_reader reader = {.why = why->text};
    const struct fields f = {.reader = &reader, .index = -1, .value = tree};
    record->id = fields_text(&f, "id", BENCODE_MAX_SIZE);
    fields_require(&f, "version");
    int64_t version = fields_number(&f, "version", 1, INT64_MAX, 0);
    if (!reader.failed && version != RECORD_VERSION) {
        snprintf(why->text, sizeof(why->text), "version: %lld, known is %d", (long long)version,
            RECORD_VERSION);
        return RECORD_OTHER_VERSION;
    }
    read_head(&f, record);
    return reader.failed ? RECORD_MALFORMED : RECORD_OK;
}

struct relay_resume *record_media(const struct record *record, struct call_record_why *why)
{
    struct fields_reader reader = {.why = why->text};
    const struct fields f = {.reader = &reader, .index = -1, .value = record->tree};
    return record_read_media(&f);
}

void record_close(struct record *record)
{
    ng_arena_wipe(&record->arena);
    record->tree = NULL;
}
