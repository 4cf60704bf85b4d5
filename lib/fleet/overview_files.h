/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_OVERVIEW_FILES_H
#define FLOWLIFT_FLEET_OVERVIEW_FILES_H

/*
 * Files of audits, as they were gathered from hosts (lib/fleet/lines.h says in which forms), into a fleet. Files
 * are streamed. What cannot be read is named, and the rest is read on.
 */

#include "flows/limits.h"
#include "lib/fleet/overview.h"

struct fl_fleet_unread {
    char *file;
    uint64_t line; /* 0: the file as a whole */
    char *reason;  /* "is broken off": what follows the place */
};

struct fl_fleet_files {
    struct fl_fleet *fleet; /* borrowed */
    uint64_t n_audits;      /* That were read: documents, or lines of a VM each. */
    uint64_t n_unread;      /* Places that were not. */
    struct fl_fleet_unread unread[FL_LIMIT_FLEET_NAMED]; /* The first of them. */
    size_t n_named;
};

void fl_fleet_files_init(struct fl_fleet_files *files, struct fl_fleet *fleet);
void fl_fleet_files_destroy(struct fl_fleet_files *files);
/** fl_fleet_files_read() - one more; "-" is standard input. A file with nothing in it is one that was not read. */
void fl_fleet_files_read(struct fl_fleet_files *files, const char *path);

#endif
