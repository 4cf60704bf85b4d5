/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FUZZ_REQUIRE_H
#define FLOWLIFT_FUZZ_REQUIRE_H

/* What has to be so, in a build without assertions, too. */

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition)                                                          \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

#endif
