/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DPDK_PLUGIN_RULE_H
#define FLOWLIFT_DPDK_PLUGIN_RULE_H

/*
 * A rule as text, and as rte_flow wants it. Everything that OVS 3.1 to 3.3 offers can be said, except for
 * the items and actions that a driver makes up for its tunnels (docs/dpdk-plugin.md describes the text):
 *
 *     transfer pattern eth dst=525400640101 type=0800 has_vlan=0 / ipv4 src=0a640000/ffffff00 proto=06
 *     actions count / of_push_vlan type=8100 / of_set_vlan_vid vid=100 / port_id id=3
 *
 * It is read by ovs-vswitchd, so it is read strictly: no memory is asked for, every number, length and
 * count has a limit, and what is not understood is refused by name.
 */

#include "lib/dpdk/plugin/dpdk.h"

#define FL_RULE_ITEMS        16
#define FL_RULE_ACTIONS      24
#define FL_RULE_QUEUES       64
#define FL_RULE_HEADER_BYTES 512 /* OVS: TNL_PUSH_HEADER_SIZE */
#define FL_RULE_SLOT_BYTES   48  /* no item or action that is used has more */
#define FL_RULE_ENCAP_ITEMS  5
#define FL_RULE_WHY_BYTES    120

struct fl_rule_slot {
    _Alignas(8) uint8_t bytes[FL_RULE_SLOT_BYTES];
};

/** struct fl_rule - a rule and all that it points to; not to be copied */
struct fl_rule {
    struct rte_flow_attr attr;
    struct rte_flow_item items[FL_RULE_ITEMS + 1];       /* Ended by END. */
    struct rte_flow_action actions[FL_RULE_ACTIONS + 1]; /* Ended by END. */
    unsigned int n_items;
    unsigned int n_actions;
    struct fl_rule_slot spec[FL_RULE_ITEMS];
    struct fl_rule_slot mask[FL_RULE_ITEMS];
    struct fl_rule_slot last[FL_RULE_ITEMS];
    struct fl_rule_slot conf[FL_RULE_ACTIONS];
    uint16_t queues[FL_RULE_QUEUES];
    bool has_header; /* One encapsulation a rule. */
    struct rte_flow_item encap[FL_RULE_ENCAP_ITEMS];
    _Alignas(8) uint8_t header[FL_RULE_HEADER_BYTES];
};

enum fl_rule_value {
    FL_RULE_BYTES,  /* As they are in the header: hexadecimal, all digits. */
    FL_RULE_BIT,    /* 0 or 1; "bit" says which */
    FL_RULE_NUMBER, /* Decimal, in host byte order. */
    FL_RULE_BE16,   /* Decimal, in network byte order. */
};

enum fl_rule_bit {
    FL_RULE_NO_BIT,
    FL_RULE_HAS_VLAN,
    FL_RULE_HAS_MORE_VLAN,
    FL_RULE_HAS_FRAG_EXT,
};

struct fl_rule_field {
    const char *name;
    enum fl_rule_value value;
    uint8_t offset;
    uint8_t n_bytes;
    enum fl_rule_bit bit;
    uint32_t max; /* FL_RULE_NUMBER, FL_RULE_BE16 */
};

#define FL_RULE_FIELDS 8

struct fl_rule_item_word {
    const char *name;
    enum rte_flow_item_type type;
    struct fl_rule_field fields[FL_RULE_FIELDS]; /* Ended by one without a name. */
};

enum fl_rule_special {
    FL_RULE_PLAIN,
    FL_RULE_RSS,
    FL_RULE_RAW_ENCAP,
    FL_RULE_VXLAN_ENCAP,
};

struct fl_rule_action_word {
    const char *name;
    enum rte_flow_action_type type;
    enum fl_rule_special special;
    bool has_conf;              /* Zero, if there is no field. */
    struct fl_rule_field field; /* Without a name if there is none; it must be given. */
};

/** fl_rule_item_find() - an item's word, @name of @n bytes; NULL if there is none */
const struct fl_rule_item_word *fl_rule_item_find(const char *name, size_t n);
/** fl_rule_action_find() - an action's word; NULL if there is none */
const struct fl_rule_action_word *fl_rule_action_find(const char *name, size_t n);
/** fl_rule_set_bit() - set or clear a bit field of an item's struct */
void fl_rule_set_bit(void *item, enum fl_rule_bit bit, unsigned int value);

/**
 * fl_rule_parse() - read a rule
 * @text: borrowed
 * @n_rx_queues: of the port, for "rss" without a number of queues; 0: not known
 * @rule: garbage on failure
 * @why: on failure what is wrong with @text, printable ASCII
 * Return: 0 or -EINVAL.
 */
int fl_rule_parse(const char *text, unsigned int n_rx_queues, struct fl_rule *rule,
                  char why[FL_RULE_WHY_BYTES]);

/**
 * fl_rule_set_header() - the header of a raw_encap or vxlan_encap action, which is in @rule->header
 * @n_bytes: of it
 * @conf: of the action
 * Return: NULL, or a constant that says what is wrong with it.
 */
const char *fl_rule_set_header(struct fl_rule *rule, enum fl_rule_special special, size_t n_bytes,
                               void *conf);

#endif
