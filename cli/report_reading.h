/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_REPORT_READING_H
#define FLOWLIFT_CLI_REPORT_READING_H

/* What a report is made from: the host, watched for a window, or files. */

#include "cli/reading.h"
#include "cli/report_points.h"

/**
 * fl_report_read() - as fl_reading_open(), and the points that there are on the way
 * @points: initialised
 *
 * Of the host: its whole window makes the verdicts, each part of it a point. Of files, the earlier first: each
 * is a point (lib/series.h), the last makes the verdicts.
 */
int fl_report_read(const struct fl_request *request, struct fl_reading *reading,
                   struct fl_report_points *points, struct fl_error *err);

#endif
