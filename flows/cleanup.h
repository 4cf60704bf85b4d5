/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLEANUP_H
#define FLOWLIFT_CLEANUP_H

/*
 * Scope-bound release: a variable that a function owns is released when the function is left.
 *
 *     _cleanup_(fl_free) char *text = NULL;
 *     _cleanup_json json_t *json = NULL;
 */

#include <jansson.h>
#include <stdlib.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

static inline void fl_free(void *pointer)
{
    free(*(void **)pointer);
}

static inline void fl_json_release(json_t **json)
{
    json_decref(*json);
}

#define _cleanup_free _cleanup_(fl_free)
#define _cleanup_json _cleanup_(fl_json_release)

/** fl_steal() - hand over what a _cleanup_ variable owns */
#define fl_steal(variable)                         \
    ({                                             \
        __typeof__(variable) stolen_ = (variable); \
        (variable) = NULL;                         \
        stolen_;                                   \
    })

#endif
