/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DOCTOR_VISIT_H
#define FLOWLIFT_DOCTOR_VISIT_H

/*
 * What the checks of lib/doctor*.c share: everything that was read of the host, or why it was not.
 */

#include <stdbool.h>

#include "flows/inventory.h"
#include "lib/base/config.h"
#include "lib/doctor.h"
#include "lib/doctor_facts.h"
#include "lib/ovs/ctl.h"

struct fl_visit {
    const char *root;
    const struct fl_host *host;
    struct fl_config config; /* The defaults when it could not be read. */
    struct fl_error config_err;
    struct fl_inventory inv; /* Empty when it could not be read. */
    struct fl_error db_err;
    struct fl_ctl *ctl; /* NULL when ovs-vswitchd cannot be asked. */
    struct fl_error ctl_err;
    struct fl_kernel_facts *kernel; /* NULL without a bridge of the kernel datapath. */
    char version[32];               /* As ovs-vswitchd says it: "3.1.0"; or empty. */
};

/* One check: sets status, summary and advice by fl_finds() or fl_finds_nothing(). */
typedef void fl_check_run(struct fl_visit *visit, struct fl_check *check);

/** fl_finds() - the result of a check; @advice: NULL, or what to do (copied) */
void fl_finds(struct fl_check *check, enum fl_check_status status, const char *advice,
              const char *format, ...) __attribute__((format(printf, 4, 5)));
/** fl_finds_nothing() - the check needs something that could not be read */
void fl_finds_nothing(struct fl_check *check, const char *what_is_missing);

/** fl_visit_has_database() - Return: false, with @check unknown, when it could not be read */
bool fl_visit_has_database(const struct fl_visit *visit, struct fl_check *check);

fl_check_run fl_check_bridges, fl_check_datapath, fl_check_dpdk, fl_check_hw_offload,
    fl_check_hw_offload_active, fl_check_tc_policy, fl_check_version;
fl_check_run fl_check_agreement;
fl_check_run fl_check_interfaces, fl_check_vm_ids, fl_check_vm_ports;
fl_check_run fl_check_events, fl_check_folders, fl_check_remedies;

#endif
