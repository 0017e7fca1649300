/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <stdarg.h>
#include <stdlib.h>

void script_reply(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

void script_fail(const char *format, ...)
{
    char message[512], clean[sizeof(message)];
    size_t len = 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    for (const char *c = message; *c != '\0'; c++)
        if (*c != '"' && *c != '\\' && (unsigned char)*c >= ' ')
            clean[len++] = *c;
    clean[len] = '\0';
    script_reply("{\"error\": \"%s\"}", clean);
    exit(1);
}

uint64_t script_number(struct text *words, const char *what, uint64_t min, uint64_t max)
{
    uint64_t value;
    if (!text_to_u64(text_word(words, ' '), max, &value) || value < min)
        script_fail("%s: not a number between %llu and %llu", what, (unsigned long long)min,
            (unsigned long long)max);
    return value;
}

bool script_act(struct text line, const struct command *commands, void *owner)
{
    struct text words = text_trim(line);
    struct text name = text_word(&words, ' ');
    if (name.len == 0 || name.data[0] == '#')
        return true;
    if (text_is(name, "quit"))
        return false;
    for (const struct command *c = commands; c->name != NULL; c++)
        if (text_is(name, c->name)) {
            c->act(owner, words);
            return true;
        }
    script_fail("%.*s: no such command", TEXT_ARG(name));
}

void script_read(FILE *input, const struct command *commands, void *owner)
{
    char *line = NULL;
    size_t room = 0;
    for (ssize_t len; (len = getline(&line, &room, input)) >= 0;) {
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            len--;
        if (!script_act(text_of(line, (size_t)len), commands, owner))
            break;
    }
    free(line);
}
