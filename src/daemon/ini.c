/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ini.h"

static struct text next_line(struct ini *ini)
{
    struct text line = text_cut(&ini->rest, '\n');
    ini->line++;
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    return text_trim(line);
}

static bool is_nothing(struct text line)
{
    return line.len == 0 || line.data[0] == '#' || line.data[0] == ';';
}

static bool has_nul(struct text line)
{
    return memchr(line.data, '\0', line.len) != NULL;
}

/* "[name]"; false when the line is no section. */
static bool read_section(struct text line, struct text *out)
{
    if (line.data[0] != '[' || line.data[line.len - 1] != ']' || line.len < 3)
        return false;
    *out = text_trim(text_of(line.data + 1, line.len - 2));
    return true;
}

static bool read_pair(struct text line, struct ini_pair *out)
{
    bool has_value = memchr(line.data, '=', line.len) != NULL;
    out->name = text_trim(text_cut(&line, '='));
    out->value = text_trim(line);
    return has_value && out->name.len > 0;
}

enum ini_status ini_next(struct ini *ini, struct ini_pair *out)
{
    while (ini->rest.len > 0) {
        struct text line = next_line(ini);
        if (is_nothing(line))
            continue;
        struct ini_pair pair = {.line = ini->line, .section = ini->section};
        if (!has_nul(line) && read_section(line, &ini->section)) {
            ini->in_section = true;
            continue;
        }
        bool is_pair = !has_nul(line) && read_pair(line, &pair);
        *out = pair;
        if (!is_pair)
            return INI_NOT_A_PAIR;
        return ini->in_section ? INI_PAIR : INI_NO_SECTION;
    }
    return INI_END;
}
