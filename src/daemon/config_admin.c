/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config_turn.h"

enum { TOKEN_MAX = 512 };

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

/* The first line of the file, which may end without one. */
static int read_token(struct daemon_config *config, struct str *why)
{
    const struct admin_settings *admin = &config->admin;
    char line[TOKEN_MAX + 2] = "";
    FILE *file = fopen(admin->token_file, "re");
    if (file == NULL)
        return config_blame(config, &admin->token_file, why, "cannot read '%s': %s",
            admin->token_file, strerror(errno));
    bool got = fgets(line, sizeof(line), file) != NULL;
    fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    if (!got || line[0] == '\0' || strlen(line) > TOKEN_MAX)
        return config_blame(config, &admin->token_file, why,
            "the first line of '%s' is empty or longer than %d characters", admin->token_file,
            TOKEN_MAX);
    config->admin_token = text_dup(text_from(line));
    return config->admin_token != NULL ? 0 : -ENOMEM;
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
    if (error != 0 || has_file)
        return error != 0 ? error : read_token(config, why);
    config->admin_token = text_dup(text_from(admin->token));
    return config->admin_token != NULL ? 0 : -ENOMEM;
}
