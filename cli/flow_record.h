/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_FLOW_RECORD_H
#define FLOWLIFT_CLI_FLOW_RECORD_H

/*
 * One datapath flow with what the audit and the inventory add to it: whose it is, whether it
 * carries storage traffic, on which VLAN, and why it is not in hardware. Text and JSON are made
 * from this.
 */

#include <jansson.h>

#include "cli/reading.h"

struct fl_flow_record {
    const struct fl_snapshot_flow *seen;
    const char *vm;      /* Borrowed; NULL when not known. */
    const char *in_port; /* Borrowed, or @in_port_number; NULL when not legible. */
    char in_port_number[16];
    int vlan;     /* 0: untagged, -1: not known */
    bool storage; /* when @storage_known */
    bool storage_known;
    uint64_t packets; /* FL_COUNT_UNKNOWN: not known */
    uint64_t bytes;
    uint64_t hw_packets; /* Those of @packets that the NIC forwarded; likewise. */
    struct fl_cause causes[FL_MAX_CAUSES];
    size_t n_causes;
};

/* Which flows are links of a VM's storage chains. */
struct fl_flow_owners;
struct fl_flow_owners *fl_flow_owners_create(const struct fl_audit *audit);
void fl_flow_owners_destroy(struct fl_flow_owners *owners);

/** fl_flow_record_make() - gather what is known of @seen, a flow of the snapshot in @reading */
void fl_flow_record_make(const struct fl_reading *reading, const struct fl_flow_owners *owners,
                         const struct fl_snapshot_flow *seen, struct fl_flow_record *record);
/** fl_flow_record_json() - an element of "flows" (DESIGN.md section 6); new reference */
json_t *fl_flow_record_json(const struct fl_flow_record *record);

/**
 * fl_flow_match_text() - what a flow matches, shorter than dpctl writes it
 * Return: "tcp,dl_vlan=100,nw_dst=10.1.0.0/24,tp_dst=2049", without in_port and recirc_id, and
 * without "untagged" and "no fragment", which nearly every flow matches; owned by the caller,
 * free().
 */
char *fl_flow_match_text(const struct fl_flow *flow);

#endif
