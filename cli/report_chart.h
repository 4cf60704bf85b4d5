/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_REPORT_CHART_H
#define FLOWLIFT_CLI_REPORT_CHART_H

/* Storage traffic by path, drawn as SVG. Colours are those of the page's style: class "p-hw", ... */

#include <jansson.h>

#include <openvswitch/dynamic-string.h>

#include "flows/flow.h"

/* Paths that a chart shows, best first: enum fl_path. */
#define FL_REPORT_PATHS FL_PATH_UNKNOWN

/* Counts by path. */
struct fl_report_counts {
    double by_path[FL_REPORT_PATHS];
    double all;
};
/** fl_report_counts() - of "packets" or "bytes", whatever is in it */
struct fl_report_counts fl_report_counts(const json_t *counts);

/** fl_report_bar() - the shares of one reading, as a bar; nothing without packets */
void fl_report_bar(struct ds *out, const json_t *packets);

/**
 * fl_report_charts() - points over time: shares of packets, and bytes a second
 * @id: makes the ids of this chart's elements unique on the page
 * Fewer than two points make no chart.
 */
void fl_report_charts(struct ds *out, const json_t *points, unsigned int id);

#endif
