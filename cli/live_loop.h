/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_LIVE_LOOP_H
#define FLOWLIFT_CLI_LIVE_LOOP_H

/* The loop of "flowlift watch" on a terminal: documents, keys, signals and time in, screens out. */

#include "cli/live_source.h"
#include "cli/output.h"

/**
 * fl_live_loop() - until somebody quits
 * Return: exit code; with @err set it was ended by what @err says. The terminal is as it was.
 */
int fl_live_loop(struct fl_live_source *source, const struct fl_output *out, struct fl_error *err);

#endif
