/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_ROFF_H
#define FLOWLIFT_CLI_ROFF_H

/* Text for manual pages. */

#include "cli/output.h"

/** fl_roff_text() - no line begins with a control character, and '-' and '\\' mean themselves */
void fl_roff_text(struct fl_output *out, const char *text);
/** fl_roff_line() - a line of text; behind @macro (".SH") unless that is NULL */
void fl_roff_line(struct fl_output *out, const char *macro, const char *text);

#endif
