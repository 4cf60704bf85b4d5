/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_PROGRESS_H
#define FLOWLIFT_CLI_PROGRESS_H

/*
 * What is being waited for, on a terminal's standard error and nowhere else.
 */

/** fl_progress_line() - show @what in place of the last line shown; a callback, @aux is not used */
void fl_progress_line(const char *what, void *aux);
/** fl_progress_step() - show @what on a line that stays; a callback, @aux is not used */
void fl_progress_step(const char *what, void *aux);
/** fl_progress_end() - wipe the line that fl_progress_line() left, if any */
void fl_progress_end(void);

#endif
