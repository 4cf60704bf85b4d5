/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eswitch: the embedded switch of the simulated NIC: ports, a rule table, counters, faults.
 *
 * Pure: frames come in as bytes and leave through a callback, so it is tested without DPDK.
 * A port's rules are kept in groups of equal mask, precedence and kind, each a hash table
 * on the masked key: insertion is O(1), and a lookup costs one probe a group, however many
 * rules there are. Among the groups those that forward come before those that only mark,
 * then the lower priority number wins; rules that overlap at equal priority are not ordered
 * (rte_flow leaves that undefined as well).
 *
 * All functions may be called from any thread.
 */
#ifndef FLOWNIC_ESWITCH_H
#define FLOWNIC_ESWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actions.h"
#include "faults.h"
#include "frame_key.h"

#define FLOWNIC_MAX_PORTS 64

struct flownic_eswitch;
struct flownic_rule;

/* What a rule is made of. The value is already masked. */
struct flownic_rule_spec {
    struct flownic_key value;
    struct flownic_key mask;
    struct flownic_action actions[FLOWNIC_MAX_ACTIONS];
    uint32_t n_actions;
    uint32_t priority;
    bool forwards; /* a "transfer" rule: the frame never reaches software */
    bool counts;
};

struct flownic_rule_counters {
    uint64_t packets;
    uint64_t bytes;
};

struct flownic_rule_view {
    uint64_t serial; /* never used twice in one eSwitch */
    struct flownic_rule_spec spec;
    struct flownic_rule_counters total; /* since the rule was made */
};

/* Seen by the hardware; what the driver's software sends or receives is not in here. */
struct flownic_port_counters {
    uint64_t rules; /* now */
    uint64_t created;
    uint64_t destroyed;
    uint64_t refused;
    uint64_t hw_fwd_packets; /* received here and forwarded by a rule */
    uint64_t hw_fwd_bytes;
    uint64_t hw_out_packets; /* sent out here by a rule of another port */
    uint64_t hw_out_bytes;
    uint64_t hw_drop_packets;
    uint64_t hw_drop_bytes;
    uint64_t hw_mark_packets; /* given to software with a mark */
    uint64_t miss_packets;    /* received here and given to software */
    uint64_t miss_bytes;
};

enum flownic_verdict {
    FLOWNIC_TO_SOFTWARE,
    FLOWNIC_TO_SOFTWARE_MARKED,
    FLOWNIC_FORWARDED,
    FLOWNIC_DROPPED,
};

enum flownic_refusal_part {
    FLOWNIC_REFUSED_NOTHING,
    FLOWNIC_REFUSED_TABLE,
    FLOWNIC_REFUSED_MATCH,
    FLOWNIC_REFUSED_ACTION,
    FLOWNIC_REFUSED_KIND, /* forwards, or only marks */
};

/* Why a rule was not taken. @text is constant. */
struct flownic_refusal {
    enum flownic_refusal_part part;
    const char *text;
};

/**
 * flownic_eswitch_create() - a switch without ports, rules or faults
 *
 * Return: the switch, owned by the caller; NULL if out of memory.
 */
struct flownic_eswitch *flownic_eswitch_create(void);

/**
 * flownic_eswitch_destroy() - free a switch and its rules
 * @eswitch: consumed; may be NULL
 */
void flownic_eswitch_destroy(struct flownic_eswitch *eswitch);

/**
 * flownic_eswitch_set_fault() - switch one fault
 * @eswitch: the switch
 * @words: see faults.h; borrowed
 *
 * Return: NULL, or a constant sentence that says what is wrong with @words.
 */
const char *flownic_eswitch_set_fault(struct flownic_eswitch *eswitch, const char *words);

/**
 * flownic_eswitch_faults() - the faults in force
 * @eswitch: the switch
 *
 * Return: a copy.
 */
struct flownic_faults flownic_eswitch_faults(struct flownic_eswitch *eswitch);

/**
 * flownic_eswitch_check() - would this rule be taken now?
 * @eswitch: the switch
 * @spec: the rule; borrowed
 *
 * Return: the refusal, whose part is FLOWNIC_REFUSED_NOTHING if it would.
 */
struct flownic_refusal flownic_eswitch_check(struct flownic_eswitch *eswitch,
                                             const struct flownic_rule_spec *spec);

/**
 * flownic_eswitch_add() - put a rule into the table
 * @eswitch: the switch
 * @port: ingress port, below FLOWNIC_MAX_PORTS
 * @spec: the rule; copied
 * @refusal: receives the reason when NULL is returned
 *
 * Return: the rule, owned by the switch until flownic_eswitch_remove(); NULL if refused.
 */
struct flownic_rule *flownic_eswitch_add(struct flownic_eswitch *eswitch, uint32_t port,
                                         const struct flownic_rule_spec *spec,
                                         struct flownic_refusal *refusal);

/**
 * flownic_eswitch_remove() - take a rule out of the table and free it
 * @eswitch: the switch
 * @rule: consumed
 */
void flownic_eswitch_remove(struct flownic_eswitch *eswitch, struct flownic_rule *rule);

/**
 * flownic_eswitch_flush() - remove all rules of a port
 * @eswitch: the switch
 * @port: ingress port
 */
void flownic_eswitch_flush(struct flownic_eswitch *eswitch, uint32_t port);

/**
 * flownic_eswitch_count_refusal() - count a rule that was refused before it got here
 * @eswitch: the switch
 * @port: ingress port
 */
void flownic_eswitch_count_refusal(struct flownic_eswitch *eswitch, uint32_t port);

/**
 * flownic_eswitch_query() - packets and bytes of a rule since the last query with @reset
 * @eswitch: the switch
 * @rule: borrowed
 * @reset: start from zero again
 *
 * Return: the counters. The totals in a rule view are not touched by @reset.
 */
struct flownic_rule_counters flownic_eswitch_query(struct flownic_eswitch *eswitch,
                                                   struct flownic_rule *rule, bool reset);

/**
 * flownic_eswitch_process() - what the hardware does with a frame that came in
 * @eswitch: the switch
 * @port: where it came in
 * @frame: changed in place by a rule that rewrites
 * @sink: receives outputs, while the table is locked for reading
 * @mark: receives the mark for FLOWNIC_TO_SOFTWARE_MARKED
 *
 * Return: the verdict.
 */
enum flownic_verdict flownic_eswitch_process(struct flownic_eswitch *eswitch, uint32_t port,
                                             struct flownic_frame *frame,
                                             const struct flownic_output_sink *sink,
                                             uint32_t *mark);

/**
 * flownic_eswitch_port_counters() - a port's counters
 * @eswitch: the switch
 * @port: the port
 *
 * Return: a copy.
 */
struct flownic_port_counters flownic_eswitch_port_counters(struct flownic_eswitch *eswitch,
                                                           uint32_t port);

/**
 * flownic_eswitch_rules() - rules of a port, in order of their serial numbers
 * @eswitch: the switch
 * @port: ingress port
 * @from: the lowest serial number wanted
 * @views: receives up to @max rules
 * @max: room in @views
 *
 * Return: how many were written; fewer than @max means that there are no more.
 */
size_t flownic_eswitch_rules(struct flownic_eswitch *eswitch, uint32_t port, uint64_t from,
                             struct flownic_rule_view *views, size_t max);

#endif
