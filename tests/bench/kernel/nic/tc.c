// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "tc.h"

#include <linux/jiffies.h>
#include <linux/workqueue.h>
#include <net/pkt_cls.h>

#include "faults.h"
#include "nic.h"
#include "ports.h"
#include "rule.h"
#include "table.h"

/* Of all netdevs; protected by rtnl. */
static LIST_HEAD(blocks);

static int insert(struct flownic_port *port, struct flow_cls_offload *cls, const char **why)
{
    struct flownic_rule *rule;
    int error;

    if (port->nic->eswitch_mode != DEVLINK_ESWITCH_MODE_SWITCHDEV) {
        *why = KBUILD_MODNAME ": E-Switch is not in switchdev mode";
        return -EOPNOTSUPP;
    }
    rule = flownic_rule_create(port, cls, why);
    if (IS_ERR(rule)) {
        return PTR_ERR(rule);
    }
    error = flownic_table_insert(&port->nic->table, rule, flownic_faults_room());
    if (error) {
        flownic_rule_release(rule);
    }
    if (error == -ENOSPC) {
        *why = KBUILD_MODNAME ": Rule table is full";
    }
    return error;
}

/*
 * NL_SET_ERR_MSG(), for a text that is no constant: the tracepoint is told always. TC passes no extack unless the filter
 * says skip_sw or verbose: so the log is told as well.
 */
static int replace(struct flownic_port *port, struct flow_cls_offload *cls)
{
    struct netlink_ext_ack *extack = cls->common.extack;
    const char *why = NULL;
    int error;

    if (!tc_can_offload_extack(port->rep, extack)) {
        return -EOPNOTSUPP;
    }
    error = insert(port, cls, &why);
    if (!error) {
        return 0;
    }
    atomic64_inc(&port->refused);
    if (why) {
        do_trace_netlink_extack(why);
    }
    if (why && extack) {
        extack->_msg = why;
    }
    pr_info_ratelimited("%s: refused, chain %u prio %u cookie %lx: %s (%d)\n", port->rep->name,
                        cls->common.chain_index, cls->common.prio, cls->cookie,
                        why ?: "no reason given", error);
    return error;
}

static int destroy(struct flownic_port *port, struct flow_cls_offload *cls)
{
    struct flownic_rule *rule = flownic_table_remove(&port->nic->table, port, cls->cookie);

    if (!rule) {
        return -ENOENT;
    }
    flownic_rule_release(rule);
    return 0;
}

static struct flownic_hits hits_now(const struct flownic_rule *rule)
{
    struct flownic_hits hits = {
        .packets = (u64)atomic64_read(&rule->packets),
        .bytes = (u64)atomic64_read(&rule->bytes),
        .last_used = READ_ONCE(rule->last_used),
    };

    return hits;
}

/* TC adds up what it is told: it gets what came since it asked last. */
static int report(struct flownic_port *port, struct flow_cls_offload *cls)
{
    struct flownic_table *table = &port->nic->table;
    struct flownic_rule *rule;
    struct flownic_hits now;

    mutex_lock(&table->lock);
    rule = flownic_table_find(table, port, cls->cookie);
    if (!rule) {
        mutex_unlock(&table->lock);
        return -ENOENT;
    }
    now = flownic_faults_stats_delay_ms() ? rule->sampled : hits_now(rule);
    if (now.packets < rule->reported.packets || now.bytes < rule->reported.bytes) {
        now = rule->reported; /* the sample is from before the fault was switched on */
    }
    flow_stats_update(&cls->stats, now.bytes - rule->reported.bytes,
                      now.packets - rule->reported.packets, 0, now.last_used,
                      FLOW_ACTION_HW_STATS_DELAYED);
    rule->reported = now;
    mutex_unlock(&table->lock);
    return 0;
}

static int block_callback(enum tc_setup_type type, void *data, void *context)
{
    struct flownic_port *port = context;
    struct flow_cls_offload *cls = data;

    if (type != TC_SETUP_CLSFLOWER) {
        return -EOPNOTSUPP;
    }
    /* With hw-tc-offload off, what is in hardware still has to go, and to be accounted for. */
    switch (cls->command) {
    case FLOW_CLS_REPLACE: return replace(port, cls);
    case FLOW_CLS_DESTROY: return destroy(port, cls);
    case FLOW_CLS_STATS: return report(port, cls);
    default: return -EOPNOTSUPP;
    }
}

int flownic_tc_setup(struct net_device *dev, enum tc_setup_type type, void *data)
{
    struct flownic_port *port = flownic_port_of(dev);

    if (type != TC_SETUP_BLOCK) {
        return -EOPNOTSUPP;
    }
    return flow_block_cb_setup_simple(data, &blocks, block_callback, port, port, true);
}

static void sample(struct work_struct *work)
{
    struct flownic_nic *nic = container_of(to_delayed_work(work), struct flownic_nic, sampler);
    unsigned int delay_ms = flownic_faults_stats_delay_ms();
    struct flownic_rule *rule;

    if (!delay_ms) {
        return;
    }
    mutex_lock(&nic->table.lock);
    list_for_each_entry(rule, &nic->table.rules, in_order) {
        rule->sampled = hits_now(rule);
    }
    mutex_unlock(&nic->table.lock);
    schedule_delayed_work(&nic->sampler, msecs_to_jiffies(delay_ms));
}

void flownic_tc_start(struct flownic_nic *nic)
{
    INIT_DELAYED_WORK(&nic->sampler, sample);
}

void flownic_tc_sample(struct flownic_nic *nic)
{
    mod_delayed_work(system_wq, &nic->sampler, 0);
    flush_delayed_work(&nic->sampler);
}

void flownic_tc_stop(struct flownic_nic *nic)
{
    cancel_delayed_work_sync(&nic->sampler);
}
