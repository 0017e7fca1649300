/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/command_line.h"
#include "daemon/config_build.h"
#include "daemon/config_fleet.h"
#include "daemon/config_turn.h"

enum { LAST_PORT = 65535 };

struct daemon_config *config_new(void)
{
    struct str why = {0};
    struct daemon_config *config = calloc(1, sizeof(*config));
    if (config == NULL)
        return NULL;
    config->origins = calloc(option_count, sizeof(config->origins[0]));
    bool ok = config->origins != NULL;
    for (size_t i = 0; ok && i < option_count; i++)
        ok = option_set(
                 &options[i], OPTION_REPLACE, text_from(options[i].fallback), config, &why) == 0;
    str_done(&why);
    if (!ok) {
        config_free(config);
        return NULL;
    }
    return config;
}

void config_free(struct daemon_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < option_count; i++) {
        option_clear(&options[i], config);
        if (config->origins != NULL)
            free(config->origins[i]);
    }
    for (size_t i = 0; i < config->warning_count; i++)
        free(config->warnings[i]);
    free(config->origins);
    free(config->warnings);
    free(config->admin_tokens);
    turn_lists_done(&config->turn_lists);
    interfaces_free(config->interfaces);
    free(config);
}

int config_set(struct daemon_config *config, const struct option *option, enum option_mode mode,
    struct text value, const char *where, struct str *why)
{
    struct str problem = {0};
    int error = option_set(option, mode, value, config, &problem);
    if (error == -EINVAL)
        str_addf(why, "%s: option '%s': %s", where, option->name, str_string(&problem));
    str_done(&problem);
    if (error != 0)
        return error;

    char *origin = text_dup(text_from(where));
    if (origin == NULL)
        return -ENOMEM;
    free(config->origins[option - options]);
    config->origins[option - options] = origin;
    return 0;
}

void config_warn(struct daemon_config *config, const char *format, ...)
{
    struct str sentence = {0};
    va_list arguments;
    va_start(arguments, format);
    str_vaddf(&sentence, format, arguments);
    va_end(arguments);

    char *text = str_take(&sentence);
    bool is_new = text != NULL;
    for (size_t i = 0; is_new && i < config->warning_count; i++)
        is_new = strcmp(text, config->warnings[i]) != 0;
    char **larger = is_new ? reallocarray(config->warnings, config->warning_count + 1,
                                 sizeof(config->warnings[0]))
                           : NULL;
    if (larger == NULL) {
        free(text);
        return;
    }
    config->warnings = larger;
    config->warnings[config->warning_count++] = text;
}

void config_warn_ignored(
    struct daemon_config *config, const struct ignored_option *ignored, struct text name)
{
    config_warn(
        config, "option '%.*s' has no effect here because %s", TEXT_ARG(name), ignored->reason);
}

