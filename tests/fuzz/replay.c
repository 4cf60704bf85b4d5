/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over the files of its corpus, without a fuzzer: what was found once stays
 * fixed in every build. Each file is named before it runs, so that the last name is the culprit.
 *
 * Usage: fuzz_NAME FOLDER
 */

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Exactly 'size' bytes on the heap, so that AddressSanitizer sees a read past the end. */
static int replay_file(const char *path)
{
    struct stat status;
    uint8_t *data = NULL;
    FILE *file = fopen(path, "rb");

    if (!file || fstat(fileno(file), &status) < 0 || !S_ISREG(status.st_mode))
        goto fail;
    data = malloc(status.st_size ? (size_t)status.st_size : 1);
    if (!data || fread(data, 1, (size_t)status.st_size, file) != (size_t)status.st_size)
        goto fail;
    fclose(file);
    LLVMFuzzerTestOneInput(data, (size_t)status.st_size);
    free(data);
    return 0;

fail:
    printf("# cannot read %s: %s\n", path, strerror(errno));
    free(data);
    if (file)
        fclose(file);
    return -1;
}

int main(int argc, char *argv[])
{
    struct dirent **entries = NULL;
    bool failed = false;
    int n;

    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..1\n");
    n = scandir(argv[1], &entries, is_visible, alphasort);
    if (n <= 0) {
        printf("not ok 1 - the corpus %s has no file\n", argv[1]);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        char path[4096];

        snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        printf("# %s\n", entries[i]->d_name);
        failed |= replay_file(path) < 0;
        free(entries[i]);
    }
    free(entries);
    printf("%sok 1 - %d files of the corpus\n", failed ? "not " : "", n);
    return failed;
}
