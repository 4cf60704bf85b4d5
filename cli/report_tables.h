/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_REPORT_TABLES_H
#define FLOWLIFT_CLI_REPORT_TABLES_H

/* The parts of a report's page that list things: each takes its part of the document, whatever is in it. */

#include <jansson.h>
#include <stdbool.h>

#include <openvswitch/dynamic-string.h>

/** fl_report_verdict() - "stranded", with its colour */
void fl_report_verdict(struct ds *out, const char *verdict);

/** fl_report_cause_ids() - of "causes", the first few */
void fl_report_cause_ids(struct ds *out, const json_t *causes);

/** fl_report_vm_table() - all VMs; @with_host: a column for the host of each */
void fl_report_vm_table(struct ds *out, const json_t *vms, bool with_host);
/** fl_report_peer_table() - audit entries: a VM, then its peers */
void fl_report_peer_table(struct ds *out, const json_t *now, const json_t *peers);
void fl_report_point_table(struct ds *out, const json_t *points);
void fl_report_journal_table(struct ds *out, const json_t *journal);
/** fl_report_host_facts() - one host: an element of "hosts" */
void fl_report_host_facts(struct ds *out, const json_t *host);
/** fl_report_chains() - the first @most of "chains", with each link */
void fl_report_chains(struct ds *out, const json_t *vm, size_t most);

#endif
