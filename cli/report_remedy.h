/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_REPORT_REMEDY_H
#define FLOWLIFT_CLI_REPORT_REMEDY_H

/*
 * What was done for a VM, for a report: its remedy on disk, its lines of the journal, or a plan.
 */

#include <jansson.h>

#include "flows/flowset.h"
#include "flows/inventory.h"

struct fl_report_remedy {
    json_t *remedy; /* as below, or JSON null; owned */
    json_t *before; /* the VM's audit entry, or JSON null; likewise @after */
    json_t *after;
    json_t *before_time; /* or JSON null */
    json_t *after_time;
    json_t *journal; /* lines without "before" and "after", the newest last */
    json_t *points;  /* fl_report_points_of_journal() */
    json_t *done;    /* a sentence */
    char *unread;    /* Why not all of it could be read, or NULL; free() */
};

/**
 * fl_report_remedy_read() - all of it
 * @root: as for fl_config_load()
 * @vm_id, @vm_name: whose
 * @inv: tells ports' names, or NULL
 * @plan: a plan to show where there is no remedy on disk, or NULL
 * @max_lines: of the journal, the newest
 *
 * The remedy is {"state", "reason", "ticket", "who", "created", "changed", "confirm_by", "until", "cookie",
 * "rules", "relaxations", "exceptions", "regions", "traces", "proof_ms", "installed"}; of a plan most are null.
 */
void fl_report_remedy_read(const char *root, const char *vm_id, const char *vm_name,
                           const struct fl_inventory *inv, const struct fl_flowset *plan,
                           size_t max_lines, struct fl_report_remedy *result);
/** fl_report_remedy_unknown() - nothing is known of it: what is read is of another host */
void fl_report_remedy_unknown(const struct fl_inventory *inv, const struct fl_flowset *plan,
                              struct fl_report_remedy *result);
void fl_report_remedy_destroy(struct fl_report_remedy *remedy);

#endif
