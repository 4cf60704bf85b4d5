/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_PLAN_VIEW_H
#define FLOWLIFT_CLI_PLAN_VIEW_H

/*
 * A plan, or the reason why there is none, as people and machines read it. "plan" and "apply
 * --dry-run" show the same.
 */

#include <jansson.h>

#include "cli/verbs.h"
#include "lib/remedy.h"

struct fl_plan_answer {
    const struct fl_request *request;
    const struct fl_plan *plan;
    const char *vm_name;
    const char *reason; /* Why there is no plan; NULL when there is one. */
    const char *state;  /* "planned", "installed", "not-needed", "no-traffic" or "refused" */
};

/**
 * fl_plan_answer() - what fl_remedy_plan() returned, as an answer
 * @code: its return value: 0, -ENOENT, -ENOTSUP or -EPERM
 */
struct fl_plan_answer fl_plan_answer(const struct fl_request *request, const struct fl_plan *plan,
                                     int code, const struct fl_error *why);
/** fl_plan_answered() - whether @code is an answer, rather than trouble */
bool fl_plan_answered(int code);
/** fl_plan_exit_code() - 0 there is a plan or none is needed, 1 refused */
int fl_plan_exit_code(int code);

/** fl_plan_json() - @verb: whose schema it is; new reference */
json_t *fl_plan_json(const struct fl_plan_answer *answer, const char *verb);
/**
 * fl_plan_rules_json() - [{"bridge", "direction", "priority", "match", "actions", "text", "words", "decoy"}]
 * @inv: tells ports' names, or NULL
 * Return: new reference; likewise fl_plan_relaxations_json() [{"id", "meaning", "example"}] and
 * fl_plan_exceptions_json() [{"example", "why"}]
 */
json_t *fl_plan_rules_json(const struct fl_flowset *set, const struct fl_inventory *inv);
json_t *fl_plan_relaxations_json(const struct fl_flowset *set);
json_t *fl_plan_exceptions_json(const struct fl_flowset *set);
/** fl_plan_print() - @written_to: the file that it was also written to, or NULL */
void fl_plan_print(const struct fl_plan_answer *answer, const char *written_to,
                   struct fl_output *out);

#endif
