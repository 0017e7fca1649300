/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/commands.h"

static const struct ng_command commands[] = {
    {"ping", NG_VERB_PING, ng_run_ping},
    {"offer", NG_VERB_OFFER, ng_run_offer},
    {"answer", NG_VERB_ANSWER, ng_run_answer},
    {"delete", NG_VERB_DELETE, ng_run_delete},
    {"query", NG_VERB_QUERY, ng_run_query},
    {"list", NG_VERB_LIST, ng_run_list},
    {"statistics", NG_VERB_STATISTICS, ng_run_statistics},
};

const struct ng_command *ng_command_find(struct text name)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (text_is(name, commands[i].name))
            return &commands[i];
    return NULL;
}
