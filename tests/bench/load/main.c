/* SPDX-License-Identifier: Apache-2.0 */
/* mediaferry-load - phones, browsers and their counterparts by the thousand, for the bench. */
#include <stdio.h>
#include <string.h>

#include "load.h"
#include "web.h"

static const struct mode {
    const char *name;
    int (*main)(int count, char **words);
    const char *usage;
} modes[] = {
    {"media", media_main, "media [--certificate=PEM]"},
    {"turn", turn_main,
        "turn SERVER-IP PORT PEER-IP FIRST-CLIENT [--user=NAME] [--password=WORD] [--realm=NAME] "
        "[--base=IP]"},
    {"fingerprint", fingerprint_main, "fingerprint --certificate=PEM"},
    {"bare", bare_main, "bare IP FIRST-PORT COUNT [pair]"},
};

int main(int argc, char **argv)
{
    size_t count = sizeof(modes) / sizeof(modes[0]);
    for (size_t i = 0; argc > 1 && i < count; i++)
        if (strcmp(argv[1], modes[i].name) == 0)
            return modes[i].main(argc - 2, argv + 2);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "%s mediaferry-load %s\n", i == 0 ? "usage:" : "      ", modes[i].usage);
    return 2;
}
