/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DOCTOR_NAMES_H
#define FLOWLIFT_DOCTOR_NAMES_H

/* "vm1, vm2, vm3, vm4 and 3 more", built one name at a time. */

#include <openvswitch/dynamic-string.h>

/* Names listed in a sentence; the rest is counted. */
#define FL_NAMES_SHOWN 4

struct fl_names {
    struct ds text;
    size_t n;
};

#define FL_NAMES_INIT                 \
    {                                 \
        .text = DS_EMPTY_INITIALIZER, \
    }

static inline void fl_names_add(struct fl_names *names, const char *name)
{
    if (names->n < FL_NAMES_SHOWN)
        ds_put_format(&names->text, "%s%s", names->n ? ", " : "", name);
    names->n++;
}

/** fl_names_end() - the text; no name may be added any more. Borrowed. */
static inline const char *fl_names_end(struct fl_names *names)
{
    if (names->n > FL_NAMES_SHOWN)
        ds_put_format(&names->text, " and %zu more", names->n - FL_NAMES_SHOWN);
    return ds_cstr(&names->text);
}

static inline void fl_names_destroy(struct fl_names *names)
{
    ds_destroy(&names->text);
}

#endif
