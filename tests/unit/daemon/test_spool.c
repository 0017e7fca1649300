/* SPDX-License-Identifier: Apache-2.0 */
/* The file of records: written and read whole, cut off anywhere, damaged, and not for others. */
#include "daemon/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct fixture {
    char folder[32];
    char path[64], temporary[64], other[64];
    struct str why;
};

static int open_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    snprintf(f->folder, sizeof(f->folder), "/tmp/test-spool-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof(f->path), "%s/calls", f->folder);
    snprintf(f->temporary, sizeof(f->temporary), "%s/calls.new", f->folder);
    snprintf(f->other, sizeof(f->other), "%s/other", f->folder);
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    unlink(f->temporary);
    unlink(f->other);
    assert_int_equal(rmdir(f->folder), 0); /* nothing else was left behind */
    str_done(&f->why);
    free(f);
    return 0;
}

static void add(struct spool_writer *w, const char *record)
{
    assert_int_equal(spool_add(w, text_bytes(text_from(record))), 0);
}

static void write_three(const struct fixture *f)
{
    struct spool_writer w;
    assert_int_equal(spool_begin(&w, f->path), 0);
    add(&w, "the first");
    add(&w, "2");
    add(&w, "and the last one");
    assert_int_equal(spool_end(&w), 0);
}

/* What there is: a letter for each item, r(ecord), d(amaged), c(ut), e(nd). */
static const char *items_of(struct bytes content)
{
    static const char letters[] = {
        [SPOOL_RECORD] = 'r', [SPOOL_DAMAGED] = 'd', [SPOOL_CUT] = 'c', [SPOOL_END] = 'e'};
    static char items[16];
    struct reader r = reader_over(content);
    struct bytes record;
    size_t count = 0;
    if (!spool_read_head(&r))
        return "none";
    do {
        items[count++] = letters[spool_next(&r, &record)];
        items[count] = '\0';
    } while (strchr("ce", items[count - 1]) == NULL);
    return items;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void what_was_written_is_read_once(void **state)
{
    static const char *const expected[] = {"the first", "2", "and the last one"};
    struct fixture *f = *state;
    struct spool spool;
    struct stat file;
    struct bytes record;
    write_three(f);
    assert_false(exists(f->temporary));
    assert_int_equal(stat(f->path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);

    assert_int_equal(spool_open(&spool, f->path, &f->why), 0);
    assert_false(exists(f->path));
    struct reader r = reader_over(spool.content);
    assert_true(spool_read_head(&r));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(spool_next(&r, &record), SPOOL_RECORD);
        assert_true(text_is(text_from_bytes(record), expected[i]));
    }
    assert_int_equal(spool_next(&r, &record), SPOOL_END);
    assert_int_equal(spool_next(&r, &record), SPOOL_END);
    spool_close(&spool);
    assert_int_equal(spool_open(&spool, f->path, &f->why), -ENOENT);
}

static void nothing_has_the_name_before_all_is_written(void **state)
{
    struct fixture *f = *state;
    struct spool_writer w;
    assert_int_equal(spool_begin(&w, f->path), 0);
    add(&w, "one");
    assert_false(exists(f->path));
    spool_abandon(&w);
    assert_false(exists(f->temporary));
    assert_int_equal(spool_begin(&w, f->path), 0); /* and again, none of them */
    assert_int_equal(spool_end(&w), 0);
    struct spool spool;
    assert_int_equal(spool_open(&spool, f->path, &f->why), 0);
    assert_string_equal(items_of(spool.content), "e");
    spool_close(&spool);
}

static void put_file(const char *path, struct bytes content, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, content.data, content.len), (ssize_t)content.len);
    close(fd);
}

static void what_somebody_left_unfinished_is_no_obstacle(void **state)
{
    struct fixture *f = *state;
    put_file(f->temporary, text_bytes(TEXT("from long ago")), 0444);
    write_three(f);
    struct spool spool;
    assert_int_equal(spool_open(&spool, f->path, &f->why), 0);
    assert_string_equal(items_of(spool.content), "rrre");
    spool_close(&spool);
}

static void a_record_has_a_size(void **state)
{
    struct fixture *f = *state;
    struct spool_writer w;
    assert_int_equal(spool_begin(&w, f->path), 0);
    assert_int_equal(spool_add(&w, bytes_of("", 0)), -EMSGSIZE);
    assert_int_equal(spool_add(&w, bytes_of("", (size_t)SPOOL_MAX_RECORD + 1)), -EMSGSIZE);
    spool_abandon(&w);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
    struct fixture *f = *state;
    struct spool_writer w;
    char nowhere[96];
    snprintf(nowhere, sizeof(nowhere), "%s/nowhere/calls", f->folder);
    assert_int_equal(spool_begin(&w, nowhere), -ENOENT);
    spool_abandon(&w); /* harmless */
}

