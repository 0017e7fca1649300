/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_print.h"

#include <ctype.h>

#include "base/paths.h"
#include "daemon/option_value.h"

static bool starts_section(size_t i)
{
    return i == 0 || strcmp(options[i - 1].section, options[i].section) != 0;
}

/* Breaks words into lines of 80 columns, each after `prefix`. */
static void add_wrapped(struct str *out, const char *prefix, const char *sentences)
{
    enum { WIDTH = 80 };
    struct text rest = text_from(sentences);
    size_t column = 0;
    for (struct text word; (word = text_word(&rest, ' ')).len > 0;) {
        if (column > 0 && column + 1 + word.len > WIDTH) {
            str_add_char(out, '\n');
            column = 0;
        }
        str_add_string(out, column == 0 ? prefix : " ");
        column += column == 0 ? strlen(prefix) : 1;
        str_add(out, word);
        column += word.len;
    }
    str_add_char(out, '\n');
}

/* "one of a, b" or "a number (0 to 255)"; nothing for texts and lists. */
static void add_values(const struct option *option, struct str *out)
{
    if (option->kind != OPTION_TEXT && option->kind != OPTION_LIST &&
        option->kind != OPTION_ENTRIES)
        option_describe_values(option, out);
}

/* What belongs behind the help of an option that holds a secret. */
static const char secret_note[] = "A secret: set it in the file, not on the command line.";

void config_print_help(struct str *out)
{
    str_add_string(out, "mediaferry " MEDIAFERRY_VERSION
                        " - carries the media of calls between browsers and phone systems\n\n"
                        "Usage: mediaferry [OPTION...]\n");
    for (size_t i = 0; i < option_count; i++) {
        const struct option *o = &options[i];
        if (starts_section(i))
            str_addf(out, "\n%s\n", o->section);
        if (o->letter != '\0')
            str_addf(out, "  -%c, ", o->letter);
        else
            str_add_string(out, "      ");
        if (o->kind == OPTION_BOOL)
            str_addf(out, "--[no-]%s", o->name);
        else
            str_addf(out, "--%s=%s", o->name, option_value_name(o));
        if (o->fallback[0] != '\0')
            str_addf(out, "  [%s]", o->fallback);
        str_add_char(out, '\n');
        add_wrapped(out, "            ", o->help);
        if (o->is_secret)
            add_wrapped(out, "            ", secret_note);
    }
    str_add_string(out,
        "\nInstead of running\n"
        "  -h, --help            this text\n"
        "  -v, --version         name and version\n"
        "      --print-config    the configuration as a documented file\n"
        "      --print-man       the manual page\n"
        "      --print-docs      the options as Markdown\n"
        "      --check-config    what the configuration comes to; status 2 when it\n"
        "                        is not possible\n\n"
        "Each option may also be set in the configuration file (port-min = 30000 "
        "in its\nsection [mediaferry]; those of TURN without the 'turn-' in [turn]) "
        "and in the\nenvironment (MEDIAFERRY_PORT_MIN=30000). The command line "
        "wins over the\nenvironment, that over the file.\n");
}

static void add_sample_option(
    const struct option *o, const struct daemon_config *config, struct str *out)
{
    struct str value = {0}, values = {0};
    option_get(o, config, &value);
    add_values(o, &values);
    bool is_default = text_is(str_text(&value), o->fallback);
    bool is_hidden = o->is_secret && !is_default;
    add_wrapped(out, "# ", o->help);
    if (o->is_secret)
        add_wrapped(out, "# ", secret_note);
    if (values.len > 0)
        str_addf(out, "# Value: %s.\n", str_string(&values));
    str_addf(out, "%s%s =%s%s\n\n", is_default || is_hidden ? "#" : "", option_file_name(o),
        value.len > 0 ? " " : "", is_hidden ? "(set, and not shown)" : str_string(&value));
    str_done(&value);
    str_done(&values);
}

