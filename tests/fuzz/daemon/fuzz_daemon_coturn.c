/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a file of coturn's holds, what becomes of it is read without a complaint, and says what
 * the report says. */
#include "../require.h"

#include "daemon/config_build.h"
#include "daemon/coturn_conf.h"
#include "daemon/coturn_convert.h"

static unsigned count_lines(struct text text)
{
    struct coturn_conf conf = coturn_conf_over(text);
    struct coturn_line line;
    unsigned count = 0;
    while (coturn_conf_next(&conf, &line)) {
        require(line.name.len == 0 || memchr(line.name.data, '\n', line.name.len) == NULL);
        require(line.value.len == 0 || memchr(line.value.data, '\n', line.value.len) == NULL);
        count++;
    }
    return count;
}

static bool has_users(const struct turn_options *turn)
{
    return turn->user[0] != '\0' || turn->static_auth_secret[0] != '\0' ||
           turn->redis_userdb[0] != '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text text = text_of((const char *)data, size);
    struct daemon_config *config = config_new();
    struct coturn_report report;
    struct str out = {0}, why = {0};
    require(config != NULL);
    require(coturn_convert(text, "f", &out, &report) == 0);
    require(report.carried + report.dropped == count_lines(text));
    require(config_read_text(config, str_text(&out), "out", TURN_SECTION, &why) == 0);
    require(report.carried == 0 ? config->warning_count <= 1 : config->warning_count == 0);
    require(has_users(&config->turn) == report.has_users);
    config_free(config);
    str_done(&out);
    return 0;
}