/* As a full disk would: the record in the middle finds no room, the small one after it does. */
static void what_finds_no_room_is_left_out(void **state)
{
    struct fixture *f = *state;
    struct rlimit before, limit;
    struct spool_writer w;
    static uint8_t large[4096];
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){.rlim_cur = 2048, .rlim_max = before.rlim_max};
    assert_int_equal(spool_begin(&w, f->path), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    add(&w, "one");
    assert_true(spool_add(&w, bytes_of(large, sizeof(large))) < 0);
    add(&w, "two");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(spool_end(&w), 0);
    struct spool spool;
    assert_int_equal(spool_open(&spool, f->path, &f->why), 0);
    assert_string_equal(items_of(spool.content), "rre");
    spool_close(&spool);
}

static void expect_refused(struct fixture *f, int error, const char *word)
{
    struct spool spool;
    assert_int_equal(spool_open(&spool, f->path, &f->why), error);
    assert_non_null(strstr(str_string(&f->why), word));
    assert_non_null(strstr(str_string(&f->why), f->path));
    str_reset(&f->why);
}

static void a_file_of_others_is_refused(void **state)
{
    struct fixture *f = *state;
    write_three(f);
    assert_int_equal(chmod(f->path, 0640), 0);
    expect_refused(f, -EPERM, "open to others");
    assert_int_equal(chmod(f->path, 0602), 0);
    expect_refused(f, -EPERM, "open to others");
    assert_int_equal(chmod(f->path, 0600), 0);
    assert_int_equal(rename(f->path, f->other), 0);
    assert_int_equal(symlink(f->other, f->path), 0);
    expect_refused(f, -ELOOP, "opened");
    unlink(f->path);
    assert_int_equal(mkfifo(f->path, 0600), 0);
    expect_refused(f, -EINVAL, "no file");
    unlink(f->path);
    if (geteuid() != 0) /* root alone may give a file away */
        return;
    assert_int_equal(rename(f->other, f->path), 0);
    assert_int_equal(chown(f->path, 12345, 12345), 0);
    expect_refused(f, -EPERM, "another user");
}

static void other_files_are_refused_and_not_tried_again(void **state)
{
    static const char *const contents[] = {
        "", "mediaferry", "mediaferry-records 2\n\0\0\0\0", "ELF and other things, long enough"};
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(contents); i++) {
        put_file(f->path, text_bytes(text_from(contents[i])), 0600);
        expect_refused(f, -EINVAL, "no file of records");
        assert_false(exists(f->path));
    }
}

/* Cut off anywhere, all that is whole is there, and the cut is seen. */
static void a_cut_file_gives_what_is_whole(void **state)
{
    struct fixture *f = *state;
    struct spool spool;
    write_three(f);
    assert_int_equal(spool_open(&spool, f->path, &f->why), 0);
    struct bytes all = spool.content;
    const size_t head = strlen("mediaferry-records 1\n"), extra = 12;
    const size_t ends[] = {head + extra + 9, head + 2 * extra + 10, head + 3 * extra + 26};
    assert_int_equal(all.len, ends[2] + 4);
    for (size_t len = head; len < all.len; len++) {
        uint8_t *copy = bytes_dup(bytes_of(all.data, len)); /* so that one byte too many is seen */
        const char *expected = len < ends[0]   ? "c"
                               : len < ends[1] ? "rc"
                               : len < ends[2] ? "rrc"
                                               : "rrrc";
        assert_string_equal(items_of(bytes_of(copy, len)), expected);
        free(copy);
    }
    uint8_t *longer = malloc(all.len + 1);
    memcpy(longer, all.data, all.len);
    longer[all.len] = 0;
    assert_string_equal(items_of(bytes_of(longer, all.len + 1)), "rrrc");
    free(longer);
    spool_close(&spool);
}

/* Whatever bit falls over is noticed, and costs the other records nothing unless it is of a
 * length. */
static void each_flipped_bit_is_seen(void **state)
{
    struct fixture *f = *state;
    struct spool spool;
    write_three(f);
    assert_int_equal(spool_open(&spool, f->path, &f->why), 0);
    uint8_t *copy = bytes_dup(spool.content);
    const size_t head = strlen("mediaferry-records 1\n");
    for (size_t bit = 0; bit < spool.content.len * 8; bit++) {
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        const char *items = items_of(bytes_of(copy, spool.content.len));
        assert_string_not_equal(items, "rrre");
        if (bit / 8 < head)
            assert_string_equal(items, "none");
        else if (bit / 8 >= head + 4 && bit / 8 < head + 4 + 9 + 8)
            assert_string_equal(items, "drre");
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(copy);
    spool_close(&spool);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_read_once),
        TEST(nothing_has_the_name_before_all_is_written),
        TEST(what_somebody_left_unfinished_is_no_obstacle),
        TEST(a_record_has_a_size),
        TEST(a_folder_that_is_not_there_is_said),
        TEST(what_finds_no_room_is_left_out),
        TEST(a_file_of_others_is_refused),
        TEST(other_files_are_refused_and_not_tried_again),
        TEST(a_cut_file_gives_what_is_whole),
        TEST(each_flipped_bit_is_seen),
    };
#undef TEST
    return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
