/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TESTS_TEMPORARY_H
#define FLOWLIFT_TESTS_TEMPORARY_H

/*
 * A folder of its own for each test, taken away afterwards. For cmocka: include <cmocka.h> first.
 * Paths are relative to the folder; folders above a file are made.
 */

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct temporary {
    char root[64];
};

static inline int temporary_setup(void **state)
{
    struct temporary *t = malloc(sizeof *t);

    strcpy(t->root, "/tmp/flowlift-test-XXXXXX");
    assert_non_null(mkdtemp(t->root));
    *state = t;
    return 0;
}

static inline int temporary_remove(const char *path, const struct stat *status, int type,
                                   struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int temporary_teardown(void **state)
{
    struct temporary *t = *state;

    assert_int_equal(nftw(t->root, temporary_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(t);
    return 0;
}

/* To be freed. */
static inline char *temporary_path(const struct temporary *t, const char *name)
{
    char *path;

    assert_true(asprintf(&path, "%s/%s", t->root, name) > 0);
    return path;
}

static inline void temporary_make_parents(const struct temporary *t, char *path)
{
    for (char *slash = path + strlen(t->root); (slash = strchr(slash + 1, '/')); *slash = '/') {
        *slash = '\0';
        assert_true(!mkdir(path, 0755) || errno == EEXIST);
    }
}

static inline void temporary_write_bytes(const struct temporary *t, const char *name,
                                         const void *bytes, size_t n)
{
    char *path = temporary_path(t, name);
    FILE *file;

    temporary_make_parents(t, path);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static inline void temporary_write(const struct temporary *t, const char *name, const char *text)
{
    temporary_write_bytes(t, name, text, strlen(text));
}

/* The text of a file, to be freed; fails without the file. */
static inline char *temporary_read(const struct temporary *t, const char *name)
{
    char *path = temporary_path(t, name), *text = NULL;
    FILE *file = fopen(path, "rb");
    size_t n = 0;

    assert_non_null(file);
    assert_true(getdelim(&text, &n, EOF, file) >= 0 || feof(file));
    fclose(file);
    free(path);
    return text;
}

#endif
