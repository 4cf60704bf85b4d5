/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_READING_H
#define FLOWLIFT_CLI_READING_H

/*
 * What a verb works on: the configuration, and for most a snapshot (of the host, or of the files
 * that --from names) with its audit; or an operator, for what changes the switch.
 */

#include "cli/verbs.h"
#include "flows/audit.h"
#include "flows/snapshot.h"
#include "lib/audit_host.h"
#include "lib/base/config.h"
#include "lib/document.h"
#include "lib/remedy.h"

struct fl_reading {
    struct fl_config config;
    struct fl_host_audit host;          /* of the host, or of files */
    const struct fl_snapshot *snapshot; /* of @host */
    const struct fl_audit *audit;       /* likewise */
};

/**
 * fl_reading_open() - read configuration and host (or files), and judge
 * @window_ms: what stands in for --window when it is not given; -1: the configured window
 * @keep, @flags: see struct fl_collect_options
 * Return: 0, or negative errno with @err; release with fl_reading_close() either way.
 */
int fl_reading_open(const struct fl_request *request, int64_t window_ms, enum fl_snapshot_keep keep,
                    unsigned int flags, struct fl_reading *reading, struct fl_error *err);
void fl_reading_close(struct fl_reading *reading);

/**
 * fl_reading_vm() - the VM that @what means
 * @what: as for fl_inventory_find_vm(); a port's name where there is no inventory
 * Return: borrowed, or NULL with @err naming the nearest.
 */
const struct fl_vm_audit *fl_reading_vm(const struct fl_reading *reading, const char *what,
                                        struct fl_error *err);

/**
 * fl_reading_exit_code() - 0, 1 or 2 for what was asked about
 * @vm: only this one, or NULL for all
 */
int fl_reading_exit_code(const struct fl_reading *reading, const struct fl_vm_audit *vm);

/**
 * fl_operator_open() - configuration and who acts, for lib/remedy.h
 * @config: filled; released by fl_config_destroy() also on error
 * @op: borrows from @request and @config; release with fl_operator_close()
 */
int fl_operator_open(const struct fl_request *request, struct fl_config *config,
                     struct fl_operator *op, struct fl_error *err);
void fl_operator_close(struct fl_operator *op);

#endif
