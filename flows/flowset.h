/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLOWSET_H
#define FLOWLIFT_FLOWSET_H

/*
 * The flow set: the few OpenFlow rules that stand for a VM's storage chains, and the plan around it.
 * A plan is a value with a JSON form (flowlift plan -o, apply --plan, and the remedy file).
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openvswitch/match.h>

#include "flows/error.h"
#include "flows/storage.h"

/* Top 16 bits of every cookie of ours; below: 48 bits of a hash of the VM's identity. */
#define FL_COOKIE_PREFIX      UINT64_C(0xf10f)
#define FL_COOKIE_PREFIX_MASK (UINT64_C(0xffff) << 48)
#define FL_RULE_PRIORITY      65000
/* Decoys (see fl_rule.decoy) stand above the rules. */
#define FL_DECOY_PRIORITY 65001

struct fl_rule {
    char *bridge;
    enum fl_direction direction;
    uint16_t priority;
    /*
     * OpenFlow match: in_port is an ofp_port_t, VLAN as the bridge sees it, and regN=0 of the guard
     * bit once it is chosen (fl_flowset_guard()).
     */
    struct match match;
    char *actions; /* OpenFlow actions text: "NORMAL", "mod_vlan_vid:100,output:1". */
    /*
     * A decoy has the actions of the rule it stands above and matches a part of its region, so it
     * changes no packet's fate; it is there for a second, so that OVS tests one more bit and builds a
     * live megaflow anew whose mask already holds every bit of the rule (DESIGN.md section 4).
     */
    bool decoy;
};

struct fl_relaxation {
    char *id;      /* "ct-invalid", "mac-learning", ... */
    char *example; /* a packet in ofproto/trace syntax, or NULL */
};

/* What a rule was narrowed for: packets that the pipeline goes on to look after. */
struct fl_exception {
    char *example; /* in ofproto/trace syntax, to be asked about the pipeline */
    char *why;     /* what it does with them instead, a sentence without its end */
};

struct fl_flowset {
    char *vm_id; /* Identity; the cookie is made of it. */
    char *vm_name;
    uint64_t cookie;
    struct fl_rule *rules; /* Decoys last. */
    size_t n_rules;
    /* Conntrack zones that the VM's storage packets pass where the rules do not lead them past. */
    uint16_t *zones;
    size_t n_zones;
    /* What the proof used and found. */
    unsigned int guard_reg; /* Register and mask of the guard bit; mask 0: not chosen yet. */
    uint32_t guard_mask;
    struct fl_relaxation *relaxations;
    size_t n_relaxations;
    struct fl_exception *exceptions;
    size_t n_exceptions;
    unsigned int n_traces;
    unsigned int n_regions; /* Parts of the rules that were looked at one by one. */
    int64_t proof_ms;       /* Duration of the proof. */
    char *basis;            /* Fingerprint of what it was proven against, see struct fl_pipeline. */
};

/** fl_cookie_of_vm() - 0xf10f in the top 16 bits, 48 bits of a hash of @vm_id below */
uint64_t fl_cookie_of_vm(const char *vm_id);

void fl_flowset_init(struct fl_flowset *set, const char *vm_id, const char *vm_name);
void fl_flowset_destroy(struct fl_flowset *set);
/** fl_flowset_add() - append a zeroed rule, match catch-all; NULL past FL_LIMIT_RULES */
struct fl_rule *fl_flowset_add(struct fl_flowset *set);
/** fl_flowset_guard() - put the guard bit (reg @reg & @mask must be 0) into every rule's match */
void fl_flowset_guard(struct fl_flowset *set, unsigned int reg, uint32_t mask);
void fl_flowset_add_relaxation(struct fl_flowset *set, const char *id, const char *example);
void fl_flowset_add_exception(struct fl_flowset *set, const char *example, const char *why);
/** fl_flowset_forget_proof() - all that a proof found, but not the guard */
void fl_flowset_forget_proof(struct fl_flowset *set);

/** fl_rule_match_text() - the match as ovs-ofctl writes it, without priority; free() it */
char *fl_rule_match_text(const struct fl_rule *rule);
/** fl_rule_text() - "table=0,priority=..,cookie=..,MATCH actions=ACTIONS" for ovs-ofctl; free() it */
char *fl_rule_text(const struct fl_rule *rule, uint64_t cookie);
/** fl_flowset_equal() - same bridges, matches, priorities and actions in any order */
bool fl_flowset_equal(const struct fl_flowset *a, const struct fl_flowset *b);

json_t *fl_flowset_to_json(const struct fl_flowset *set); /* new reference */
/** fl_flowset_from_json() - Return: 0, or -EINVAL naming the key; @set untouched on error */
int fl_flowset_from_json(const json_t *json, struct fl_flowset *set, struct fl_error *err);

#endif
