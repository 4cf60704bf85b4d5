/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_HTML_TABLE_H
#define FLOWLIFT_CLI_HTML_TABLE_H

/*
 * A table of a page. It becomes cards on a phone, and CSS takes the roles from elements then: so these are
 * written down, and each cell says which column it is of. All strings here are trusted.
 */

#include <stdbool.h>

#include <openvswitch/dynamic-string.h>

/** fl_html_table_begin() - @columns: their titles, ends with NULL */
void fl_html_table_begin(struct ds *out, const char *class_, const char *caption,
                         const char *const *columns);
void fl_html_table_end(struct ds *out);
/** fl_html_row_begin() - and its first cell, the heading of the row, which stands open */
void fl_html_row_begin(struct ds *out, const char *label);
/** fl_html_cell() - ends the cell before it; @is_first: that is the heading of the row */
void fl_html_cell(struct ds *out, const char *label, const char *class_, bool is_first);
void fl_html_row_end(struct ds *out);

#endif
