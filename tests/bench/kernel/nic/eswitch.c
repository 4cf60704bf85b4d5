// SPDX-License-Identifier: GPL-2.0
#include "eswitch.h"

#include <linux/jiffies.h>
#include <linux/netdevice.h>

#include "conntrack.h"
#include "execute.h"
#include "key.h"
#include "mangle.h"
#include "nic.h"
#include "rule.h"
#include "stats.h"
#include "table.h"

#define MAX_CHAINS 16

/* The rules that a frame hits, one in each chain. */
struct rule_path {
    struct flownic_rule *rules[MAX_CHAINS];
    struct flownic_connection *connections[MAX_CHAINS]; /* that they found; NULL */
    unsigned int n_rules;
    bool trapped;
};

/* What becomes of a frame behind a rule. */
enum step { STEP_DONE, STEP_GOTO, STEP_MISS };

static void deliver(struct flownic_port *port, struct net_device *dev, struct sk_buff *skb,
                    struct flownic_size size, enum flownic_count lost)
{
    if (dev_forward_skb(dev, skb) != NET_RX_SUCCESS) {
        flownic_count(port, lost, size);
    }
}

/* What one action makes of the key of a frame. */
static void change_key(const struct flownic_action *action, struct flownic_key *key)
{
    switch (action->kind) {
    case FLOWNIC_POP_VLAN: flownic_key_pop_vlan(key); break;
    case FLOWNIC_PUSH_VLAN:
        flownic_key_push_vlan(key, action->vlan.tpid, action->vlan.vid, action->vlan.pcp);
        break;
    case FLOWNIC_SET_VLAN:
        flownic_key_set_vlan(key, action->vlan.tpid, action->vlan.vid, action->vlan.pcp);
        break;
    default:
        if (flownic_mangle_is(action)) {
            flownic_mangle_key(key, &action->mangle);
        }
    }
}

/* Lead the key of a frame through the last rule of a path. */
static enum step follow(struct rule_path *path, struct flownic_key *key, u32 *chain)
{
    const struct flownic_rule *rule = path->rules[path->n_rules - 1];
    struct flownic_connection **connection = &path->connections[path->n_rules - 1];
    u32 i;

    *connection = NULL;
    for (i = 0; i < rule->n_actions; i++) {
        const struct flownic_action *action = &rule->actions[i];

        switch (action->kind) {
        case FLOWNIC_TRAP: path->trapped = true; return STEP_DONE;
        case FLOWNIC_GOTO: *chain = action->chain; return STEP_GOTO;
        case FLOWNIC_CT:
            if (!flownic_ct_restore(action->zone, key, connection)) {
                return STEP_MISS;
            }
            break;
        default: change_key(action, key);
        }
    }
    return STEP_DONE;
}

static bool decide(const struct flownic_port *port, const struct sk_buff *skb,
                   struct rule_path *path)
{
    struct flownic_key key;
    u32 chain = 0;

    flownic_key_read(skb, &key, NULL);
    while (path->n_rules < MAX_CHAINS) {
        struct flownic_rule *rule = flownic_table_lookup(port, chain, &key);

        if (!rule) {
            return false;
        }
        path->rules[path->n_rules++] = rule;
        switch (follow(path, &key, &chain)) {
        case STEP_DONE: return true;
        case STEP_GOTO: break;
        case STEP_MISS: return false;
        }
    }
    return false;
}

/* Is this frame one that the fault "punt" sends to software? */
static bool is_punted(struct flownic_port *port, u64 packets)
{
    u32 every = READ_ONCE(port->punt_every);
    u32 position;

    if (!every) {
        return false;
    }
    position = (u32)atomic_add_return((int)packets, &port->punt_position);
    return position / every != (u32)(position - packets) / every;
}

static void count_hits(const struct rule_path *path, struct flownic_size size)
{
    unsigned int i;

    for (i = 0; i < path->n_rules; i++) {
        struct flownic_rule *rule = path->rules[i];

        atomic64_add((s64)size.packets, &rule->packets);
        atomic64_add((s64)size.bytes, &rule->bytes);
        WRITE_ONCE(rule->last_used, jiffies);
        flownic_ct_count(path->connections[i], size);
    }
}

/* A frame that hits may be meant for software all the same. */
static bool goes_to_software(struct flownic_port *port, const struct rule_path *path,
                             struct flownic_size size)
{
    if (path->trapped) {
        count_hits(path, size);
        flownic_count(port, FLOWNIC_TRAP_HIT, size);
        return true;
    }
    if (is_punted(port, size.packets)) {
        flownic_count(port, FLOWNIC_PUNT, size);
        return true;
    }
    return false;
}

static void forward(struct flownic_port *port, struct sk_buff *skb, const struct rule_path *path,
                    struct flownic_size size)
{
    bool sent = false;
    unsigned int i;

    for (i = 0; i < path->n_rules && skb; i++) {
        skb = flownic_execute(path->rules[i], skb, &sent);
    }
    /* The last action was a mirror. */
    kfree_skb(skb);
    flownic_count(port, sent ? FLOWNIC_HW_RX : FLOWNIC_HW_DROP, size);
}

void flownic_eswitch_receive(struct flownic_port *port, struct sk_buff *skb)
{
    struct flownic_size size = flownic_size(skb);
    struct rule_path path;

    path.n_rules = 0; /* the rest is filled in with each rule: this is the fast path */
    path.trapped = false;
    skb_reset_mac_header(skb);
    if (skb->ip_summed == CHECKSUM_COMPLETE) {
        skb->ip_summed = CHECKSUM_NONE; /* it was of the frame as a bridge received it */
    }
    rcu_read_lock();
    if (decide(port, skb, &path) && !goes_to_software(port, &path, size)) {
        count_hits(&path, size);
        forward(port, skb, &path, size);
    } else {
        flownic_count(port, FLOWNIC_MISS, size);
        deliver(port, port->rep, skb, size, FLOWNIC_LOST_REP);
    }
    rcu_read_unlock();
}

void flownic_eswitch_transmit(struct flownic_port *port, struct sk_buff *skb)
{
    struct flownic_size size = flownic_size(skb);

    flownic_count(port, FLOWNIC_SW_TX, size);
    deliver(port, port->far, skb, size, FLOWNIC_LOST_FAR);
}

void flownic_eswitch_emit(struct flownic_port *port, struct sk_buff *skb)
{
    struct flownic_size size = flownic_size(skb);

    flownic_count(port, FLOWNIC_HW_TX, size);
    deliver(port, port->far, skb, size, FLOWNIC_LOST_FAR);
}
