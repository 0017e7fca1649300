/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that is written and read between all its commands goes on as if nothing had happened: all
 * dialogs there are, and the same without one name of the record at a time, which some dialog must
 * notice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "mediaferry/bencode.h"
#include "transcript.h"

enum { MAX_DIALOGS = 300, MAX_NAMES = 200, ROUNDS = 2 };

/* Kept: what the dialog gives without records. */
struct dialog {
    char *path;
    struct text text;
    char *expected;
};

static struct dialog dialogs[MAX_DIALOGS];
static size_t dialog_count;

/* --- dialogs --- */

static char *play(const struct dialog *d, struct world *w, unsigned rounds)
{
    char *out = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&out, &len);
    assert_non_null(file);
    transcript_run(w, d->text, rounds, file);
    fclose(file);
    return out;
}

static bool has_interfaces(struct text dialog)
{
    while (dialog.len > 0)
        if (text_starts_with(text_cut(&dialog, '\n'), "interface "))
            return true;
    return false;
}

/* Those of the fuzz target bring no addresses along. */
static void make_world(const struct dialog *d, struct world *w)
{
    world_init(w);
    if (has_interfaces(d->text))
        return;
    assert_true(world_add_address(w, "external", "203.0.113.10"));
    assert_true(world_add_address(w, "external", "2001:db8::10"));
    assert_true(world_add_address(w, "internal", "10.20.0.10"));
}

static struct text read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *data = NULL;
    size_t len = 0, room = 0;
    for (;;) {
        room += 1 << 16;
        data = realloc(data, room);
        assert_non_null(data);
        size_t got = fread(data + len, 1, room - len, file);
        len += got;
        if (len < room)
            break;
    }
    fclose(file);
    return text_of(data, len);
}

static void load_dialogs(const char *folder)
{
    struct dirent **entries = NULL;
    int found = scandir(folder, &entries, NULL, alphasort);
    assert_true(found > 0);
    for (int i = 0; i < found; i++) {
        struct dialog *d = &dialogs[dialog_count];
        bool skipped = entries[i]->d_name[0] == '.' || strstr(entries[i]->d_name, ".md") != NULL;
        if (!skipped && dialog_count < MAX_DIALOGS &&
            asprintf(&d->path, "%s/%s", folder, entries[i]->d_name) > 0) {
            d->text = read_file(d->path);
            dialog_count++;
        }
        free(entries[i]);
    }
    free(entries);
}

static void show_difference(const char *path, struct text expected, struct text got)
{
    for (unsigned line = 1; expected.len > 0 || got.len > 0; line++) {
        struct text a = text_cut(&expected, '\n'), b = text_cut(&got, '\n');
        if (text_equal(a, b))
            continue;
        print_error("%s: line %u of the transcript is\n%.*s\nbut with records\n%.*s\n", path, line,
            TEXT_ARG(a), TEXT_ARG(b));
        return;
    }
}

/* --- names --- */

/* A name, or a word of "flags", in a kind of dictionary. */
struct name {
    char kind[24], name[32], word[24];
};

static struct name names[MAX_NAMES];
static size_t name_count;

static void note_name(const char *kind, struct text name, struct text word)
{
    struct name n = {0};
    snprintf(n.kind, sizeof(n.kind), "%s", kind);
    snprintf(n.name, sizeof(n.name), "%.*s", TEXT_ARG(name));
    snprintf(n.word, sizeof(n.word), "%.*s", TEXT_ARG(word));
    for (size_t i = 0; i < name_count; i++)
        if (memcmp(&names[i], &n, sizeof(n)) == 0)
            return;
    assert_true(name_count < MAX_NAMES);
    names[name_count++] = n;
}

/* The kind of a dictionary under `key`: a section's sides are alike. */
static const char *kind_of(struct text key, const char *outer)
{
    static char room[24];
    if (key.len == 0)
        return outer;
    if (text_is(key, "current") || text_is(key, "pending"))
        return "side";
    snprintf(room, sizeof(room), "%.*s", TEXT_ARG(key));
    return room;
}

typedef void visit_fn(const char *kind, struct ng_value *dict);

