/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_STORE_SPOOL_INTERNAL_H
#define FLOWLIFT_STORE_SPOOL_INTERNAL_H

/* What the writer and the reader of the spool agree on. */

#include "flows/error.h"

#define FL_SPOOL_OVERFLOW "overflow"
/* The name of an event's file, without the dot that it has while it is written. */
#define FL_SPOOL_NAME_FORM "00000000000000000000-0000000000-000000"

/* With the dot, and room for numbers that are larger than they can be. */
struct fl_spool_name {
    char text[64];
};

/** fl_spool_open_folder() - made when it is missing, no symbolic link. Return: descriptor or negative errno. */
int fl_spool_open_folder(const char *path, struct fl_error *err);

#endif
