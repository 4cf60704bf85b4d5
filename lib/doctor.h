/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DOCTOR_H
#define FLOWLIFT_DOCTOR_H

/*
 * What this host lacks for offload and for flowlift: one check a thing, each with what to do about
 * it. Nothing is changed by looking.
 */

#include <stddef.h>

#include "flows/error.h"
#include "lib/collect.h"

enum fl_check_status {
    FL_CHECK_OK,
    FL_CHECK_WARN, /* works, and yet somebody should know */
    FL_CHECK_FAIL,
    FL_CHECK_UNKNOWN, /* could not be looked at */
};
/** fl_check_status_name() - "ok", "warn", "fail", "unknown" */
const char *fl_check_status_name(enum fl_check_status status);

struct fl_check {
    const char *id; /* Stable, part of the JSON interface. */
    enum fl_check_status status;
    char *summary; /* One sentence: what is so. */
    char *advice;  /* What to do, or NULL. */
};

/**
 * fl_doctor_run() - examine this host
 * @root: "" for the host's own; where flowlift's files lie
 * @host: where Open vSwitch is
 * @checks: owned by the caller, see fl_checks_free(); in the order in which things depend on each
 * other
 * @n: how many
 */
void fl_doctor_run(const char *root, const struct fl_host *host, struct fl_check **checks,
                   size_t *n);
void fl_checks_free(struct fl_check *checks, size_t n);

#endif
