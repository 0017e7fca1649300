/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn_load - TURN clients, their peer and their enemies on loopback, for the bench.
 *
 *     turn_load SERVER-PORT FIRST-CLIENT voice COUNT SECONDS PACKETS-PER-S | churn WINDOW SECONDS |
 * hold COUNT | spoof COUNT PER-S (0: bare, 1: signed) | flood SOURCES SECONDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modes.h"

void ready(void)
{
    puts("ready");
    fflush(stdout);
    if (getchar() == EOF)
        exit(0);
}

static unsigned number(char **argv, int at)
{
    return (unsigned)strtoul(argv[at], NULL, 10);
}

static int run(const char *mode, const struct target *target, int count, char **values)
{
    if (strcmp(mode, "voice") == 0 && count == 3)
        run_voice(target, number(values, 0), number(values, 1), number(values, 2));
    else if (strcmp(mode, "churn") == 0 && count == 2)
        run_churn(target, number(values, 0), number(values, 1));
    else if (strcmp(mode, "hold") == 0 && count == 1)
        run_hold(target, number(values, 0));
    else if (strcmp(mode, "spoof") == 0 && count == 3)
        run_spoof(target, number(values, 0), number(values, 1), (int)number(values, 2));
    else if (strcmp(mode, "flood") == 0 && count == 2)
        run_flood(target, number(values, 0), number(values, 1));
    else
        return 2;
    return 0;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 5)
        return 2;
    struct target target = {.port = number(argv, 1), .first = number(argv, 2)};
    int status = run(argv[3], &target, argc - 4, argv + 4);
    if (status == 2)
        fputs("turn_load: no such mode, or not its arguments\n", stderr);
    return status;
}
