/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_REPORT_WORDS_H
#define FLOWLIFT_CLI_REPORT_WORDS_H

/* The sentences by which a report begins: for who reads no further. */

#include <jansson.h>

/**
 * fl_report_vm_words() - "The NIC forwards the storage traffic of web-2: 100 % of its packets, 0 % before."
 * @vm: as in the document: "name", "now", "before", "after", "peers"
 * Return: owned by the caller, free().
 */
char *fl_report_vm_words(const json_t *vm);

/**
 * fl_report_all_words() - "2 of 40 VMs on node7 are stranded in software: web-2, web-5."
 * @document: has "host", "summary", "vms", "incomplete"
 */
char *fl_report_all_words(const json_t *document);

/** fl_report_fleet_words() - likewise, of a document of fl_fleet_document() */
char *fl_report_fleet_words(const json_t *document);

#endif
