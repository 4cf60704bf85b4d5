/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_AUDIT_VIEW_H
#define FLOWLIFT_CLI_AUDIT_VIEW_H

/*
 * An audit as people read it: rows of the VM table.
 */

#include "cli/reading.h"
#include "cli/table.h"

/** fl_verdict_style() - how a verdict is coloured */
enum fl_style fl_verdict_style(enum fl_verdict verdict);
/** fl_tally_all() - packets on every path, "unknown" too */
uint64_t fl_tally_all(const uint64_t by_path[FL_N_PATHS]);

/**
 * fl_vm_table_create() - the table of VMs (without an inventory: of ports)
 * Rates when the snapshot has a window, counts when it has none.
 */
struct fl_table *fl_vm_table_create(const struct fl_snapshot *snapshot);
void fl_vm_table_row(struct fl_table *table, const struct fl_vm_audit *vm, int64_t window_ms);

#endif
