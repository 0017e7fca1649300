/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over every file of its corpus, and over damaged copies of each. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "require.h"

enum { LONGEST_INPUT = 1 << 16 };

static void run(const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    require(exact != NULL);
    memcpy(exact, data, len);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

/* Each prefix, and each byte flipped: cheap, and it finds what a corpus alone does not. */
static void run_damaged(uint8_t *data, size_t len)
{
    size_t step = len / 400 + 1;
    for (size_t i = 0; i < len; i += step) {
        run(data, i);
        data[i] ^= 0xff;
        run(data, len);
        data[i] ^= 0xfe;
        run(data, len);
        data[i] ^= 0x01;
    }
}

static bool replay(const char *path)
{
    static uint8_t data[LONGEST_INPUT];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    size_t len = fread(data, 1, sizeof(data), file);
    fclose(file);
    run(data, len);
    run_damaged(data, len);
    return true;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (folder == NULL) {
        fprintf(stderr, "no corpus folder: %s\n", argc == 2 ? argv[1] : "(none given)");
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        files += replay(path);
    }
    closedir(folder);
    printf("%u corpus files replayed\n", files);
    return files > 0 ? 0 : 1;
}
