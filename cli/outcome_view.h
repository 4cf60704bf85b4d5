/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_OUTCOME_VIEW_H
#define FLOWLIFT_CLI_OUTCOME_VIEW_H

/*
 * What apply, verify and revert did, as people and machines read it.
 */

#include <jansson.h>

#include "cli/verbs.h"
#include "lib/remedy.h"

struct fl_outcome_answer {
    const struct fl_request *request;
    const char *vm_name;
    const struct fl_outcome *outcome;
    bool is_apply;
    bool has_file;    /* The rules come from a plan in a file, ... */
    bool proven_anew; /* ... and the pipeline has changed since. */
    bool has_before;
    double hw_share_before; /* Negative: there were no packets. */
    uint64_t packets_before;
};

void fl_outcome_show(const struct fl_outcome_answer *answer, struct fl_output *out);

/** fl_remedy_style() - how a remedy's state is coloured */
enum fl_style fl_remedy_style(enum fl_remedy_state state);

#endif
