/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_PLAN_FILE_H
#define FLOWLIFT_CLI_PLAN_FILE_H

/*
 * A plan as a file: the JSON of "flowlift plan", whose "flowset" is what "apply --plan" installs.
 */

#include <jansson.h>

#include "flows/flowset.h"

/**
 * fl_plan_file_write() - @document to @path, all of it or nothing
 * @path: "-" is not special here
 */
int fl_plan_file_write(const char *path, const json_t *document, struct fl_error *err);

/**
 * fl_plan_file_read() - the flow set of a plan
 * @vm_what: the VM that the operator named; a plan for another is refused
 * Return: 0 and @set filled; -EINVAL for what is no plan, or not one of this host or VM; @set is
 * untouched on error.
 */
int fl_plan_file_read(const char *path, const char *vm_what, struct fl_flowset *set,
                      struct fl_error *err);

#endif
