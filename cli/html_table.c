/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/html_table.h"

void fl_html_table_begin(struct ds *out, const char *class_, const char *caption,
                         const char *const *columns)
{
    ds_put_format(out,
                  "<table role=\"table\" class=\"%s\"><caption>%s</caption><thead "
                  "role=\"rowgroup\"><tr role=\"row\">",
                  class_, caption);
    for (; *columns; columns++)
        ds_put_format(out, "<th scope=\"col\" role=\"columnheader\">%s</th>", *columns);
    ds_put_cstr(out, "</tr></thead><tbody role=\"rowgroup\">");
}

void fl_html_table_end(struct ds *out)
{
    ds_put_cstr(out, "</tbody></table>");
}

void fl_html_row_begin(struct ds *out, const char *label)
{
    ds_put_format(out, "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\" data-label=\"%s\">",
                  label);
}

void fl_html_cell(struct ds *out, const char *label, const char *class_, bool is_first)
{
    ds_put_format(out, "</%s><td role=\"cell\" class=\"%s\" data-label=\"%s\">",
                  is_first ? "th" : "td", class_, label);
}

void fl_html_row_end(struct ds *out)
{
    ds_put_cstr(out, "</td></tr>");
}