void config_print_sample(const struct daemon_config *config, struct str *out)
{
    str_add_string(out,
        "# Configuration of mediaferry. Lines that begin with '#' or ';' are comments; the values\n"
        "# that stand there so are the defaults. A section [rtpengine] is read too, before this\n"
        "# one. Every option can also be given as --option=value and as MEDIAFERRY_OPTION.\n\n"
        "[mediaferry]\n\n");
    for (size_t i = 0; i < option_count; i++) {
        if (options[i].not_in_file)
            continue;
        if (option_is_turn(&options[i]) && !option_is_turn(&options[i - 1]))
            str_add_string(out,
                "[" TURN_SECTION "]\n\n"
                "# STUN and TURN. The names are those of coturn; on the command line "
                "--turn-NAME,\n# in the environment MEDIAFERRY_TURN_NAME. Lists may "
                "be given on several lines, and\n# ';;' is a ';' inside an entry.\n\n");
        if (starts_section(i))
            str_addf(out, "#\n# %s\n#\n\n", options[i].section);
        add_sample_option(&options[i], config, out);
    }
}

/* Hyphens that are typed, and characters that mean something to troff. */
static void add_roff(struct str *out, const char *string)
{
    for (const char *c = string; *c != '\0'; c++) {
        if (*c == '-')
            str_add_string(out, "\\-");
        else if (*c == '\\')
            str_add_string(out, "\\e");
        else if (*c == '\'')
            str_add_string(out, "\\(aq");
        else
            str_add_char(out, *c);
    }
}

static void add_man_option(const struct option *o, struct str *out)
{
    struct str values = {0};
    add_values(o, &values);
    str_add_string(out, ".TP\n.B ");
    if (o->letter != '\0')
        str_addf(out, "\\-%c, ", o->letter);
    str_add_string(out, o->kind == OPTION_BOOL ? "\\-\\-[no\\-]" : "\\-\\-");
    add_roff(out, o->name);
    if (o->kind != OPTION_BOOL)
        str_addf(out, "\\fR=\\fI%s\\fR", option_value_name(o));
    str_add_char(out, '\n');
    add_roff(out, o->help);
    str_add_char(out, '\n');
    if (o->is_secret) {
        add_roff(out, secret_note);
        str_add_char(out, '\n');
    }
    if (values.len > 0 && o->kind != OPTION_BOOL) {
        str_add_string(out, "Value: ");
        add_roff(out, str_string(&values));
        str_add_string(out, ".\n");
    }
    if (o->fallback[0] != '\0') {
        str_add_string(out, "Default: ");
        add_roff(out, o->fallback);
        str_add_string(out, ".\n");
    }
    str_done(&values);
}

void config_print_man(struct str *out)
{
    str_add_string(out,
        ".TH MEDIAFERRY 8 \"\" \"mediaferry " MEDIAFERRY_VERSION "\"\n"
        ".SH NAME\nmediaferry \\- media relay between browsers and phone systems\n"
        ".SH SYNOPSIS\n.B mediaferry\n[\\fIOPTION\\fR...]\n"
        ".SH DESCRIPTION\n"
        "mediaferry carries the media of calls between browsers or mobile apps (ICE, DTLS\\-SRTP) "
        "and a phone system that speaks plain RTP. A SIP proxy steers it with the ng protocol.\n"
        ".PP\n"
        "Each option may be given on the command line, as a variable of the environment "
        "(MEDIAFERRY_PORT_MIN for port\\-min) and in the configuration file, in its section "
        "[mediaferry] or, without the turn\\- in front, in [turn]; the first of these that has it "
        "wins.\n"
        ".PP\n"
        "\\-\\-check\\-config tells what the configuration comes to instead of running, and with "
        "\\-\\-turnserver\\-conf=FILE prints a configuration of coturn as a section [turn].\n"
        ".SH OPTIONS\n");
    for (size_t i = 0; i < option_count; i++) {
        if (starts_section(i))
            str_addf(out, ".SS %s\n", options[i].section);
        add_man_option(&options[i], out);
    }
    str_add_string(out,
        ".SH SIGNALS\n"
        ".TP\n.B TERM\nStop; with drain\\-timeout, when the calls that there are have ended. A "
        "second one stops at once.\n"
        ".TP\n.B INT\nStop at once.\n"
        ".TP\n.B HUP\nRead the configuration again. A mistake in it changes nothing.\n"
        ".TP\n.B USR1, USR2\nLower and raise the log level.\n"
        ".SH FILES\n.I /etc/mediaferry/mediaferry.conf\n.br\n.I " CONTROL_PATH "\n"
        ".SH EXIT STATUS\n0 after a clean stop, 1 when the daemon could not start, 2 for a "
        "configuration that is not possible.\n"
        ".SH SEE ALSO\n.BR mediaferryctl (8)\n");
}

