/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_REPORT_POINTS_H
#define FLOWLIFT_CLI_REPORT_POINTS_H

/*
 * The storage traffic of VMs over time, for a report. A point is what was counted in one window:
 *
 *   {"time", "window_ms" (null: not known), "by": "journal", "capture" or "sample", "step" (of the journal, or
 *    null), "verdict", "hw_share", "packets": {"hw", ...}, "bytes": {...}}
 */

#include <jansson.h>

#include "flows/audit.h"

/* The points of one reading, as it went on. */
struct fl_report_points {
    json_t *by_vm; /* {identity: [point]}; owned */
    json_t *all;   /* [point] of all VMs together; owned */
    json_t *first; /* {identity: audit entry} of the first reading; owned */
    char *first_time;
};

void fl_report_points_init(struct fl_report_points *points);
void fl_report_points_destroy(struct fl_report_points *points);

/**
 * fl_report_points_add() - what an audit says of each VM
 * @by: "capture" or "sample"
 */
void fl_report_points_add(struct fl_report_points *points, const struct fl_audit *audit,
                          const char *by);

/** fl_report_points_key() - what @vm is called in by_vm: its identity, else its name */
const char *fl_report_points_key(const struct fl_vm_audit *vm);

/**
 * fl_report_points_of_journal() - what the lines of a VM say of before and after
 * @lines: of fl_journal_read(); borrowed
 * Return: array of points, new reference. Each line repeats what the one before it said; that is no new point.
 */
json_t *fl_report_points_of_journal(const json_t *lines);

/** fl_report_points_merge() - both arrays as one, by time; new reference */
json_t *fl_report_points_merge(const json_t *journal, const json_t *readings);

#endif
