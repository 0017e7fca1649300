/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/restart.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/spool.h"
#include "turn/record.h"

enum { EXPECT_MS = 10000 /* more than a start takes */ };

static bool is_on(const struct process_settings *settings)
{
    return settings->restart_file[0] != '\0';
}

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* --- the start --- */

struct loading {
    const struct restart *restart;
    struct session_restoring how;
    uint64_t calls, calls_refused, allocations, allocations_refused;
};

static void count_damaged(struct loading *l)
{
    sessions_count_refused(l->restart->sessions, SESSION_REFUSED_DAMAGED);
    l->calls_refused++;
}

static void tell_returned(
    const struct loading *l, enum store_kind kind, uint64_t handle, struct text id)
{
    if (l->restart->returned != NULL)
        l->restart->returned(l->restart->owner, kind, handle, id);
}

static void load_call(struct loading *l, struct bytes record)
{
    struct session_restored restored = sessions_restore(l->restart->sessions, record, &l->how);
    if (!restored.ok) {
        l->calls_refused++;
        return;
    }
    l->calls++;
    tell_returned(l, STORE_CALL, restored.handle, restored.call_id);
}

static void load_allocation(struct loading *l, struct bytes record)
{
    const struct turnserver_restoring how = {.age_limit_ms = l->how.age_limit_ms};
    struct turnserver_restored restored = turnserver_restore(l->restart->turnserver, record, &how);
    if (!restored.ok) {
        l->allocations_refused++;
        return;
    }
    l->allocations++;
    tell_returned(l, STORE_ALLOCATION, restored.handle, text_from(restored.id));
}

static void load_records(struct loading *l, const struct spool *spool)
{
    struct reader r = reader_over(spool->content);
    struct bytes record;
    enum spool_item item = SPOOL_CUT;
    if (!spool_read_head(&r)) /* spool_open() has seen it */
        return;
    while ((item = spool_next(&r, &record)) == SPOOL_RECORD || item == SPOOL_DAMAGED) {
        if (item == SPOOL_DAMAGED)
            count_damaged(l);
        else if (turn_record_is_one(record))
            load_allocation(l, record);
        else
            load_call(l, record);
    }
    if (item != SPOOL_CUT)
        return;
    count_damaged(l);
    log_event(LOG_WARNING, LOG_NO_CALL, "restart-file",
        "why=\"it ends too early, or has more than "
        "an end: calls may be lost\"");
}

/* Better said now than when the calls are at stake. */
static void check_folder(const char *path)
{
    char *folder = text_dup(text_from(path));
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    if (slash != NULL)
        slash[slash == folder ? 1 : 0] = '\0';
    if (access(slash != NULL ? folder : ".", W_OK | X_OK) != 0)
        log_event(LOG_WARNING, LOG_NO_CALL, "restart-file",
            "path=%s why=\"nothing can be written there: %s\" effect=\"a restart ends all calls\"",
            LOG_QUOTED(text_from(path)), uv_strerror(-errno));
    free(folder);
}

static void say_loaded(const struct loading *l, uint64_t begun_ms)
{
    log_event(LOG_NOTICE, LOG_NO_CALL, "restored",
        "calls=%llu refused=%llu allocations=%llu allocations-refused=%llu ms=%llu",
        (unsigned long long)l->calls, (unsigned long long)l->calls_refused,
        (unsigned long long)l->allocations, (unsigned long long)l->allocations_refused,
        (unsigned long long)(now_ms() - begun_ms));
}

static void load(struct loading *l, const char *path)
{
    struct str why = {0};
    struct spool spool;
    uint64_t begun_ms = now_ms();
    int error = spool_open(&spool, path, &why);
    if (error == 0) {
        load_records(l, &spool);
        spool_close(&spool);
        say_loaded(l, begun_ms);
    } else if (error != -ENOENT) {
        count_damaged(l);
        log_event(LOG_WARNING, LOG_NO_CALL, "restart-file", "why=%s effect=\"not used\"",
            LOG_QUOTED(str_text(&why)));
    }
    str_done(&why);
    if (error != -ENOENT)
        turnserver_expect(l->restart->turnserver, 0);
}

void restart_expect(const struct restart *restart)
{
    const struct process_settings *settings = restart->settings;
    if (is_on(settings) && access(settings->restart_file, F_OK) == 0)
        turnserver_expect(restart->turnserver, EXPECT_MS);
}