static void walk(struct ng_value *value, const char *kind, visit_fn *visit)
{
    char own[24];
    snprintf(own, sizeof(own), "%s", kind);
    if (value->kind == NG_DICT)
        visit(own, value);
    for (struct ng_value *at = value->first; at != NULL; at = at->next)
        walk(at, kind_of(at->key, own), visit);
}

static void collect(const char *kind, struct ng_value *dict)
{
    for (const struct ng_value *at = dict->first; at != NULL; at = at->next) {
        struct ng_items it = ng_items_of(text_is(at->key, "flags") ? at : NULL);
        struct text word;
        if (!text_is(at->key, "flags"))
            note_name(kind, at->key, text_of(NULL, 0));
        while (ng_next_item(&it, &word))
            note_name(kind, at->key, word);
    }
}

static void collect_all(void *owner, struct ng_value *record)
{
    (void)owner;
    walk(record, "record", collect);
}

static const struct name *dropped;

static void drop(const char *kind, struct ng_value *dict)
{
    if (strcmp(kind, dropped->kind) != 0)
        return;
    for (struct ng_value *at = dict->first; at != NULL; at = at->next) {
        if (!text_is(at->key, dropped->name))
            continue;
        if (dropped->word[0] == '\0') {
            at->key = TEXT("a name that nobody knows");
            continue;
        }
        /* The word is misspelt. */
        size_t len = strlen(dropped->word);
        for (char *p = (char *)at->string.data; p + len <= at->string.data + at->string.len; p++) {
            bool starts = p == at->string.data || p[-1] == ',';
            bool ends = p + len == at->string.data + at->string.len || p[len] == ',';
            if (starts && ends && memcmp(p, dropped->word, len) == 0)
                *p = '?';
        }
    }
}

static void drop_everywhere(void *owner, struct ng_value *record)
{
    (void)owner;
    walk(record, "record", drop);
}

/* --- tests --- */

static void goes_on_as_before(void **state)
{
    (void)state;
    static struct world w;
    size_t wrong = 0;
    for (size_t i = 0; i < dialog_count; i++) {
        struct dialog *d = &dialogs[i];
        make_world(d, &w);
        d->expected = play(d, &w, ROUNDS);
        world_done(&w);

        make_world(d, &w);
        w.rest = world_through_record;
        w.damage = collect_all;
        char *got = play(d, &w, ROUNDS);
        if (w.broken != NULL || w.refusals > 0)
            print_error("%s: %s %s\n", d->path, w.broken, w.refused.text);
        bool same = strcmp(got, d->expected) == 0;
        if (!same)
            show_difference(d->path, text_from(d->expected), text_from(got));
        wrong += !same || w.broken != NULL || w.refusals > 0;
        world_done(&w);
        free(got);
    }
    assert_int_equal(wrong, 0);
    assert_true(name_count > 60);
}

static bool is_missed(const struct name *name)
{
    static struct world w;
    dropped = name;
    for (size_t i = 0; i < dialog_count; i++) {
        const struct dialog *d = &dialogs[i];
        make_world(d, &w);
        w.rest = world_through_record;
        w.damage = drop_everywhere;
        char *got = play(d, &w, ROUNDS);
        bool noticed = w.refusals > 0 || strcmp(got, d->expected) != 0;
        if (noticed && getenv("SHOW_NAMES") != NULL)
            print_message("%s.%s %s: %s\n", name->kind, name->name, name->word,
                w.refusals > 0 ? "refused" : strrchr(d->path, '/'));
        world_done(&w);
        free(got);
        if (noticed)
            return true;
    }
    return false;
}

static void every_name_is_needed(void **state)
{
    (void)state;
    size_t unneeded = 0;
    for (size_t i = 0; i < name_count; i++)
        if (!is_missed(&names[i])) {
            print_error(
                "nobody misses \"%s\" %s in \"%s\"\n", names[i].name, names[i].word, names[i].kind);
            unneeded++;
        }
    assert_int_equal(unneeded, 0);
}

static void every_name_is_documented(void **state)
{
    struct text page = read_file(*state);
    char quoted[40];
    size_t missing = 0;
    for (size_t i = 0; i < name_count; i++) {
        const char *name = names[i].word[0] != '\0' ? names[i].word : names[i].name;
        snprintf(quoted, sizeof(quoted), "`%s`", name);
        if (memmem(page.data, page.len, quoted, strlen(quoted)) != NULL)
            continue;
        print_error("%s: there is no %s\n", (const char *)*state, quoted);
        missing++;
    }
    free((void *)page.data);
    assert_int_equal(missing, 0);
}

