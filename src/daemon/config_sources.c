/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file and the environment. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_build.h"
#include "daemon/ini.h"

enum { FILE_MAX = 1 << 20 };

/* Lines of a list add up within a file, as coturn's do. */
static enum option_mode mode_for(
    const struct daemon_config *config, const struct option *option, const char *file)
{
    const char *origin = config->origins[option - options];
    size_t len = strlen(file);
    bool is_later = origin != NULL && strncmp(origin, file, len) == 0 && origin[len] == ':';
    return option->kind == OPTION_ENTRIES && is_later ? OPTION_APPEND : OPTION_REPLACE;
}

/* coturn's files have values in quotes. */
static struct text unquoted(const struct ini_pair *pair)
{
    struct text value = pair->value;
    bool is_quoted = value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"';
    if (!is_quoted || !text_is(pair->section, TURN_SECTION))
        return value;
    return text_of(value.data + 1, value.len - 2);
}

static const struct ignored_option *find_ignored(const struct ini_pair *pair)
{
    return text_is(pair->section, TURN_SECTION) ? coturn_ignored_option_find(pair->name)
                                                : ignored_option_find(pair->name);
}

static int set_pair(
    struct daemon_config *config, const struct ini_pair *pair, const char *file, struct str *why)
{
    struct str where = {0};
    str_addf(&where, "%s:%u", file, pair->line);
    const struct option *option = option_find_in(pair->section, pair->name);
    const struct ignored_option *ignored = find_ignored(pair);
    int error = 0;

    if (option != NULL && !option->not_in_file)
        error = config_set(config, option, mode_for(config, option, file), unquoted(pair),
            str_string(&where), why);
    else if (option != NULL)
        config_warn(
            config, "%s: option '%s' cannot be set in a file", str_string(&where), option->name);
    else if (ignored != NULL)
        config_warn_ignored(config, ignored, pair->name);
    else
        config_warn(config, "%s: unknown option '%.*s'", str_string(&where), TEXT_ARG(pair->name));
    str_done(&where);
    return error;
}

/* In [turn] a flag may stand alone, as in coturn's files; false when it is something else. */
static bool read_flag(struct ini_pair *pair)
{
    const struct option *option = option_find_in(pair->section, pair->name);
    const struct ignored_option *ignored = find_ignored(pair);
    bool is_flag = option != NULL ? option->kind == OPTION_BOOL : ignored != NULL;
    if (!text_is(pair->section, TURN_SECTION) || !is_flag)
        return false;
    pair->value = TEXT("true");
    return true;
}

/* Reads the pairs of one section; `seen` grows with their number. */
static int read_section(struct daemon_config *config, struct text text, const char *file,
    const char *section, unsigned *seen, struct str *why)
{
    struct ini ini = ini_over(text);
    struct ini_pair pair;
    for (enum ini_status status; (status = ini_next(&ini, &pair)) != INI_END;) {
        if (status != INI_PAIR && !(status == INI_NOT_A_PAIR && read_flag(&pair))) {
            str_addf(why, "%s:%u: %s", file, pair.line,
                status == INI_NO_SECTION ? "a line before the first [section]"
                                         : "neither [section] nor option = value");
            return -EINVAL;
        }
        if (!text_is(pair.section, section))
            continue;
        (*seen)++;
        int error = set_pair(config, &pair, file, why);
        if (error != 0)
            return error;
    }
    return 0;
}

int config_read_text(struct daemon_config *config, struct text text, const char *file,
    const char *section, struct str *why)
{
    unsigned seen = 0;
    int error;
    if (section[0] != '\0') {
        error = read_section(config, text, file, section, &seen, why);
    } else {
        error = read_section(config, text, file, "rtpengine", &seen, why);
        if (error == 0)
            error = read_section(config, text, file, "mediaferry", &seen, why);
    }
    if (error == 0 && strcmp(section, TURN_SECTION) != 0)
        error = read_section(config, text, file, TURN_SECTION, &seen, why);
    if (error == 0 && seen == 0)
        config_warn(config, "%s: nothing was read, there is no option in [%s]", file,
            section[0] != '\0' ? section : "mediaferry");
    return error;
}

int config_read_whole(const char *path, char **out, size_t *len)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -errno;
    char *content = malloc(FILE_MAX + 1);
    size_t got = content != NULL ? fread(content, 1, FILE_MAX + 1, file) : 0;
    int error = content == NULL ? -ENOMEM : ferror(file) ? -EIO : got > FILE_MAX ? -EFBIG : 0;
    fclose(file);
    if (error != 0) {
        free(content);
        return error;
    }
    *out = content;
    *len = got;
    return 0;
}

int config_read_file(struct daemon_config *config, struct str *why)
{
    const struct process_settings *process = &config->process;
    const struct option *option = option_find(TEXT("config-file"));
    char *content = NULL, *path = NULL;
    size_t len = 0;

    if (strcmp(process->config_file, "none") == 0)
        return 0;
    int error = config_read_whole(process->config_file, &content, &len);
    bool is_default = strcmp(process->config_file, option->fallback) == 0;
    if (error == -ENOENT && is_default)
        return 0;
    if (error == -ENOMEM)
        return error;
    if (error != 0)
        return config_blame(config, &process->config_file, why, "cannot read '%s': %s",
            process->config_file, strerror(-error));
    path = text_dup(text_from(process->config_file));
    error = path == NULL ? -ENOMEM
                         : config_read_text(
                               config, text_of(content, len), path, process->config_section, why);
    free(path);
    free(content);
    return error;
}

static const char *variable_in(char *const *envp, const char *name)
{
    size_t len = strlen(name);
    for (; *envp != NULL; envp++)
        if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=')
            return *envp + len + 1;
    return NULL;
}

int config_read_environment(struct daemon_config *config, char *const *envp, struct str *why)
{
    for (size_t i = 0; i < option_count; i++) {
        char name[OPTION_VARIABLE_SIZE];
        const char *value = variable_in(envp, option_variable(&options[i], name));
        if (value == NULL)
            continue;
        int error = config_set(config, &options[i], OPTION_REPLACE, text_from(value), name, why);
        if (error != 0)
            return error;
    }
    return 0;
}
