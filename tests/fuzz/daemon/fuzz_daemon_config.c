/* SPDX-License-Identifier: Apache-2.0 */
/* Any file is either refused with its name and line, or gives possible values that survive being
 * printed and read again; secrets are not printed. */
#include "../require.h"

#include "daemon/config_build.h"
#include "daemon/config_print.h"

static void check_number(const struct option *option, const struct daemon_config *config)
{
    int64_t number;
    memcpy(&number, (const char *)config + option->offset, sizeof(number));
    require(number >= option->min && number <= option->max);
}

static void check_text(const struct option *option, const struct daemon_config *config)
{
    struct str value = {0};
    option_get(option, config, &value);
    for (size_t i = 0; i < value.len; i++)
        require((unsigned char)value.data[i] >= ' ');
    str_done(&value);
}

static void check_values(const struct daemon_config *config)
{
    for (size_t i = 0; i < option_count; i++) {
        enum option_kind kind = options[i].kind;
        if (kind == OPTION_NUMBER || kind == OPTION_PORT || kind == OPTION_SECONDS)
            check_number(&options[i], config);
        else
            check_text(&options[i], config);
    }
}

static void set_secrets(struct daemon_config *config, struct text value)
{
    struct str why = {0};
    for (size_t i = 0; i < option_count; i++)
        if (options[i].is_secret)
            require(option_set(&options[i], OPTION_REPLACE, value, config, &why) == 0);
}

/* Nobody can tell from the print what they are. Leaves them empty. */
static void check_secrets(struct daemon_config *config)
{
    struct str one = {0}, other = {0};
    set_secrets(config, TEXT("one"));
    config_print_sample(config, &one);
    set_secrets(config, TEXT("another"));
    config_print_sample(config, &other);
    require(text_equal(str_text(&one), str_text(&other)));
    set_secrets(config, TEXT(""));
    str_done(&one);
    str_done(&other);
}

static void check_round_trip(const struct daemon_config *config)
{
    struct daemon_config *again = config_new();
    struct str printed = {0}, reprinted = {0}, why = {0};
    config_print_sample(config, &printed);
    require(again != NULL);
    require(config_read_text(again, str_text(&printed), "again", "", &why) == 0);
    config_print_sample(again, &reprinted);
    require(bytes_equal(text_bytes(str_text(&printed)), text_bytes(str_text(&reprinted))));
    str_done(&printed);
    str_done(&reprinted);
    config_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct daemon_config *config = config_new();
    struct str why = {0};
    require(config != NULL);
    int error = config_read_text(config, text_of((const char *)data, size), "f", "", &why);
    require((error == 0) == (why.len == 0));
    require(error == 0 || text_starts_with(str_text(&why), "f:"));
    check_values(config);
    if (error == 0) {
        check_secrets(config);
        check_round_trip(config);
    }
    config_free(config);
    str_done(&why);
    return 0;
}