int config_blame(
    const struct daemon_config *config, const void *field, struct str *why, const char *format, ...)
{
    size_t offset = (size_t)((const char *)field - (const char *)config);
    size_t i = 0;
    while (options[i].offset != offset)
        i++;
    const char *where = config->origins[i] != NULL ? config->origins[i] : "default";
    va_list arguments;
    str_addf(why, "%s: option '%s': ", where, options[i].name);
    va_start(arguments, format);
    str_vaddf(why, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* Says it at the later of the two, which is the one that the user has just added. */
int config_check(const struct daemon_config *config, struct str *why)
{
    const struct network_settings *n = &config->network;
    const struct process_settings *p = &config->process;
    if (n->port_min > n->port_max)
        return config_blame(config, &n->port_min, why,
            "%" PRId64 " is above 'port-max' (%" PRId64 ")", n->port_min, n->port_max);
    if (n->webrtc_port > 0 && n->webrtc_port + p->num_threads - 1 > LAST_PORT)
        return config_blame(config, &n->webrtc_port, why,
            "%" PRId64 " leaves no ports for %" PRId64 " workers", n->webrtc_port, p->num_threads);
    int error = config_check_fleet(config, why);
    return error != 0 ? error : config_check_turn(config, why);
}

/* These are accepted because they ask for what is always so. */
static void warn_of_refusals(struct daemon_config *config)
{
    if (!config->process.foreground)
        config_warn(config, "option 'foreground' has no effect here because the daemon never "
                            "leaves the foreground; systemd needs Type=notify or simple");
    if (!config->process.log_stderr)
        config_warn(config, "option 'log-stderr' has no effect here because the log always goes "
                            "to stderr");
}

static int check_action(
    const struct daemon_config *config, enum config_action action, struct str *why)
{
    const struct process_settings *process = &config->process;
    if (process->turnserver_conf[0] != '\0' && action != CONFIG_CHECK)
        return config_blame(config, &process->turnserver_conf, why, "needs --check-config");
    return 0;
}

static int load(
    struct daemon_config *config, struct command_line *line, char *const *envp, struct str *why)
{
    int error;
    /* Which file to read may be said by the environment and the command line, which are read
     * again afterwards because they win over the file. */
    if ((error = config_read_environment(config, envp, why)) != 0 ||
        (error = command_line_apply(line, config, why)) != 0 ||
        (error = config_read_file(config, why)) != 0 ||
        (error = config_read_environment(config, envp, why)) != 0 ||
        (error = command_line_apply(line, config, why)) != 0 ||
        (error = check_action(config, line->action, why)) != 0 ||
        (error = config_check(config, why)) != 0)
        return error;
    warn_of_refusals(config);
    config_warn_turn(config);
    return 0;
}

int config_load(int argc, char *const *argv, char *const *envp, enum config_action *action,
    struct daemon_config **out, struct str *why)
{
    struct command_line line = {.action = CONFIG_RUN};
    int error = command_line_parse(argc, argv, &line, why);
    struct daemon_config *config = error == 0 ? config_new() : NULL;
    if (error == 0 && config == NULL)
        error = -ENOMEM;
    if (error == 0 && line.action != CONFIG_HELP && line.action != CONFIG_VERSION)
        error = load(config, &line, envp, why);
    if (error == 0)
        *action = line.action;
    command_line_done(&line);
    if (error != 0) {
        config_free(config);
        if (error == -ENOMEM)
            str_add_string(why, "out of memory");
        return error;
    }
    *out = config;
    return 0;
}

static int resolve_interfaces(
    struct daemon_config *config, const struct host_addresses *host, struct str *why)
{
    struct text spec = text_from(config->network.interface);
    struct str problem = {0};
    char chosen[ADDRESS_TEXT_SIZE];
    struct address a;

    if (spec.len == 0) {
        if (!host_addresses_default(host, &a))
            return config_blame(
                config, &config->network.interface, why, "this machine has no address");
        spec = text_from(address_ip_text(&a, chosen));
        config->interface_was_chosen = true;
    }
    int error = interfaces_parse(spec, host, &config->interfaces, &problem);
    if (error == -EINVAL)
        config_blame(config, &config->network.interface, why, "%s", str_string(&problem));
    str_done(&problem);
    return error;
}

static int resolve_listen(struct daemon_config *config, struct str *why)
{
    struct str problem = {0};
    int error =
        listen_addresses_parse(text_from(config->network.listen_ng), &config->listen_ng, &problem);
    if (error == -EINVAL)
        config_blame(config, &config->network.listen_ng, why, "%s", str_string(&problem));
    str_done(&problem);
    return error;
}

static int resolve_cores(struct daemon_config *config, struct str *why)
{
    struct str problem = {0};
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
        CPU_ZERO(&allowed);
    int error = worker_cores_parse(
        text_from(config->process.worker_affinity), &allowed, &config->worker_cores, &problem);
    if (error != 0)
        config_blame(config, &config->process.worker_affinity, why, "%s", str_string(&problem));
    str_done(&problem);
    return error;
}

int config_resolve(struct daemon_config *config, const struct host_addresses *host, unsigned cores,
    struct str *why)
{
    if (config->process.num_threads == 0)
        config->process.num_threads = cores > 0 ? cores : 1;
    int error = config_check(config, why); /* again: the workers are known only now */
    if (error == 0)
        error = resolve_interfaces(config, host, why);
    if (error == 0)
        error = resolve_listen(config, why);
    if (error == 0)
        error = resolve_cores(config, why);
    if (error == 0)
        error = config_resolve_fleet(config, host, why);
    if (error == 0)
        error = config_resolve_turn(config, host, why);
    if (error == 0)
        error = config_resolve_admin(config, why);
    return error;
}
