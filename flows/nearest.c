/* SPDX-License-Identifier: Apache-2.0 */

/* See nearest.h. */

#include "flows/nearest.h"

#include <ctype.h>
#include <openvswitch/util.h>
#include <ovs/util.h>
#include <stdint.h>
#include <string.h>

#define MAX_LETTERS 63

static int lower(char c)
{
    return tolower((unsigned char)c);
}

unsigned int fl_nearest_distance(const char *a, const char *b)
{
    /* Three rows of the usual table: optimal string alignment. */
    unsigned int rows[3][MAX_LETTERS + 1];
    size_t n_a = strnlen(a, MAX_LETTERS);
    size_t n_b = strnlen(b, MAX_LETTERS);

    for (size_t j = 0; j <= n_b; j++) {
        rows[0][j] = (unsigned int)j;
    }
    for (size_t i = 1; i <= n_a; i++) {
        unsigned int *row = rows[i % 3];
        const unsigned int *last = rows[(i + 2) % 3];
        const unsigned int *before = rows[(i + 1) % 3];

        row[0] = (unsigned int)i;
        for (size_t j = 1; j <= n_b; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);

            row[j] = MIN(last[j - 1] + !same, MIN(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1])) {
                row[j] = MIN(row[j], before[j - 2] + 1);
            }
        }
    }
    return rows[n_a % 3][n_b];
}

/* 0 is equal; UINT32_MAX is not near. A word that begins the other is nearer than any misspelling. */
static unsigned int rank(const char *word, const char *known)
{
    size_t n_word = strnlen(word, MAX_LETTERS);
    size_t n_known = strnlen(known, MAX_LETTERS);
    size_t shorter = MIN(n_word, n_known);
    unsigned int distance = fl_nearest_distance(word, known);

    if (shorter >= 3 && !strncasecmp(word, known, shorter)) {
        return 1;
    }
    if (distance > MAX(1u, MAX(n_word, n_known) / 3) || distance >= shorter) {
        return UINT32_MAX;
    }
    return distance + 1;
}

size_t fl_nearest(const char *word, const char *const *known, size_t n_known, const char **found,
                  size_t max_found)
{
    unsigned int ranks[16];
    size_t n = 0;

    max_found = MIN(max_found, ARRAY_SIZE(ranks));
    for (size_t i = 0; i < n_known; i++) {
        unsigned int r = known[i] ? rank(word, known[i]) : UINT32_MAX;
        size_t at = n;

        while (at > 0 && r < ranks[at - 1]) {
            at--;
        }
        if (r == UINT32_MAX || at >= max_found) {
            continue;
        }
        n = MIN(n + 1, max_found);
        memmove(&ranks[at + 1], &ranks[at], (n - at - 1) * sizeof *ranks);
        memmove(&found[at + 1], &found[at], (n - at - 1) * sizeof *found);
        ranks[at] = r;
        found[at] = known[i];
    }
    return n;
}
