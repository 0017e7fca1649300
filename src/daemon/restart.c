/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/restart.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/spool.h"

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
    struct sessions *sessions;
    struct session_restoring how;
    const struct restart_watcher *watcher;
    uint64_t restored, refused;
};

static void count_damaged(struct loading *l)
{
    sessions_count_refused(l->sessions, SESSION_REFUSED_DAMAGED);
    l->refused++;
}

static void load_call(struct loading *l, struct bytes record)
{
    struct session_restored restored = sessions_restore(l->sessions, record, &l->how);
    if (!restored.ok) {
        l->refused++;
        return;
    }
    l->restored++;
    l->watcher->call(l->watcher->owner, restored.handle, restored.call_id);
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

void restart_load(struct sessions *sessions, const struct process_settings *settings,
    int64_t max_age_s, const struct restart_watcher *watcher)
{
    struct loading l = {
        .sessions = sessions, .how.age_limit_ms = (uint64_t)max_age_s * 1000, .watcher = watcher};
    struct str why = {0};
    struct spool spool;
    uint64_t begun_ms = now_ms();
    if (!is_on(settings))
        return;
    check_folder(settings->restart_file);
    int error = spool_open(&spool, settings->restart_file, &why);
    if (error == 0) {
        load_records(&l, &spool);
        spool_close(&spool);
        log_event(LOG_NOTICE, LOG_NO_CALL, "restored", "calls=%llu refused=%llu ms=%llu",
            (unsigned long long)l.restored, (unsigned long long)l.refused,
            (unsigned long long)(now_ms() - begun_ms));
    } else if (error != -ENOENT) {
        count_damaged(&l);
        log_event(LOG_WARNING, LOG_NO_CALL, "restart-file", "why=%s effect=\"not used\"",
            LOG_QUOTED(str_text(&why)));
    }
    str_done(&why);
}

/* --- the end --- */

struct saving {
    struct spool_writer spool;
    int trouble; /* the first; 0: none */
    uint64_t begun_ms;
    void (*done)(void *owner);
    void *owner;
};

static bool keep(void *owner, struct text call_id, struct bytes record)
{
    struct saving *s = owner;
    int error = spool_add(&s->spool, record);
    (void)call_id; /* the sessions tell of it */
    if (error != 0 && s->trouble == 0)
        s->trouble = error;
    return error == 0;
}

static void say_trouble(const char *path, int error)
{
    log_event(LOG_ERR, LOG_NO_CALL, "restart-file", "path=%s error=%s effect=\"calls are lost\"",
        LOG_QUOTED(text_from(path)), LOG_QUOTED(text_from(uv_strerror(error))));
}

static void finish(void *owner, const struct sessions_saved *counts)
{
    struct saving *s = owner;
    char *path = text_dup(text_from(s->spool.path));
    int error = spool_end(&s->spool);
    if (s->trouble == 0)
        s->trouble = error;
    if (s->trouble != 0)
        say_trouble(path, s->trouble);
    log_event(error == 0 ? LOG_NOTICE : LOG_ERR, LOG_NO_CALL, "saved",
        "calls=%llu lost=%llu ms=%llu", (unsigned long long)(error == 0 ? counts->saved : 0),
        (unsigned long long)(counts->lost + (error == 0 ? 0 : counts->saved)),
        (unsigned long long)(now_ms() - s->begun_ms));
    free(path);
    s->done(s->owner);
    free(s);
}

/* Returns 0, or a negative errno: then nothing is going to be saved. */
static int save(struct sessions *sessions, const char *path, struct saving *s)
{
    struct sessions_sink sink = {.owner = s, .keep = keep, .done = finish};
    int error = spool_begin(&s->spool, path);
    if (error != 0)
        return error;
    error = sessions_save_all(sessions, &sink);
    if (error != 0)
        spool_abandon(&s->spool);
    return error;
}

void restart_save(struct sessions *sessions, const struct process_settings *settings,
    void (*done)(void *owner), void *owner)
{
    bool has_work = is_on(settings) && sessions_totals(sessions).current > 0;
    struct saving *s = has_work ? calloc(1, sizeof(*s)) : NULL;
    int error = has_work && s == NULL ? -ENOMEM : 0;
    if (s != NULL) {
        *s = (struct saving){.begun_ms = now_ms(), .done = done, .owner = owner};
        error = save(sessions, settings->restart_file, s);
        if (error == 0)
            return;
        free(s);
    }
    if (error != 0)
        say_trouble(settings->restart_file, error);
    done(owner);
}
