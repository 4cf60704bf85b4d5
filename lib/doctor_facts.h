/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DOCTOR_FACTS_H
#define FLOWLIFT_DOCTOR_FACTS_H

/*
 * What the checks of the kernel datapath are made from. Reading (doctor_facts.c) and judging
 * (doctor_nic.c, doctor_offload.c) are apart: the judges are pure and run on made-up facts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/inventory.h"
#include "flows/nic.h"
#include "flows/storage.h"
#include "lib/doctor.h"
#include "lib/ovs/log_offload.h"

enum fl_fact {
    FL_FACT_UNKNOWN,
    FL_FACT_NO,
    FL_FACT_YES,
};

/* Flows and filters counted, each group known or not. */
struct fl_offload_counts {
    bool flows_known; /* what the kernel has now, wherever it is */
    uint64_t tc_flows;
    uint64_t ovs_flows;  /* in the openvswitch module: never in the NIC */
    uint64_t ovs_recirc; /* of these, behind or with a recirculation */
    bool filters_known;  /* flower filters that Open vSwitch made (they have its cookie) */
    uint64_t filters;
    uint64_t filters_in_hw;
    bool orphans_known;
    uint64_t orphans;                      /* no megaflow behind them */
    char orphan_device[FL_NIC_NAME_BYTES]; /* one that has some */
    bool connections_known; /* TCP connections of storage that conntrack tracks, established */
    uint64_t connections;
    uint64_t connections_in_hw;
};

struct fl_kernel_facts {
    struct fl_nic nic;
    struct fl_error nic_err; /* @nic is empty then */
    enum fl_fact recirc;     /* CONFIG_NET_TC_SKB_EXT of the running kernel */
    struct fl_log_offload log;
    bool ingress_known;
    int *ingress; /* Devices with a qdisc for TC filters, by ifindex; owned. */
    size_t n_ingress;
    struct fl_offload_counts counts;
};

/** fl_kernel_facts_read() - all that can be read; the rest stays unknown */
void fl_kernel_facts_read(struct fl_kernel_facts *facts, const struct fl_inventory *inv,
                          const struct fl_storage *storage);
/** fl_kernel_facts_read_setup() - likewise, without @counts: no flow is read */
void fl_kernel_facts_read_setup(struct fl_kernel_facts *facts);
/** fl_kernel_has_ingress() - has the device a qdisc for TC filters? Of known facts only (ingress_known) */
bool fl_kernel_has_ingress(const struct fl_kernel_facts *facts, int ifindex);
void fl_kernel_facts_destroy(struct fl_kernel_facts *facts);

/**
 * fl_kernel_config() - CONFIG_NET_TC_SKB_EXT from the text of a kernel's configuration
 * Return: NO also when the text has other options, and not this one.
 */
enum fl_fact fl_kernel_config(const char *text);

/**
 * fl_kernel_types() - likewise from its types (BTF): enum skb_ext_id has TC_SKB_EXT with it only
 * Return: UNKNOWN when that enumeration is not there at all.
 */
enum fl_fact fl_kernel_types(const char *types, size_t n);

/* A judge: facts in, a finding out. @inv: of a host that has the kernel datapath. */
typedef void fl_judge(const struct fl_kernel_facts *facts, const struct fl_inventory *inv,
                      struct fl_check *check);

/* doctor_nic.c: of devices */
fl_judge fl_judge_representors, fl_judge_tc_offload, fl_judge_eswitch_mode, fl_judge_one_eswitch,
    fl_judge_uplink_bond;
/* doctor_offload.c: of what the kernel does with flows */
fl_judge fl_judge_offload_active, fl_judge_ingress, fl_judge_recirculation, fl_judge_rule_table,
    fl_judge_orphans, fl_judge_conntrack;

#endif