void restart_load(const struct restart *restart)
{
    const struct process_settings *settings = restart->settings;
    struct loading l = {
        .restart = restart, .how.age_limit_ms = (uint64_t)restart->max_age_s * 1000};
    if (!is_on(settings))
        return;
    check_folder(settings->restart_file);
    load(&l, settings->restart_file);
}

/* --- the end --- */

struct saving {
    struct spool_writer spool;
    struct turnserver *turnserver;
    struct sessions_saved calls;
    int trouble; /* the first; 0: none */
    uint64_t begun_ms;
    void (*done)(void *owner);
    void *owner;
};

static bool keep(struct saving *s, struct bytes record)
{
    int error = spool_add(&s->spool, record);
    if (error != 0 && s->trouble == 0)
        s->trouble = error;
    return error == 0;
}

static bool keep_call(void *owner, struct text call_id, struct bytes record)
{
    (void)call_id; /* the sessions tell of it */
    return keep(owner, record);
}

static bool keep_allocation(void *owner, const struct turnserver_saved *saved)
{
    return keep(owner, saved->record);
}

static void say_trouble(const char *path, int error)
{
    log_event(LOG_ERR, LOG_NO_CALL, "restart-file", "path=%s error=%s effect=\"calls are lost\"",
        LOG_QUOTED(text_from(path)), LOG_QUOTED(text_from(uv_strerror(error))));
}

static void say_saved(
    const struct saving *s, const struct turnserver_save_counts *allocations, bool is_whole)
{
    const uint64_t calls = s->calls.saved, others = allocations->saved;
    log_event(is_whole ? LOG_NOTICE : LOG_ERR, LOG_NO_CALL, "saved",
        "calls=%llu lost=%llu allocations=%llu allocations-lost=%llu ms=%llu",
        (unsigned long long)(is_whole ? calls : 0),
        (unsigned long long)(s->calls.lost + (is_whole ? 0 : calls)),
        (unsigned long long)(is_whole ? others : 0),
        (unsigned long long)(allocations->lost + (is_whole ? 0 : others)),
        (unsigned long long)(now_ms() - s->begun_ms));
}

static void finish(void *owner, const struct turnserver_save_counts *allocations)
{
    struct saving *s = owner;
    char *path = text_dup(text_from(s->spool.path));
    int error = spool_end(&s->spool);
    if (s->trouble == 0)
        s->trouble = error;
    if (s->trouble != 0)
        say_trouble(path, s->trouble);
    say_saved(s, allocations, error == 0);
    free(path);
    s->done(s->owner);
    free(s);
}

/* The calls come first: their media is silent by now. */
static void save_allocations(void *owner, const struct sessions_saved *calls)
{
    struct saving *s = owner;
    const struct turnserver_sink sink = {.owner = s, .keep = keep_allocation, .done = finish};
    const struct turnserver_save_counts none = {.saved = 0};
    s->calls = *calls;
    if (turnserver_save_all(s->turnserver, &sink) == 0)
        return;
    s->trouble = -ENOMEM;
    finish(s, &none);
}

/* Returns 0, or a negative errno: then nothing is going to be saved. */
static int save(struct sessions *sessions, const char *path, struct saving *s)
{
    struct sessions_sink sink = {.owner = s, .keep = keep_call, .done = save_allocations};
    int error = spool_begin(&s->spool, path);
    if (error != 0)
        return error;
    error = sessions_save_all(sessions, &sink);
    if (error != 0)
        spool_abandon(&s->spool);
    return error;
}

static bool has_work(const struct restart *restart)
{
    struct turnserver_totals totals;
    turnserver_totals(restart->turnserver, &totals);
    return is_on(restart->settings) &&
           (sessions_totals(restart->sessions).current > 0 || totals.allocations > 0);
}

void restart_save(const struct restart *restart, void (*done)(void *owner), void *owner)
{
    bool is_needed = has_work(restart);
    struct saving *s = is_needed ? calloc(1, sizeof(*s)) : NULL;
    int error = is_needed && s == NULL ? -ENOMEM : 0;
    if (s != NULL) {
        *s = (struct saving){
            .turnserver = restart->turnserver, .begun_ms = now_ms(), .done = done, .owner = owner};
        error = save(restart->sessions, restart->settings->restart_file, s);
        if (error == 0)
            return;
        free(s);
    }
    if (error != 0)
        say_trouble(restart->settings->restart_file, error);
    done(owner);
}
