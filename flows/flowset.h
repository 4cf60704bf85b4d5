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

struct ofpbuf;

/* Top 16 bits of every cookie of ours; below: 48 bits of a hash of the VM's identity. */
#define FL_COOKIE_PREFIX      UINT64_C(0xf10f)
#define FL_COOKIE_PREFIX_MASK (UINT64_C(0xffff) << 48)
#define FL_RULE_PRIORITY      65000
/* Decoys (see fl_rule.decoy) stand above the rules. */
#define FL_DECOY_PRIORITY 65001
/* The switch itself takes one out after this time, whoever was to do it. */
#define FL_DECOY_SECONDS 60

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

/* A port that the rules name by its number, so that it can be found again by what stays (flows/rebase.h). */
struct fl_rule_port {
    char *bridge;
    char *interface; /* its name */
    ofp_port_t ofport;
    bool of_vm;     /* It is the VM's own. */
    char *iface_id; /* external_ids:iface-id, or NULL */
    bool has_mac;
    struct eth_addr mac; /* external_ids:attached-mac */
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
    /*
     * The rules as they were derived, before a proof narrowed them: what a later one may widen them to. None
     * in a plan of an older flowlift.
     */
    struct fl_rule *wide;
    size_t n_wide;
    struct fl_rule_port
        *ports; /* Ports that the rules name; none in a plan of an older flowlift. */
    size_t n_ports;
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
/** fl_flowset_add_port() - append a zeroed port; pointers move when more are added */
struct fl_rule_port *fl_flowset_add_port(struct fl_flowset *set);
/** fl_flowset_forget_ports() - all of them */
void fl_flowset_forget_ports(struct fl_flowset *set);
/** fl_flowset_add_zone() - once. Return: whether it is new; false as well past FL_LIMIT_ZONES */
bool fl_flowset_add_zone(struct fl_flowset *set, uint16_t zone);
/** fl_flowset_copy() - an uninitialised @to becomes a copy of @from */
void fl_flowset_copy(struct fl_flowset *to, const struct fl_flowset *from);
/** fl_flowset_keep_wide() - @set->wide becomes a copy of the rules */
void fl_flowset_keep_wide(struct fl_flowset *set);
/** fl_flowset_settle_wide() - @set->wide gets the actions that the rules within have got by a proof */
void fl_flowset_settle_wide(struct fl_flowset *set);
/** fl_flowset_widen() - the rules become those of @set->wide, as before any proof */
void fl_flowset_widen(struct fl_flowset *set);
/** fl_flowset_drop_decoys() - the rules stay */
void fl_flowset_drop_decoys(struct fl_flowset *set);
/** fl_flowset_has_rule_of() - does @decoy the same as one of the rules, on a part of its packets? */
bool fl_flowset_has_rule_of(const struct fl_flowset *set, const struct fl_rule *decoy);
/** fl_flowset_drop_stray_decoys() - those that belong to no rule of the set */
void fl_flowset_drop_stray_decoys(struct fl_flowset *set);
/** fl_flowset_forget_proof() - all that a proof found, but not the guard */
void fl_flowset_forget_proof(struct fl_flowset *set);

/**
 * fl_ofpacts_parse() - OpenFlow actions out of their text, as of fl_rule.actions
 * @ofpacts: uninitialised; ofpbuf_uninit() it in any case. Empty when the text is wrong.
 * Return: NULL, or what is wrong with @text (free()).
 */
char *fl_ofpacts_parse(const char *text, struct ofpbuf *ofpacts);
/** fl_rule_match_text() - the match as ovs-ofctl writes it, without priority; free() it */
char *fl_rule_match_text(const struct fl_rule *rule);
/** fl_rule_text() - "table=0,priority=..,cookie=..,MATCH actions=ACTIONS" for ovs-ofctl; free() it */
char *fl_rule_text(const struct fl_rule *rule, uint64_t cookie);
/** fl_flowset_covers() - is every rule of @other within one of @set? */
bool fl_flowset_covers(const struct fl_flowset *set, const struct fl_flowset *other);
/** fl_flowset_has_directions() - has @set a rule in each direction that @other has rules in? Decoys are none. */
bool fl_flowset_has_directions(const struct fl_flowset *set, const struct fl_flowset *other);
/** fl_flowset_equal() - same bridges, matches, priorities and actions in any order */
bool fl_flowset_equal(const struct fl_flowset *a, const struct fl_flowset *b);

json_t *fl_flowset_to_json(const struct fl_flowset *set); /* new reference */
/** fl_flowset_from_json() - Return: 0, or -EINVAL naming the key; @set untouched on error */
int fl_flowset_from_json(const json_t *json, struct fl_flowset *set, struct fl_error *err);

#endif