/* Text of a table cell: bars would end it. */
static void add_cell(struct str *out, const char *string)
{
    for (const char *c = string; *c != '\0'; c++) {
        if (*c == '|')
            str_add_char(out, '\\');
        str_add_char(out, *c);
    }
}

static void add_docs_option(const struct option *o, struct str *out)
{
    struct str values = {0};
    add_values(o, &values);
    str_addf(out, "| `%s` | ", option_file_name(o));
    if (o->fallback[0] != '\0')
        str_addf(out, "`%s` | ", o->fallback);
    else
        str_add_string(out, "| ");
    str_add_string(out, o->reloadable ? "yes | " : "| ");
    if (values.len > 0)
        str_addf(out, "%c%s. ", toupper((unsigned char)values.data[0]), values.data + 1);
    add_cell(out, o->help);
    if (o->is_secret)
        str_addf(out, " %s", secret_note);
    str_add_string(out, " |\n");
    str_done(&values);
}

static void add_ignored(
    struct str *out, const char *whose, const struct ignored_option *table, size_t count)
{
    str_addf(out,
        "\n## Options of %s without effect\n\n"
        "They are accepted, with one warning each.\n\n"
        "| option | because |\n|---|---|\n",
        whose);
    for (size_t i = 0; i < count;) {
        const char *reason = table[i].reason;
        const char *separator = "| ";
        for (; i < count && table[i].reason == reason; i++) {
            str_addf(out, "%s`%s`", separator, table[i].name);
            separator = ", ";
        }
        str_addf(out, " | %s |\n", reason);
    }
}

void config_print_docs(struct str *out)
{
    str_add_string(out,
        "# Configuration\n\n"
        "<!-- Made by `mediaferry --print-docs` from the option table in src/daemon/options.c. "
        "-->\n\n"
        "Every option can be given in four places; the first that has it wins:\n\n"
        "1. the command line: `--port-min=30000`, `--port-min 30000`; flags as `--sip-source` and\n"
        "   `--no-plain-sdp`; lists several times or separated by `;`\n"
        "2. the environment: `MEDIAFERRY_PORT_MIN=30000`\n"
        "3. the configuration file: `port-min = 30000` in its section `[mediaferry]`; a section\n"
        "   `[rtpengine]` of an existing rtpengine.conf is read as it is, before that\n"
        "4. the default\n\n"
        "The options under the headings \"TURN\" stand in a section `[turn]`, under the names "
        "that\n"
        "coturn has for them. On the command line and in the environment they begin with `turn-`:\n"
        "`--turn-realm=example.org`, `MEDIAFERRY_TURN_REALM=example.org`. In `[turn]` a flag may\n"
        "stand without a value, a value in double quotes, and a list on several lines that add "
        "up;\n"
        "`;;` is a `;` inside an entry.\n\n"
        "Options marked \"reload\" are read again on SIGHUP; all others need a restart. Secrets\n"
        "belong in the file: a command line can be read by every user of the machine.\n\n"
        "`mediaferry --print-config` prints the configuration in force as a documented file. An\n"
        "impossible value names its option and line and ends the start with status 2; an unknown\n"
        "option in the file is a warning, on the command line an error. `--print-config` never\n"
        "shows secrets. `mediaferry --check-config` checks everything that a start would check "
        "and\n"
        "tells what the configuration comes to; `--check-config --turnserver-conf FILE` prints a\n"
        "coturn configuration as a section `[turn]`.\n");
    for (size_t i = 0; i < option_count; i++) {
        if (starts_section(i))
            str_addf(out, "\n## %s\n\n| option | default | reload | meaning |\n|---|---|---|---|\n",
                options[i].section);
        add_docs_option(&options[i], out);
    }
    add_ignored(out, "rtpengine", ignored_options, ignored_option_count);
    add_ignored(out, "coturn", coturn_ignored_options, coturn_ignored_option_count);
}
