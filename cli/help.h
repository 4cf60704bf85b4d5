/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_HELP_H
#define FLOWLIFT_CLI_HELP_H

/*
 * What the tables of verbs and options say, for people: help, the manual page, completion.
 */

#include "cli/output.h"
#include "cli/verbs.h"

/** fl_help_overview() - all verbs. Return: FL_EXIT_DONE. */
int fl_help_overview(struct fl_output *out);
/** fl_help_verb() - one verb and its options. Return: FL_EXIT_DONE. */
int fl_help_verb(const struct fl_verb *verb, struct fl_output *out);
/** fl_help_manual() - flowlift(1) as roff. Return: FL_EXIT_DONE. */
int fl_help_manual(struct fl_output *out);
/** fl_help_manual_conf() - flowlift.conf(5), likewise */
int fl_help_manual_conf(struct fl_output *out);
/** fl_help_option() - "-o, --output FILE", as @verb takes it, into @buf */
void fl_help_option(const struct fl_option *option, char *buf, size_t size);

#endif
