/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/roff.h"

void fl_roff_text(struct fl_output *out, const char *text)
{
    bool at_start = true;

    for (; *text; text++) {
        if (at_start && (*text == '.' || *text == '\''))
            fl_output_printf(out, "\\&");
        if (*text == '\\')
            fl_output_printf(out, "\\e");
        else if (*text == '-')
            fl_output_printf(out, "\\-");
        else
            fl_output_printf(out, "%c", *text);
        at_start = *text == '\n';
    }
}

void fl_roff_line(struct fl_output *out, const char *macro, const char *text)
{
    if (macro)
        fl_output_printf(out, "%s ", macro);
    fl_roff_text(out, text);
    fl_output_printf(out, "\n");
}
