/* SPDX-License-Identifier: Apache-2.0 */
/* mediaferry - the daemon: reads its configuration, starts its services, waits for signals. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/config.h"
#include "daemon/config_build.h"
#include "daemon/config_print.h"
#include "daemon/coturn_convert.h"
#include "daemon/process.h"
#include "daemon/reload.h"
#include "daemon/service.h"
#include "daemon/stun_address.h"
#include "net/udp_socket.h"

/* Exit codes. */
enum { COULD_NOT_START = 1, BAD_CONFIGURATION = 2 };

static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

struct daemon {
    const struct reload_source *source;
    struct daemon_config *config;
    struct host_addresses *host;
    int64_t configured_log_level; /* signals may have changed it since */
    uv_loop_t loop;
    uv_signal_t signals[COUNT_OF(signals)];
    struct service *service; /* NULL when it did not start */
};

/* A second one must not kill what is being tidied up, nor in the moment between. */
static void ignore_signals(struct daemon *d)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        uv_close((uv_handle_t *)&d->signals[i], NULL);
        signal(signals[i], SIG_IGN);
    }
}

static void stop(struct daemon *d)
{
    process_notify_stopping();
    if (d->service != NULL)
        service_stop(d->service);
    ignore_signals(d);
}

/* Nothing is left that is waited for. */
static void on_drained(void *owner)
{
    stop(owner);
}

static void change_log_level(int change)
{
    log_set_level(log_get_level() + change);
    log_event(LOG_NOTICE, LOG_NO_CALL, "log-level", "level=%d", log_get_level());
}

/* The configuration has changed, in place. */
static int apply(void *owner, struct str *why)
{
    struct daemon *d = owner;
    int error = service_reload(d->service, d->config, d->host, why);
    if (error == 0 && d->config->process.log_level != d->configured_log_level) {
        d->configured_log_level = d->config->process.log_level;
        log_set_level((int)d->configured_log_level);
    }
    return error;
}

static void reload(struct daemon *d)
{
    process_notify_reloading();
    reload_now(d->source, d->config, d->host, apply, d);
    stun_address_ask_again(&d->loop, d->config);
    process_notify_ready();
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *d = handle->data;
    switch (number) {
    case SIGUSR1:
        change_log_level(-1);
        return;
    case SIGUSR2:
        change_log_level(1);
        return;
    case SIGHUP:
        reload(d);
        return;
    case SIGTERM:
        log_event(LOG_NOTICE, LOG_NO_CALL, "stop", "signal=%d", number);
        if (d->service != NULL)
            service_leave(d->service);
        else
            stop(d);
        return;
    default:
        log_event(LOG_NOTICE, LOG_NO_CALL, "stop", "signal=%d", number);
        stop(d);
    }
}

static void watch_signals(struct daemon *d)
{
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        uv_signal_init(&d->loop, &d->signals[i]);
        d->signals[i].data = d;
        uv_signal_start(&d->signals[i], on_signal, signals[i]);
    }
}

static bool is_of_this_machine(const struct address *a)
{
    struct udp_socket_config probe = {.bind = *a};
    int fd;
    int error = udp_socket_open(&probe, &fd);
    if (error == 0)
        close(fd);
    return error != -EADDRNOTAVAIL;
}

/* A shared address may come to this machine later, so its absence is no error. */
static void log_missing_addresses(const struct daemon_config *config)
{
    for (size_t i = 0; i < config->interfaces->bind_count; i++) {
        const struct address *a = &config->interfaces->binds[i];
        char text[ADDRESS_TEXT_SIZE];
        if (!is_of_this_machine(a))
            log_event(LOG_WARNING, LOG_NO_CALL, "interface-missing",
                "address=%s why=\"this machine does not have it now\"", address_ip_text(a, text));
    }
}

static void log_start_lines(const struct daemon_config *config)
{
    log_event(LOG_NOTICE, LOG_NO_CALL, "start",
        "version=%s workers=%lld descriptors=%llu log-level=%d", MEDIAFERRY_VERSION,
        (long long)config->process.num_threads,
        (unsigned long long)process_raise_descriptor_limit(), log_get_level());
    for (size_t i = 0; i < config->warning_count; i++)
        log_event(LOG_WARNING, LOG_NO_CALL, "configuration", "warning=%s",
            LOG_QUOTED(text_from(config->warnings[i])));
    if (config->interface_was_chosen)
        log_event(LOG_NOTICE, LOG_NO_CALL, "interface-chosen",
            "why=\"the option 'interface' is not set: it is the first global address of the "
            "machine\"");
    log_missing_addresses(config);
}

static int run_loop(struct daemon *d)
{
    struct str why = {0};
    watch_signals(d);
    const struct service_owner owner = {.owner = d, .drained = on_drained};
    int error = service_start(&d->service, &d->loop, d->config, d->host, &owner, &why);
    if (error != 0) {
        log_event(LOG_CRIT, LOG_NO_CALL, "start-failed", "why=%s", LOG_QUOTED(str_text(&why)));
        stop(d);
    } else {
        process_notify_ready();
        log_event(LOG_NOTICE, LOG_NO_CALL, "ready", "pid=%ld", (long)getpid());
    }
    uv_run(&d->loop, UV_RUN_DEFAULT);
    str_done(&why);
    return error;
}