/* --- records of old --- */

static char *tell(const struct call *call)
{
    char *out = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&out, &len);
    assert_non_null(file);
    transcript_print_call(file, call);
    fclose(file);
    return out;
}

static struct call *read_record(struct text bytes, struct call_record_why *why)
{
    struct ng_arena arena;
    struct ng_value *record;
    ng_arena_init(&arena, 1 << 24);
    assert_int_equal(
        bencode_parse_up_to(text_bytes(bytes), bytes.len, &arena, &record, NULL), BENCODE_OK);
    struct call *call = call_record_read(record, why);
    ng_arena_done(&arena);
    return call;
}

static void tells_the_same(const char *folder, const char *name)
{
    char path[4096];
    struct call_record_why why;
    snprintf(path, sizeof(path), "%s/%s.bencode", folder, name);
    struct text bytes = read_file(path);
    snprintf(path, sizeof(path), "%s/%s.txt", folder, name);
    struct text expected = read_file(path);

    struct call *call = read_record(bytes, &why);
    if (call == NULL)
        fail_msg("%s: %s", path, why.text);
    char *got = tell(call);
    if (!text_is(expected, got)) {
        show_difference(path, expected, text_from(got));
        fail();
    }
    free(got);
    call_free(call);
    free((void *)bytes.data);
    free((void *)expected.data);
}

/* Those of a release stay as they are, and a later one reads them. */
static void old_records_are_read(void **state)
{
    DIR *folder = opendir(*state);
    unsigned count = 0;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[256];
        size_t len = strlen(entry->d_name);
        if (len < 13 || strncmp(entry->d_name, "call-", 5) != 0 ||
            strcmp(entry->d_name + len - 8, ".bencode") != 0)
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)len - 8, entry->d_name);
        tells_the_same(*state, name);
        count++;
    }
    closedir(folder);
    assert_true(count >= 5);
}

static FILE *create(const char *folder, const char *name, int name_len, const char *ending)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/call-%.*s.%s", folder, name_len, name, ending);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    return file;
}

/* How such a record comes to be: a dialog is played, and its end is kept. */
static void keep(const char *folder, char *path)
{
    static struct world w;
    struct call_record_why why;
    const char *name = strrchr(path, '/') + 1;
    int name_len = (int)strcspn(name, ".");
    struct dialog d = {.path = path, .text = read_file(path)};
    size_t len;
    make_world(&d, &w);
    free(play(&d, &w, 1));
    assert_non_null(w.call);
    uint8_t *bytes = world_write_record(w.call, &len);
    assert_non_null(bytes);
    FILE *file = create(folder, name, name_len, "bencode");
    fwrite(bytes, 1, len, file);
    fclose(file);

    struct call *call = read_record(text_from_bytes(bytes_of(bytes, len)), &why);
    assert_non_null(call);
    char *told = tell(call);
    file = create(folder, name, name_len, "txt");
    fputs(told, file);
    fclose(file);
    printf("%s: %zu bytes\n", name, len);
    free(told);
    call_free(call);
    free(bytes);
    free((void *)d.text.data);
    world_done(&w);
}

/* test_record PAGE OLD-RECORDS DIALOGS..., or test_record --write FOLDER DIALOG... */
int main(int argc, char **argv)
{
    for (int i = 3; i < argc && strcmp(argv[1], "--write") == 0; i++)
        keep(argv[2], argv[i]);
    if (argc < 4 || strcmp(argv[1], "--write") == 0)
        return argc < 4;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_as_before),
        cmocka_unit_test(every_name_is_needed),
        cmocka_unit_test_prestate(every_name_is_documented, argv[1]),
        cmocka_unit_test_prestate(old_records_are_read, argv[2]),
    };
    for (int i = 3; i < argc; i++)
        load_dialogs(argv[i]);
    int failed = cmocka_run_group_tests_name("record", tests, NULL, NULL);
    for (size_t i = 0; i < dialog_count; i++) {
        free(dialogs[i].path);
        free((void *)dialogs[i].text.data);
        free(dialogs[i].expected);
    }
    return failed;
}
