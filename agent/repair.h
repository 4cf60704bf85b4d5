/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_REPAIR_H
#define FLOWLIFT_AGENT_REPAIR_H

/* One automatic repair in a child process: plan, and apply, as `flowlift apply` does. */

#include "agent/auto.h"

/**
 * fl_repair_start() - repair repairs->now
 * @done: as in struct fl_job, with @repairs; its result has "end" and "reason"
 * Return: as fl_worker_start().
 */
int fl_repair_start(struct fl_worker *worker, struct fl_auto *repairs,
                    void (*done)(const json_t *result, const char *why, void *repairs),
                    struct fl_error *err);
/** fl_repair_end() - what came of it, by its result */
enum fl_auto_end fl_repair_end(const json_t *result);

#endif
