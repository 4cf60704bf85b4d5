/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_LINE_H
#define FLOWLIFT_AGENT_LINE_H

/* Names of VMs and words of others, for a line of the log or of an answer, and for JSON. */

#include <jansson.h>

/**
 * fl_line_of() - @text in one line
 *
 * Control characters (C0, DEL and C1) become \xNN, so that a name can neither end the line nor command a
 * terminal.
 *
 * Return: owned by the caller.
 */
char *fl_line_of(const char *text);

/** fl_line_json() - a JSON string, whatever bytes @text has; NULL is null. Return: new reference. */
json_t *fl_line_json(const char *text);

#endif