static int run(
    const struct reload_source *source, struct daemon_config *config, struct host_addresses *host)
{
    struct daemon d = {.source = source,
        .config = config,
        .host = host,
        .configured_log_level = config->process.log_level};
    log_set_level((int)config->process.log_level);
    log_start_lines(config);

    const char *pidfile = config->process.pidfile;
    int error = process_write_pidfile(pidfile);
    if (error == 0)
        error = uv_loop_init(&d.loop);
    if (error != 0) {
        log_event(LOG_CRIT, LOG_NO_CALL, "start-failed", "pidfile=%s error=%s",
            LOG_QUOTED(text_from(pidfile)), LOG_QUOTED(text_from(uv_strerror(error))));
        return COULD_NOT_START;
    }
    error = run_loop(&d);
    uv_loop_close(&d.loop);
    process_remove_pidfile(pidfile);
    log_event(LOG_NOTICE, LOG_NO_CALL, "stopped", "status=%d", error == 0 ? 0 : COULD_NOT_START);
    return error == 0 ? 0 : COULD_NOT_START;
}

static int print_text(const struct str *out)
{
    bool ok = str_ok(out) && fputs(str_string(out), stdout) >= 0 && fflush(stdout) == 0;
    return ok ? 0 : COULD_NOT_START;
}

static int print(const struct daemon_config *config, enum config_action action)
{
    struct str out = {0};
    switch (action) {
    case CONFIG_HELP:
        config_print_help(&out);
        break;
    case CONFIG_PRINT_CONFIG:
        config_print_sample(config, &out);
        break;
    case CONFIG_PRINT_MAN:
        config_print_man(&out);
        break;
    case CONFIG_PRINT_DOCS:
        config_print_docs(&out);
        break;
    case CONFIG_VERSION:
    case CONFIG_CHECK:
    case CONFIG_RUN:
        str_add_string(&out, "mediaferry " MEDIAFERRY_VERSION "\n");
        break;
    }
    int status = print_text(&out);
    str_done(&out);
    return status;
}

static int complain(const struct str *why)
{
    fprintf(stderr, "mediaferry: %s\n", str_string(why));
    return BAD_CONFIGURATION;
}

/* Prints a file of coturn's as ours, and on stderr how well it went. */
static int convert(const char *path, struct str *why)
{
    struct coturn_report report;
    struct str out = {0};
    char *content = NULL;
    size_t len = 0;
    int error = config_read_whole(path, &content, &len);
    if (error != 0) {
        str_addf(why, "cannot read '%s': %s", path, strerror(-error));
        return complain(why);
    }
    error = coturn_convert(text_of(content, len), path, &out, &report);
    int status = error == 0 ? print_text(&out) : COULD_NOT_START;
    if (status == 0)
        fprintf(stderr, "mediaferry: %s: %u options carried over, %u not (see the comments)%s\n",
            path, report.carried, report.dropped,
            report.has_users ? "; keep secrets out of others' sight"
                             : "; nobody may use TURN yet, which must be changed");
    str_done(&out);
    free(content);
    return status;
}

static int summarize(const struct daemon_config *config)
{
    struct str out = {0};
    config_print_summary(config, &out);
    int status = print_text(&out);
    str_done(&out);
    return status;
}

/* Everything between the arguments and the end, with what must be freed. */
static int serve(const struct reload_source *source, struct daemon_config *config,
    enum config_action action, struct str *why)
{
    struct host_addresses host = {.list = NULL};
    int status;
    int error = host_addresses_read(&host);
    if (error != 0) {
        fprintf(stderr, "mediaferry: cannot list the addresses of this machine: %s\n",
            uv_strerror(error));
        return COULD_NOT_START;
    }
    if (config_resolve(config, &host, source->cores, why) != 0 ||
        stun_address_ask(config, why) != 0)
        status = complain(why);
    else if (action == CONFIG_CHECK)
        status = summarize(config);
    else
        status = run(source, config, &host);
    host_addresses_done(&host);
    return status;
}

int main(int argc, char **argv)
{
    enum config_action action = CONFIG_RUN;
    struct daemon_config *config = NULL;
    const struct reload_source source = {
        .argc = argc, .argv = argv, .envp = environ, .cores = process_cores()};
    struct str why = {0};
    int status;

    log_start(STDERR_FILENO);
    if (config_load(argc, argv, environ, &action, &config, &why) != 0)
        status = complain(&why);
    else if (config->process.turnserver_conf[0] != '\0')
        status = convert(config->process.turnserver_conf, &why);
    else if (action == CONFIG_CHECK || action == CONFIG_RUN)
        status = serve(&source, config, action, &why);
    else
        status = print(config, action);
    config_free(config);
    str_done(&why);
    return status;
}
