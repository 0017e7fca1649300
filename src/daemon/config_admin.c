/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "admin/tokens.h"
#include "daemon/config_turn.h"

/* A port alone is one of this machine's own, unlike where phones and browsers listen. */
static void add_loopback(struct text spec, struct str *out)
{
    while (spec.len > 0) {
        struct text word = text_trim(text_cut(&spec, ';'));
        uint64_t port;
        str_addf(out, "%s%.*s;", text_to_u64(word, UINT64_MAX, &port) ? "127.0.0.1:" : "",
            TEXT_ARG(word));
    }
}

static int resolve_listen(struct daemon_config *config, struct str *why)
{
    struct str spec = {0}, problem = {0};
    add_loopback(text_from(config->admin.listen), &spec);
    int error = str_ok(&spec)
                    ? listen_addresses_parse(str_text(&spec), &config->listen_admin, &problem)
                    : -ENOMEM;
    if (error == -EINVAL)
        config_blame(config, &config->admin.listen, why, "%s", str_string(&problem));
    str_done(&spec);
    str_done(&problem);
    return error;
}

/* A token on each line, as the option has them. */
static int read_tokens(struct daemon_config *config, struct str *why)
{
    const struct admin_settings *admin = &config->admin;
    struct str tokens = {0};
    char *content = NULL;
    size_t len = 0;
    int error = config_read_whole(admin->token_file, &content, &len);
    if (error == -ENOMEM)
        return error;
    if (error != 0)
        return config_blame(config, &admin->token_file, why, "cannot read '%s': %s",
            admin->token_file, strerror(-error));
    for (struct text rest = text_of(content, len); rest.len > 0;) {
        struct text line = text_cut(&rest, '\n');
        line.len -= line.len > 0 && line.data[line.len - 1] == '\r';
        str_addf(&tokens, "%.*s\n", TEXT_ARG(text_trim(line)));
    }
    free(content);
    config->admin_tokens = str_take(&tokens);
    return config->admin_tokens != NULL ? 0 : -ENOMEM;
}

/* By whom they are for. */
static int check_tokens(const struct daemon_config *config, const void *field, struct str *why)
{
    struct text list[TOKENS_MAX + 1], rest = text_from(config->admin_tokens);
    struct str problem = {0};
    struct admin_tokens tokens;
    size_t count = 0;
    while (count < COUNT_OF(list) && turn_list_next(&rest, &list[count]))
        count++;
    int error = admin_tokens_read(list, count, &tokens, &problem);
    if (error == -EINVAL)
        config_blame(config, field, why, "%s", str_string(&problem));
    str_done(&problem);
    return error;
}

int config_resolve_admin(struct daemon_config *config, struct str *why)
{
    const struct admin_settings *admin = &config->admin;
    bool has_token = admin->token[0] != '\0', has_file = admin->token_file[0] != '\0';
    if (has_token && has_file)
        return config_blame(
            config, &admin->token_file, why, "'admin-token' is set too: one is enough");
    if (admin->listen[0] == '\0')
        return 0;
    if (!has_token && !has_file)
        return config_blame(
            config, &admin->listen, why, "needs 'admin-token' or 'admin-token-file'");
    int error = resolve_listen(config, why);
    if (error == 0 && has_file)
        error = read_tokens(config, why);
    if (error == 0 && has_token)
        config->admin_tokens = text_dup(text_from(admin->token));
    if (error == 0 && config->admin_tokens == NULL)
        error = -ENOMEM;
    return error != 0 ? error
                      : check_tokens(config, has_file ? &admin->token_file : &admin->token, why);
}
